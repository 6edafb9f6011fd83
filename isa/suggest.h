// Suggest: the known word most like a mistyped one. Two keys are alike by their letters
// (Levenshtein distance, insertions, deletions and substitutions cost 1 each) and by the words they
// share, where common sayings count as the word meant: "dram.bandwidth" is like
// "dram.bytes_per_second".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace systole::isa {

// The word of `known` that is most like `word`; empty if `known` is. Of equals the first.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& known);

// "; did you mean 'NEAREST'?" to follow what was found, or nothing if no word is alike.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       const std::vector<std::string>& known);

// What to expect in the word's place: "a known one, such as 'NEAREST'", or, where no word is alike,
// `otherwise`.
[[nodiscard]] std::string such_as(std::string_view word, const std::vector<std::string>& known,
                                  const std::string& otherwise = "a known one");

}  // namespace systole::isa
