// The definitions of every stall class, counter and wait, from the tables that declare them.
#pragma once

#include <string>

namespace systole::sim {

// docs/counters.md, Markdown.
[[nodiscard]] std::string counters_markdown();

}  // namespace systole::sim
