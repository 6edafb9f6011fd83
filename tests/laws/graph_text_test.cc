// Random graphs read back from their text, before and after the passes that make them integer.
#include <gtest/gtest.h>

#include "compiler/ir/parse_text.h"
#include "compiler/pipeline.h"
#include "tests/laws/random_graph.h"

namespace systole::laws {
namespace {

void expect_round_trip(const compiler::Graph& graph) {
  const std::string text = to_text(graph);
  EXPECT_EQ(to_text(compiler::parse_text("text", text, compiler::long_lists(graph))), text);
}

TEST(GraphText, RandomGraphsReadBack) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const compiler::Graph graph = random_graph_case(seed).graph;
    expect_round_trip(graph);
    expect_round_trip(compiler::fuse_quantised(graph));
  }
}

}  // namespace
}  // namespace systole::laws
