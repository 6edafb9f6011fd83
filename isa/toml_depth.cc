// A scan that knows TOML's comments and four kinds of strings, in which brackets and dots mean
// nothing (toml.io/en/v1.0.0).
#include "isa/toml_depth.h"

#include <algorithm>

#include "base/diag.h"

namespace systole::isa {
namespace {

constexpr int kMostLevels = 16;

// Bytes of the comment or string at the start of `text`; 0 if there is none. One that does not end
// reaches to the end of its line, of several lines to the end of the text.
std::size_t passive_bytes(std::string_view text) {
  const auto line = std::min(text.find('\n'), text.size());
  const char first = text.front();
  if (first == '#') return line;
  if (first != '"' && first != '\'') return 0;
  const bool lines = text.size() >= 3 && text[1] == first && text[2] == first;
  const std::size_t quotes = lines ? 3 : 1;
  const std::size_t end = lines ? text.size() : line;
  for (std::size_t at = quotes; at < end; ++at) {
    if (text[at] == '\\' && first == '"') {
      ++at;
    } else if (text.substr(at, quotes) == text.substr(0, quotes)) {
      return at + quotes;
    }
  }
  return end;
}

}  // namespace

void check_toml_depth(std::string_view text, const std::string& where) {
  int line = 1, brackets = 0, dots = 0;
  while (!text.empty()) {
    const std::size_t passive = passive_bytes(text);
    const std::string_view taken = text.substr(0, std::max<std::size_t>(passive, 1));
    text.remove_prefix(taken.size());
    if (passive > 0) {
      line += static_cast<int>(std::ranges::count(taken, '\n'));
      continue;
    }
    const char c = taken.front();
    const bool opens = c == '[' || c == '{', closes = c == ']' || c == '}';
    if (c == '\n') ++line;
    if (opens) ++brackets;
    if (closes) brackets = std::max(brackets - 1, 0);
    if (c == '.') ++dots;
    if (opens || closes || c == '=' || c == ',' || c == '\n') dots = 0;
    if (brackets <= kMostLevels && dots < kMostLevels) continue;
    throw InputError(
        fmt::format("{}:{}", where, line),
        brackets > kMostLevels ? "brackets are nested too deeply" : "a key has too many names",
        fmt::format("{} levels at most", kMostLevels));
  }
}

}  // namespace systole::isa
