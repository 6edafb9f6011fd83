// Blocks of the unified buffer on arrays that are not square: how products are cut.
#include <gmock/gmock-matchers.h>

#include <algorithm>

#include "compiler/compile.h"
#include "compiler/load.h"

namespace systole::compiler {
namespace {

using ::testing::ElementsAre;

// The lanes of each tile that the product reads, and its columns.
struct Tiles {
  std::vector<std::int64_t> k, n;
};
Tiles tiles_of(const std::string& model, const isa::Machine& machine) {
  LoadOptions load;
  load.structure_only = true;
  Tiles tiles;
  const isa::Program program = compile(load_model(model, load), machine, {.timing_only = true});
  for (const isa::Insn& insn : program.code) {
    if (const auto* read = std::get_if<isa::ReadWeights>(&insn)) {
      tiles.k.push_back(read->k);
      tiles.n.push_back(read->n);
    }
  }
  return tiles;
}

// A buffer row has no room for a block that both an input of R and an output of C lanes would fill.
TEST(Blocks, AProductAloneReadsBlocksOfRAndWritesBlocksOfC) {
  isa::Machine machine;
  machine.array_rows = 8;
  machine.array_columns = 12;
  machine.unified_buffer_row_bytes = 16;
  const Tiles deep = tiles_of("gemm:5,24,12", machine);
  EXPECT_THAT(deep.k, ElementsAre(8, 8, 8));
  EXPECT_THAT(deep.n, ElementsAre(12, 12, 12));
  const Tiles wide = tiles_of("gemm:5,8,24", machine);
  EXPECT_THAT(wide.k, ElementsAre(8, 8));
  EXPECT_THAT(wide.n, ElementsAre(12, 12));
}

// Its input's blocks are another's output: those of the wider side, cut at every R lanes.
TEST(Blocks, ProductsOneAfterTheOtherShareBlocks) {
  isa::Machine machine;
  machine.array_rows = 8;
  machine.array_columns = 12;
  machine.unified_buffer_row_bytes = 16;
  EXPECT_THAT(tiles_of("mlp:24,12,12", machine).k, ElementsAre(8, 4, 8, 4, 8, 4));
}

// While one half is activated the other is written, down to a row each.
TEST(Blocks, APassFillsHalfOfTheAccumulators) {
  const auto most_rows = [](std::int64_t accumulators) {
    isa::Machine machine;
    machine.accumulators_rows = accumulators;
    LoadOptions load;
    load.structure_only = true;
    const Graph graph = load_model("gemm:16,300,256", load);  // two tiles
    std::int64_t most = 0;
    for (const isa::Insn& insn : compile(graph, machine, {.timing_only = true}).code) {
      if (const auto* pass = std::get_if<isa::Matmul>(&insn)) most = std::max(most, pass->rows);
    }
    return most;
  };
  EXPECT_EQ(most_rows(2), 1);
  EXPECT_EQ(most_rows(3), 1);
  EXPECT_EQ(most_rows(8), 4);
  EXPECT_EQ(most_rows(40), 16);
}

}  // namespace
}  // namespace systole::compiler
