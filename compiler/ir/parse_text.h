// The text form of a graph, read: the inverse of to_text (docs/compiler.md has the grammar).
#pragma once

#include <string>
#include <string_view>

#include "compiler/ir/graph.h"
#include "compiler/ir/number_list.h"

namespace systole::compiler {

// The graph whose text this is. `long_lists` are the numbers behind each hash:... of the text.
// Throws InputError with line and column behind `where`: what is there and what was expected.
[[nodiscard]] Graph parse_text(std::string_view where, std::string_view text,
                               const LongLists& long_lists = {});

// The lists of which to_text writes only the hash.
[[nodiscard]] LongLists long_lists(const Graph& graph);

}  // namespace systole::compiler
