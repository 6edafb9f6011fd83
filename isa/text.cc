// Text: quoting and scanning.
#include "isa/text.h"

#include <charconv>
#include <cstdlib>

#include "base/diag.h"

namespace systole::isa {
namespace {

bool is_word(char ch) {
  return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
         ch == '_' || ch == '.' || ch == '+' || ch == '-';
}

}  // namespace

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char ch : text) {
    const auto code = static_cast<unsigned char>(ch);
    if (code < 0x20 || code == 0x7f) {
      out += fmt::format("\\u{:04X}", code);
    } else {
      if (ch == '"' || ch == '\\') out += '\\';
      out += ch;
    }
  }
  return out + "\"";
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

void LineScanner::fail(const std::string& what, const std::string& expected) const {
  throw InputError(where_, what, expected);
}

void LineScanner::skip_blanks() {
  const auto next = rest_.find_first_not_of(" \t\r");
  rest_.remove_prefix(next == std::string_view::npos ? rest_.size() : next);
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

// The character code after a backslash.
unsigned LineScanner::escape() {
  const char kind = rest_.empty() ? '\0' : rest_.front();
  if (kind == '"' || kind == '\\') {
    rest_.remove_prefix(1);
    return static_cast<unsigned char>(kind);
  }
  unsigned code = 0;
  const char* digits = rest_.data() + 1;
  const bool whole = kind == 'u' && rest_.size() >= 5;
  if (!whole || std::from_chars(digits, digits + 4, code, 16).ptr != digits + 4 || code > 0x7f) {
    fail("unknown escape in a quoted text", "\\\", \\\\ or \\u0000 to \\u007F");
  }
  rest_.remove_prefix(5);
  return code;
}

std::string LineScanner::string() {
  expect('"');
  std::string out;
  while (!rest_.empty() && rest_.front() != '"') {
    const char ch = rest_.front();
    rest_.remove_prefix(1);
    out += ch == '\\' ? static_cast<char>(escape()) : ch;
  }
  if (rest_.empty()) fail("a quoted text without its end", "a closing '\"'");
  rest_.remove_prefix(1);
  return out;
}

std::int64_t LineScanner::integer(const char* what) {
  const std::string_view text = word();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    fail(fmt::format("{} '{}'", what, text), "an integer");
  }
  return value;
}

std::vector<std::int64_t> LineScanner::integers(const char* what) {
  std::vector<std::int64_t> values;
  expect('[');
  if (accept(']')) return values;
  do {
    values.push_back(integer(what));
  } while (accept(','));
  expect(']');
  return values;
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
  rest_ = {};
  return text;
}

}  // namespace systole::isa
