// The passes in the order they run (passes.def): from a graph as it is imported to one that is
// lowered.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.h"
#include "isa/machine.h"

namespace systole::compiler {

// What passes know beside the graph.
struct PassContext {
  const isa::Machine* machine = nullptr;
  bool timing_only = false;
};

enum class PassId : std::uint8_t {
#define SYSTOLE_PASS(name, call, meaning) name,
#include "compiler/passes.def"
};
struct Pass {
  PassId id{};
  std::string_view name, meaning;
  Graph (*run)(Graph graph, const PassContext& context) = nullptr;
};
[[nodiscard]] std::span<const Pass> passes();
[[nodiscard]] std::vector<std::string> pass_names();
// The pass of this name, or null.
[[nodiscard]] const Pass* find_pass(std::string_view name);

// The graph after the passes `first` to `last`.
[[nodiscard]] Graph run_passes(Graph graph, const PassContext& context, PassId first, PassId last);

// Integer ops, which are what a quantised machine runs, out of dequantise -> op -> quantise: the
// passes from move_quantisers to fuse_elementwise.
[[nodiscard]] Graph fuse_quantised(Graph graph);

// The table as Markdown: a numbered line a pass.
[[nodiscard]] std::string passes_markdown();

}  // namespace systole::compiler
