// A page of text: its width, and words that fit it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace systole {

inline constexpr std::size_t kPageWidth = 80;

// `text` broken at blanks into lines of at most kPageWidth columns, the first behind `first`
// columns that are there already, the others behind `indent` blanks. What is longer stays whole.
[[nodiscard]] std::string wrapped(const std::string& text, std::size_t first, std::size_t indent);

// "1 row", "2 rows".
[[nodiscard]] std::string counted(std::int64_t count, const std::string& one,
                                  const std::string& several = {});

}  // namespace systole
