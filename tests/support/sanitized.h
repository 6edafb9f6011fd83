// What tests leave out under sanitizers, which make code several times slower: they look at the
// code that is walked, and more of the same shows them nothing new.
#pragma once

namespace systole::testing_support {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// How many random cases, of so many in other builds.
template <typename Count>
[[nodiscard]] constexpr Count fewer_if_sanitized(Count all) {
  return kSanitized ? (all + 9) / 10 : all;
}

}  // namespace systole::testing_support
