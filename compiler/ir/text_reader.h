// Words, names and marks of a graph's text one after another, each with its line and column; what
// is not as expected is an InputError that says where.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/diag.h"

namespace systole::compiler {

// What a name may consist of without quotes, and a number.
[[nodiscard]] constexpr bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_./~+-").find(c) != std::string_view::npos;
}
// Words that begin a line, so that no name is one without quotes.
[[nodiscard]] constexpr bool is_statement(std::string_view word) {
  return word == "input" || word == "constant" || word == "output";
}

class TextReader {
 public:
  struct Token {
    enum class Kind { kWord, kQuoted, kMark, kLineEnd, kEnd } kind;
    std::string text;
    int line = 1, column = 1;
  };

  // Both must outlive the reader.
  TextReader(std::string_view where, std::string_view text);

  // The next token, not yet taken. Ends of lines count outside brackets only, once.
  [[nodiscard]] const Token& next() const { return token_; }
  Token take();

  // Whether the next token is this mark, or word without quotes.
  [[nodiscard]] bool at(std::string_view text) const;
  // Takes it if it is.
  bool accept(std::string_view text);
  void expect(std::string_view text);
  void end_line();

  std::string word(std::string_view expected);
  std::string name(std::string_view expected);

  template <typename T>
  T number() {
    const Token token = token_;
    const std::string text = word(kNumber<T>);
    T value{};
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || at != end) fail(token, kNumber<T>);
    return value;
  }

  // "file:3:14", for messages about a token.
  [[nodiscard]] std::string place(const Token& token) const;
  // A hint follows what was found.
  [[noreturn]] void fail(const Token& token, const std::string& expected,
                         const std::string& hint = {}) const;

 private:
  template <typename T>
  static constexpr const char* kNumber =
      std::is_floating_point_v<T> ? "a number" : "a whole number of its type";

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  char advance();
  void skip_blanks();
  Token scan();
  std::string scan_quoted();

  std::string_view where_, text_;
  std::size_t at_ = 0;
  int line_ = 1, column_ = 1, depth_ = 0;
  Token token_;
};

}  // namespace systole::compiler
