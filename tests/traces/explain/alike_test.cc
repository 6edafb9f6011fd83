// Which layers are alike, and what becomes of their times.
#include "traces/explain/alike.h"

#include <gmock/gmock-more-matchers.h>
#include <gtest/gtest.h>

#include <numeric>

namespace systole::traces {
namespace {

using sim::Resource;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

void add_layer(isa::Program& program, std::int64_t layer, std::int64_t rows) {
  program.code.emplace_back(isa::Tag{.layer = layer});
  program.code.emplace_back(
      isa::ReadHost{.host = 512 * layer, .stride = 256, .ub = layer, .rows = rows, .bytes = 16});
}

TEST(AlikeLayers, DoTheSameAloneButForAddresses) {
  isa::Program program;
  for (const auto& [layer, rows] :
       {std::pair(1, 4), std::pair(2, 4), std::pair(3, 5), std::pair(4, 4)}) {
    add_layer(program, layer, rows);
    program.code.emplace_back(isa::Interrupt{.stage = layer});
  }
  add_layer(program, 5, 5);
  program.code.emplace_back(isa::Halt{});
  EXPECT_THAT(alike_layers(program), UnorderedElementsAre(ElementsAre(1, 2, 4), ElementsAre(3, 5)));
}

// Layers that overlap share the machine: their times are their parts of one path.
TEST(AlikeLayers, AreNoneWhereNoBarrierIsBetween) {
  isa::Program program;
  add_layer(program, 1, 4);
  add_layer(program, 2, 4);
  program.code.emplace_back(isa::Interrupt{.stage = 1});
  add_layer(program, 3, 4);
  program.code.emplace_back(isa::Halt{});
  EXPECT_THAT(alike_layers(program), IsEmpty());
}

// A layer with two stretches is not what one of them does.
TEST(AlikeLayers, HaveOneStretchEach) {
  isa::Program program;
  for (const std::int64_t layer : {1, 2, 1}) {
    add_layer(program, layer, 4);
    program.code.emplace_back(isa::Interrupt{.stage = 1});
  }
  program.code.emplace_back(isa::Halt{});
  EXPECT_THAT(alike_layers(program), IsEmpty());
}

TEST(SetApart, LeavesEachWhatAllHaveInCommon) {
  CriticalPath path;
  path.layers.resize(4);
  const auto set = [&](std::size_t layer, std::int64_t array, std::int64_t memory) {
    path.layers[layer][index(Resource::kArray)] = CycleCount(array);
    path.layers[layer][index(Resource::kMemory)] = CycleCount(memory);
  };
  set(1, 10, 100);
  set(2, 10, 130);  // a refresh
  set(3, 7, 50);    // another one
  path.by_layer = {CycleCount(0), CycleCount(110), CycleCount(140), CycleCount(57)};
  set_apart(path, {{1, 2}});
  EXPECT_THAT(path.by_layer,
              ElementsAre(CycleCount(30), CycleCount(110), CycleCount(110), CycleCount(57)));
  EXPECT_EQ(path.layers[0][index(Resource::kMemory)], CycleCount(30));
  EXPECT_EQ(path.layers[1], path.layers[2]);
}

}  // namespace
}  // namespace systole::traces
