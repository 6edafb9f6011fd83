// Diagnostics: what a user did wrong (InputError, exit code 1) and what we did wrong
// (InternalError, exit code 70) are two things and never mix.
//
// An InputError is one line: where, what was found, what was expected. It is thrown from wherever
// the fault is seen and caught once, in cli/main.cc (docs/decisions/0001-errors.md says why).
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace systole {

// One finding about a user's input.
struct Diag {
  std::string where;     // file, file:line, node or key
  std::string what;      // what was found
  std::string expected;  // what would have been right; may be empty

  // "where: what; expected ..."
  [[nodiscard]] std::string text() const;
};

class InputError : public std::runtime_error {
 public:
  explicit InputError(Diag diag) : std::runtime_error(diag.text()), diag_(std::move(diag)) {}
  InputError(std::string where, std::string what, std::string expected = {})
      : InputError(Diag{std::move(where), std::move(what), std::move(expected)}) {}
  [[nodiscard]] const Diag& diag() const { return diag_; }

 private:
  Diag diag_;
};

class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// Where a check stands and what it demands.
struct CheckSite {
  const char* file;
  int line;
  const char* condition;
};
// Throw InternalError with the site and a message in fmt's format.
[[noreturn]] void throw_internal(const CheckSite& site, fmt::string_view format,
                                 fmt::format_args arguments);
template <typename... Arguments>
[[noreturn]] void check_failed(const CheckSite& site, fmt::format_string<Arguments...> format,
                               Arguments&&... arguments) {
  throw_internal(site, format, fmt::make_format_args(arguments...));
}

}  // namespace systole

// States an invariant of ours; stays on in release builds. The message is an fmt format string.
#define SYSTOLE_CHECK(condition, ...)                                                         \
  do {                                                                                        \
    if (!(condition)) ::systole::check_failed({__FILE__, __LINE__, #condition}, __VA_ARGS__); \
  } while (false)
