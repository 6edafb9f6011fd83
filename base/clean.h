// Clean: names are data. Whatever a file calls its nodes, layers, machines or itself is shown, but
// does nothing where it is shown: no escape sequence, no change of direction, no formula, no
// markup.
//
// There is one function per medium, and every writer passes text it did not make itself through the
// one of its medium. (JSON has base/json_text.h.)
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace systole {

// --- terminals and messages ---

// One line: control characters of ASCII become blanks; bytes that are no UTF-8, C1 controls and
// characters that are invisible or change the direction of writing become '?'.
[[nodiscard]] std::string clean(std::string_view text);
// The same for text of several lines: line ends stay.
[[nodiscard]] std::string clean_lines(std::string_view text);
// clean(), in at most `width` characters (4 or more): what is longer ends in "...".
[[nodiscard]] std::string clean(std::string_view text, std::size_t width);
// The characters, not the bytes, of UTF-8 text.
[[nodiscard]] std::size_t width_of(std::string_view text);
// clean(), without the middles of endless words and of endless text, saying how many bytes they
// had: for messages, which quote what they found.
[[nodiscard]] std::string clean_message(std::string_view text);

// --- quoted text that is read back ---

// Where the first character stands that clean() would replace, and how many bytes it has; size 0 if
// there is none. A byte that is no UTF-8 stands alone.
struct Hazard {
  std::size_t at = 0, size = 0;
  bool is_utf8 = false;
  char32_t code = 0;  // the character, or the byte
};
[[nodiscard]] Hazard first_hazard(std::string_view text);
// The text with each such character replaced by what `by` makes of it.
[[nodiscard]] std::string replace_hazards(std::string_view text,
                                          const std::function<std::string(const Hazard&)>& by);
// The character in UTF-8; empty if there is no such character.
[[nodiscard]] std::string utf8(char32_t code);

// --- files ---

// A cell of a CSV file (RFC 4180), clean and quoted where it must be; what a spreadsheet would take
// for a formula gets an apostrophe in front.
[[nodiscard]] std::string csv_cell(std::string_view text);
// Text of a Markdown page or table, clean, without markup, HTML or a table's '|'.
[[nodiscard]] std::string markdown_cell(std::string_view text);
// A Markdown code span, clean, whatever backquotes are in it.
[[nodiscard]] std::string markdown_code(std::string_view text);
// A gnuplot string, clean, in single quotes.
[[nodiscard]] std::string gnuplot_string(std::string_view text);

// --- commands ---

// A word of a command line to show and to paste: plain, in single quotes or, where clean() would
// change it, in the $'...' of bash and zsh, which means the same and is clean.
[[nodiscard]] std::string shell_word(std::string_view text);
// A word of a command for sh to run: in single quotes, as it is, not clean.
[[nodiscard]] std::string shell_argument(std::string_view text);

}  // namespace systole
