// Text is walked character by character; what is no UTF-8 counts as a character of one byte.
#include "base/clean.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace systole {
namespace {

struct Character {
  std::size_t size = 1;
  bool is_utf8 = false;
  char32_t code = 0;
};

// The character at the start of `text`, which is not empty (RFC 3629: no overlong forms, no
// surrogates, nothing above U+10FFFF).
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const Character broken{.size = 1, .is_utf8 = false, .code = lead};
  if (lead < 0x80) return {.size = 1, .is_utf8 = true, .code = lead};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return broken;
  char32_t code = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return broken;
    code = code << 6U | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kLeast.at(size) || surrogate || code > 0x10FFFF) return broken;
  return {.size = size, .is_utf8 = true, .code = code};
}

bool is_control(char32_t code) { return code < 0x20 || code == 0x7F; }

// Beyond ASCII: C1 controls; soft hyphen and other invisible characters; marks, embeddings,
// overrides and isolates that change the direction of writing; separators of lines; what is kept
// for private use inside programs; tags (Unicode 15.1, general categories Cc, Cf, Zl, Zp).
bool is_unseen(char32_t code) {
  struct Range {
    char32_t first, last;
  };
  constexpr auto kRanges = std::to_array<Range>({{0x80, 0x9F},
                                                 {0xAD, 0xAD},
                                                 {0x34F, 0x34F},
                                                 {0x61C, 0x61C},
                                                 {0x115F, 0x1160},
                                                 {0x17B4, 0x17B5},
                                                 {0x180B, 0x180F},
                                                 {0x200B, 0x200F},
                                                 {0x2028, 0x202E},
                                                 {0x2060, 0x206F},
                                                 {0x3164, 0x3164},
                                                 {0xFE00, 0xFE0F},
                                                 {0xFEFF, 0xFEFF},
                                                 {0xFFA0, 0xFFA0},
                                                 {0xFFF0, 0xFFFB},
                                                 {0xFFFE, 0xFFFF},
                                                 {0x1D173, 0x1D17A},
                                                 {0xE0000, 0xE0FFF}});
  return std::ranges::any_of(kRanges,
                             [&](const Range& r) { return code >= r.first && code <= r.last; });
}

std::string cleaned(std::string_view text, bool keep_lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character c = first_character(text);
    if (!c.is_utf8 || is_unseen(c.code)) {
      out += '?';
    } else if (is_control(c.code) && !(keep_lines && c.code == '\n')) {
      out += ' ';
    } else {
      out += text.substr(0, c.size);
    }
    text.remove_prefix(c.size);
  }
  return out;
}

std::string bytes_of(const Hazard& hazard) {
  return hazard.is_utf8 ? utf8(hazard.code) : std::string(1, static_cast<char>(hazard.code));
}

