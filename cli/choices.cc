// See choices.h.
#include "cli/choices.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/clean.h"
#include "isa/suggest.h"

namespace systole::cli {

Check one_of(std::vector<std::string> words) {
  return [words = std::move(words)](const std::string& text) {
    if (std::ranges::find(words, text) != words.end()) return std::string();
    return fmt::format("'{}'{}; expected one of {}", clean_message(text),
                       isa::did_you_mean(text, words), fmt::join(words, ", "));
  };
}

}  // namespace systole::cli
