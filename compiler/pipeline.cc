// The table of passes, and running its rows.
#include "compiler/pipeline.h"

#include <algorithm>

#include "compiler/lower/pack_images.h"
#include "compiler/lower/wide_maps.h"
#include "compiler/passes/assume_int8.h"
#include "compiler/passes/fold_constants.h"
#include "compiler/passes/fuse_elementwise.h"
#include "compiler/passes/fuse_products.h"
#include "compiler/passes/make_look_ups.h"
#include "compiler/passes/move_quantisers.h"
#include "compiler/passes/round_to_bf16.h"

namespace systole::compiler {
namespace {

constexpr Pass kPasses[] = {
#define SYSTOLE_PASS(name, call, meaning) \
  {PassId::name, #name, meaning,          \
   [](Graph graph, [[maybe_unused]] const PassContext& context) -> Graph { return call; }},
#include "compiler/passes.def"
};

}  // namespace

std::span<const Pass> passes() { return kPasses; }

std::vector<std::string> pass_names() {
  std::vector<std::string> names;
  for (const Pass& pass : kPasses) names.emplace_back(pass.name);
  return names;
}

const Pass* find_pass(std::string_view name) {
  const auto* const found = std::ranges::find(kPasses, name, &Pass::name);
  return found == std::end(kPasses) ? nullptr : found;
}

Graph run_passes(Graph graph, const PassContext& context, PassId first, PassId last) {
  for (const Pass& pass : kPasses) {
    if (pass.id >= first && pass.id <= last) graph = pass.run(std::move(graph), context);
  }
  return graph;
}

Graph fuse_quantised(Graph graph) {
  return run_passes(std::move(graph), {}, PassId::move_quantisers, PassId::fuse_elementwise);
}

std::string passes_markdown() {
  std::string text;
  int number = 0;
  for (const Pass& pass : kPasses)
    text += fmt::format("{}. `{}`: {}\n", ++number, pass.name, pass.meaning);
  return text;
}

}  // namespace systole::compiler