// `text` with a backslash in front of each of `marks`.
std::string with_backslashes(std::string_view text, std::string_view marks) {
  std::string out;
  for (const char c : text) {
    if (marks.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// $'...', each byte of what clean() would replace as three octal digits.
std::string escaped_word(std::string_view text) {
  const auto octal = [](const Hazard& hazard) {
    std::string digits;
    for (const char c : bytes_of(hazard)) {
      digits += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    }
    return digits;
  };
  return "$'" + replace_hazards(with_backslashes(text, "'\\"), octal) + "'";
}

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// `text` with its first `head` and last `tail` bytes, cut between characters of clean text.
std::string without_middle(std::string_view text, std::size_t head, std::size_t tail) {
  while (head > 0 && continues(text[head])) --head;
  std::size_t rest = text.size() - tail;
  while (rest < text.size() && continues(text[rest])) ++rest;
  return fmt::format("{}...({} bytes left out)...{}", text.substr(0, head), rest - head,
                     text.substr(rest));
}

}  // namespace

std::string clean(std::string_view text) { return cleaned(text, false); }
std::string clean_lines(std::string_view text) { return cleaned(text, true); }

std::size_t width_of(std::string_view text) {
  return text.size() - static_cast<std::size_t>(std::ranges::count_if(text, continues));
}

std::string clean(std::string_view text, std::size_t width) {
  constexpr std::string_view kDots = "...";
  const std::size_t longest = 4 * (width + 1);  // bytes that matter
  std::string out = clean(text.substr(0, longest));
  if (text.size() <= longest && width_of(out) <= width) return out;
  std::size_t kept = 0, characters = 0;
  for (; kept < out.size(); ++kept) {
    if (continues(out[kept])) continue;
    if (characters == width - kDots.size()) break;
    ++characters;
  }
  return out.substr(0, kept).append(kDots);
}

std::string clean_message(std::string_view text) {
  constexpr std::size_t kLongestWord = 300, kWordHead = 160, kWordTail = 60;
  constexpr std::size_t kLongest = 2000, kHead = 1200, kTail = 400;
  const std::string whole = clean(text);
  std::string out;
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t blank = std::min(whole.find(' ', at), whole.size());
    const std::string_view word = std::string_view(whole).substr(at, blank - at);
    out += word.size() > kLongestWord ? without_middle(word, kWordHead, kWordTail) : word;
    if (blank < whole.size()) out += ' ';
    at = blank + 1;
  }
  return out.size() > kLongest ? without_middle(out, kHead, kTail) : out;
}

Hazard first_hazard(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Character c = first_character(text.substr(at));
    if (!c.is_utf8 || is_unseen(c.code) || is_control(c.code)) {
      return {.at = at, .size = c.size, .is_utf8 = c.is_utf8, .code = c.code};
    }
    at += c.size;
  }
  return {};
}

std::string replace_hazards(std::string_view text,
                            const std::function<std::string(const Hazard&)>& by) {
  std::string out;
  for (Hazard h = first_hazard(text); h.size > 0; h = first_hazard(text)) {
    out.append(text.substr(0, h.at)).append(by(h));
    text.remove_prefix(h.at + h.size);
  }
  return out.append(text);
}

std::string utf8(char32_t code) {
  if ((code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) return {};
  if (code < 0x80) return {static_cast<char>(code)};
  const std::size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  std::string out(size, '\0');
  for (std::size_t i = size - 1; i > 0; --i, code >>= 6U) {
    out[i] = static_cast<char>(0x80U | (code & 0x3FU));
  }
  out[0] = static_cast<char>((0xF00U >> size & 0xFFU) | code);
  return out;
}

std::string csv_cell(std::string_view text) {
  std::string cell = clean(text);
  const std::size_t first = cell.find_first_not_of(' ');
  const bool formula = first != std::string::npos &&
                       std::string_view("=+-@").find(cell[first]) != std::string_view::npos;
  if (formula) cell.insert(cell.begin(), '\'');
  const bool padded = !cell.empty() && (cell.front() == ' ' || cell.back() == ' ');
  if (!padded && cell.find_first_of(",;\"") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

std::string markdown_cell(std::string_view text) {
  std::string out;
  for (const char c : clean(text)) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '\\':
      case '`':
      case '|':
      case '[':
      case ']':
        out += '\\';
        [[fallthrough]];
      default:
        out += c;
    }
  }
  return out;
}

std::string markdown_code(std::string_view text) {
  const std::string inside = clean(text);
  std::size_t longest = 0, run = 0;
  for (const char c : inside) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  const char* blank = longest > 0 || inside.empty() ? " " : "";  // a '`' may stand at either end
  return fence + blank + inside + blank + fence;
}

std::string gnuplot_string(std::string_view text) {
  std::string out = "'";
  for (const char c : clean(text)) out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}

std::string shell_word(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  const bool plain = !text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos;
  if (plain) return std::string(text);
  return first_hazard(text).size == 0 ? shell_argument(text) : escaped_word(text);
}

std::string shell_argument(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

}  // namespace systole
