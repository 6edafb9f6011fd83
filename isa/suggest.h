// Suggest: the known word nearest to a mistyped one, by Levenshtein distance (insertions, deletions
// and substitutions cost 1 each; the one-row dynamic programme).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace systole::isa {

// The word of `known` with the smallest distance to `word`; empty if `known` is.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace systole::isa
