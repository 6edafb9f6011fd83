// Pieces: text that fits a page and is broken only between its pieces.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/page.h"

namespace systole::report {

// As wrapped(), of the pieces with a blank between; the pieces have no control characters.
[[nodiscard]] inline std::string wrapped_pieces(const std::vector<std::string>& pieces,
                                                std::size_t first, std::size_t indent) {
  constexpr char kNoBreak = '\1';
  std::string text;
  for (std::string piece : pieces) {
    std::ranges::replace(piece, ' ', kNoBreak);
    text += (text.empty() ? "" : " ") + piece;
  }
  text = wrapped(text, first, indent);
  std::ranges::replace(text, kNoBreak, ' ');
  return text;
}

}  // namespace systole::report
