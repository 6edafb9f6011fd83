// Text: the small pieces that assembler and disassembler share: quoted strings, names of roles and
// host operations, and a scanner over one line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "isa/program.h"

namespace systole::isa {

// The text in double quotes; quotes, backslashes and what does more than show itself (base/clean.h)
// are escaped as \" \\ \uNNNN \UNNNNNNNN, bytes that are no UTF-8 as \xNN. Of UTF-8 it is also a
// TOML basic string.
[[nodiscard]] std::string quote(std::string_view text);

[[nodiscard]] std::string_view role_name(Role role);
[[nodiscard]] std::string_view host_op_name(HostOp op);
// All names in order of their values, for parsing and for messages.
[[nodiscard]] const std::vector<std::string>& role_names();
[[nodiscard]] const std::vector<std::string>& host_op_names();

// Reads one line from left to right. Every method skips blanks first and throws InputError naming
// `where` and the column if something else stands there than it was asked for.
class LineScanner {
 public:
  // Reads from `begin` on; columns are the line's.
  LineScanner(std::string_view line, const std::string& where, std::size_t begin = 0)
      : line_(line), rest_(line.substr(begin)), mark_(rest_.data()), where_(where) {}

  [[nodiscard]] bool at_end();  // nothing but blanks or a comment is left
  bool accept(char wanted);     // takes the character if it is next
  void expect(char wanted);
  std::string_view word();   // letters, digits and _ . + - *; may be empty
  std::string_view value();  // a word, or words joined by + - * with blanks around those
  std::string string();      // a quoted string
  std::vector<float> reals(const char* what);  // [0x1p-3, 0.5]
  std::string_view rest();                     // the remainder without blanks at both ends

  // "where:column" of what was read last, or was looked for.
  [[nodiscard]] std::string where() const { return where_at(mark_); }
  // The same of a part of the line.
  [[nodiscard]] std::string where_of(std::string_view part) const { return where_at(part.data()); }
  [[noreturn]] void fail(const std::string& what, const std::string& expected) const;
  [[noreturn]] void fail_at(std::string_view part, const std::string& what,
                            const std::string& expected) const;

 private:
  [[nodiscard]] std::string where_at(const char* place) const;
  void skip_blanks();  // and marks what is behind them
  std::string escape();

  std::string_view line_, rest_;
  const char* mark_;
  const std::string& where_;
};

}  // namespace systole::isa
