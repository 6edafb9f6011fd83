// See page.h.
#include "base/page.h"

#include <fmt/core.h>

#include <algorithm>

namespace systole {

std::string wrapped(const std::string& text, std::size_t first, std::size_t indent) {
  std::string result, word;
  std::size_t column = first;
  bool fresh = true;  // no word in this line yet
  const auto put = [&] {
    if (word.empty()) return;
    if (!fresh && column + 1 + word.size() > kPageWidth) {
      result += "\n" + std::string(indent, ' ');
      column = indent;
      fresh = true;
    }
    if (!fresh) {
      result += " ";
      ++column;
    }
    result += word;
    column += word.size();
    fresh = false;
    word.clear();
  };
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  result = text.substr(0, begin);
  column += begin;
  for (const char c : text.substr(begin)) {
    if (c == ' ') {
      put();
    } else if (c == '\n') {
      put();
      result += "\n" + std::string(indent, ' ');
      column = indent;
      fresh = true;
    } else {
      word += c;
    }
  }
  put();
  return result;
}

std::string counted(std::int64_t count, const std::string& one, const std::string& several) {
  return fmt::format("{} {}", count, count == 1 ? one : several.empty() ? one + "s" : several);
}

}  // namespace systole
