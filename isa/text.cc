// Text: quoting and scanning.
#include "isa/text.h"

#include <charconv>
#include <cstdlib>

#include "base/clean.h"
#include "base/diag.h"

namespace systole::isa {
namespace {

bool is_word(char ch) {
  return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
         ch == '_' || ch == '.' || ch == '+' || ch == '-' || ch == '*';
}

std::string escaped(const Hazard& hazard) {
  const auto code = static_cast<std::uint32_t>(hazard.code);
  if (!hazard.is_utf8) return fmt::format("\\x{:02X}", code);
  return code <= 0xFFFF ? fmt::format("\\u{:04X}", code) : fmt::format("\\U{:08X}", code);
}

}  // namespace

std::string quote(std::string_view text) {
  std::string inside;
  for (const char ch : text) {
    if (ch == '"' || ch == '\\') inside += '\\';
    inside += ch;
  }
  return '"' + replace_hazards(inside, escaped) + '"';
}

const std::vector<std::string>& role_names() {
  static const std::vector<std::string> names = {"input", "output", "intermediate", "constant"};
  return names;
}
const std::vector<std::string>& host_op_names() {
  static const std::vector<std::string> names = {
#define SYSTOLE_HOST_OP(name, text, meaning) text,
#include "isa/host_ops.def"
  };
  return names;
}
std::string_view role_name(Role role) { return role_names().at(static_cast<std::size_t>(role)); }
std::string_view host_op_name(HostOp op) {
  return host_op_names().at(static_cast<std::size_t>(op));
}

std::string LineScanner::where_at(const char* place) const {
  return fmt::format("{}:{}", where_, place - line_.data() + 1);
}

void LineScanner::fail(const std::string& what, const std::string& expected) const {
  throw InputError(where(), what, expected);
}

void LineScanner::fail_at(std::string_view part, const std::string& what,
                          const std::string& expected) const {
  throw InputError(where_of(part), what, expected);
}

void LineScanner::skip_blanks() {
  const auto next = rest_.find_first_not_of(" \t\r");
  rest_.remove_prefix(next == std::string_view::npos ? rest_.size() : next);
  mark_ = rest_.data();
}

bool LineScanner::at_end() {
  skip_blanks();
  return rest_.empty() || rest_.front() == '#';
}

bool LineScanner::accept(char wanted) {
  skip_blanks();
  if (rest_.empty() || rest_.front() != wanted) return false;
  rest_.remove_prefix(1);
  return true;
}

void LineScanner::expect(char wanted) {
  if (accept(wanted)) return;
  fail(rest_.empty() ? "the line ends early" : fmt::format("found '{}'", rest_.substr(0, 20)),
       fmt::format("'{}'", wanted));
}

std::string_view LineScanner::word() {
  skip_blanks();
  std::size_t length = 0;
  while (length < rest_.size() && is_word(rest_[length])) ++length;
  const std::string_view taken = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return taken;
}

std::string_view LineScanner::value() {
  constexpr std::string_view kJoins = "+-*";
  skip_blanks();
  const char* const begin = rest_.data();
  std::string_view last;
  do {
    last = word();
    skip_blanks();
  } while (!last.empty() && !rest_.empty() &&
           (kJoins.find(last.back()) != std::string_view::npos ||
            kJoins.find(rest_.front()) != std::string_view::npos));
  return {begin, static_cast<std::size_t>(last.data() + last.size() - begin)};
}

// What stands for the escape after a backslash: one character, or one byte of what is no UTF-8.
std::string LineScanner::escape() {
  const char kind = rest_.empty() ? '\0' : rest_.front();
  if (kind == '"' || kind == '\\') {
    rest_.remove_prefix(1);
    return {kind};
  }
  const std::size_t size = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  const std::string_view digits = rest_.substr(0, size + 1).substr(rest_.empty() ? 0 : 1);
  std::uint32_t code = 0;
  const char* const end = digits.data() + digits.size();
  const bool whole =
      size > 0 && digits.size() == size && std::from_chars(digits.data(), end, code, 16).ptr == end;
  const std::string text = kind == 'x' ? std::string{static_cast<char>(code)} : utf8(code);
  if (!whole || text.empty()) {
    fail("unknown escape in a quoted text",
         "\\\", \\\\, \\x00 to \\xFF, or a character's \\u0000 or \\U00000000");
  }
  rest_.remove_prefix(size + 1);
  return text;
}

std::string LineScanner::string() {
  expect('"');
  std::string out;
  while (!rest_.empty() && rest_.front() != '"') {
    const char ch = rest_.front();
    rest_.remove_prefix(1);
    out += ch == '\\' ? escape() : std::string{ch};
  }
  if (rest_.empty()) fail("a quoted text without its end", "a closing '\"'");
  rest_.remove_prefix(1);
  return out;
}

std::vector<float> LineScanner::reals(const char* what) {
  std::vector<float> values;
  expect('[');
  if (accept(']')) return values;
  do {
    const std::string text(word());
    char* end = nullptr;
    values.push_back(std::strtof(text.c_str(), &end));
    if (text.empty() || *end != '\0') fail(fmt::format("{} '{}'", what, text), "a number");
  } while (accept(','));
  expect(']');
  return values;
}

std::string_view LineScanner::rest() {
  skip_blanks();
  const auto last = rest_.find_last_not_of(" \t\r");
  const std::string_view text = rest_.substr(0, last == std::string_view::npos ? 0 : last + 1);
  rest_.remove_prefix(rest_.size());
  return text;
}

}  // namespace systole::isa
