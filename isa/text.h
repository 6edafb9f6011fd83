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
// `where` if something else stands there than it was asked for.
class LineScanner {
 public:
  LineScanner(std::string_view line, const std::string& where) : rest_(line), where_(where) {}

  [[nodiscard]] bool at_end();  // nothing but blanks or a comment is left
  bool accept(char wanted);     // takes the character if it is next
  void expect(char wanted);
  std::string_view word();  // letters, digits and _ . + -; may be empty
  std::string string();     // a quoted string
  std::int64_t integer(const char* what);
  std::vector<std::int64_t> integers(const char* what);  // [1, 2, 3]
  std::vector<float> reals(const char* what);            // [0x1p-3, 0.5]
  std::string_view rest();  // the remainder without blanks at both ends

  [[nodiscard]] const std::string& where() const { return where_; }
  [[noreturn]] void fail(const std::string& what, const std::string& expected) const;

 private:
  void skip_blanks();
  std::string escape();

  std::string_view rest_;
  const std::string& where_;
};

}  // namespace systole::isa
