// Sums, longest waits, their roots and windows of a trace that fits on a page.
#include "traces/read/summary.h"

#include <gmock/gmock-more-matchers.h>
#include <gtest/gtest.h>

#include "base/diag.h"
#include "base/files.h"
#include "tests/support/scratch.h"
#include "traces/read/roots.h"
#include "traces/read/window.h"

namespace systole::traces {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::ScratchFolder;

// Cycle:      0         10        20        30        40
//   dma_in    RRRRRRRRRR..............................
//   matrix    iiiiiiiiiiMMMMMrrrrrrrrrrrrrrrMMMMMddddd
//   activation .........mmmmmAAAAAppppppppppA.........
//   sequencer SSqqqqqqqqqqqqqqqqqqS...................
constexpr const char* kTrace =
    "kind,track,name,class,layer,begin,end,insn,rows,bytes,value\n"
    "slice,sequencer,read_host,busy,(none),0,2,1,,,\n"
    "slice,dma_in,read_host,busy,one,0,10,1,4,64,\n"
    "slice,matrix,input,input,one,0,10,,,,\n"
    "slice,matrix,matmul,busy,one,10,15,3,5,,\n"
    "slice,activation,raw matrix,raw matrix,one,10,15,4,,,\n"
    "slice,sequencer,queue full,queue full,,2,20,,,,\n"
    "slice,sequencer,matmul,busy,two,20,21,6,,,\n"
    "slice,activation,activate,busy,one,15,20,5,,,\n"
    "slice,activation,port,port,one,20,30,5,,,\n"
    "counter,weight_fifo.tiles,,,,12,,,,,1\n"
    "slice,activation,activate,busy,one,30,31,5,,,\n"
    "slice,matrix,raw,raw,two,15,30,,,,\n"
    "slice,matrix,matmul,busy,two,30,35,6,5,,\n"
    "slice,matrix,drain,drain,two,35,40,,,,\n"
    "counter,cycles,,,,40,,,,,40\n";

class Summary : public testing::Test {
 protected:
  void SetUp() override { write_file(path_, std::string(kTrace)); }

  [[nodiscard]] TraceSummary of(const SummaryWishes& wishes) const {
    return summarize_trace(path_, wishes);
  }

  const ScratchFolder folder_;
  const std::string path_ = folder_.file("t.csv");
};

std::string text_of(const UnitTimes& unit) {
  std::string text = fmt::format("{} busy {}", unit.unit, unit.busy.value);
  for (const auto& [cls, cycles] : unit.waits) text += fmt::format(", {} {}", cls, cycles.value);
  return text + fmt::format(", idle {}, {} bytes", unit.idle.value, unit.bytes);
}

std::string text_of(const TraceWait& wait) {
  return fmt::format("{} {} {} at {} {}", wait.unit, wait.cls, wait.cycles().value,
                     wait.begin.value, wait.layer);
}

std::string text_of(const std::vector<RootLink>& links) {
  std::string text;
  for (const RootLink& link : links) {
    text += fmt::format(" <- {} {} {}", link.unit, link.state, link.cycles.value);
    if (link.idle > link.cycles) text += fmt::format(", idle {}", link.idle.value);
  }
  return text;
}

template <typename T>
std::vector<std::string> texts_of(const std::vector<T>& list) {
  std::vector<std::string> texts;
  for (const T& one : list) texts.push_back(text_of(one));
  return texts;
}

TEST_F(Summary, AddsUpByUnitInTheOrderOfTheTable) {
  const TraceSummary summary = of({});
  EXPECT_EQ(summary.cycles, CycleCount(40));
  EXPECT_THAT(texts_of(summary.units),
              ElementsAre("sequencer busy 3, queue full 18, idle 19, 0 bytes",
                          "dma_in busy 10, idle 30, 64 bytes",
                          "matrix busy 10, input 10, raw 15, drain 5, idle 0, 0 bytes",
                          "activation busy 6, raw matrix 5, port 10, idle 19, 0 bytes"));
  EXPECT_THAT(summary.layers, IsEmpty());  // nobody asked
}

TEST_F(Summary, KeepsTheLongestWaits) {
  EXPECT_THAT(texts_of(of({.longest = 3}).longest),
              ElementsAre("sequencer queue full 18 at 2 (none)", "matrix raw 15 at 15 two",
                          "matrix input 10 at 0 one"));  // of equals the earlier
  EXPECT_EQ(of({.longest = 100}).longest.size(), 6U);
  EXPECT_THAT(of({.longest = 0}).longest, IsEmpty());
  EXPECT_THAT(texts_of(of({.longest = 2, .unit = "activation"}).longest),
              ElementsAre("activation port 10 at 20 one", "activation raw matrix 5 at 10 one"));
  try {
    (void)of({.unit = "matrx"});
    FAIL() << "has no matrx";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("has no unit 'matrx'; did you mean 'matrix'?; expected one "
                                        "of sequencer, dma_in, matrix, activation"));
  }
}

TEST_F(Summary, ListsLayers) {
  const std::vector<LayerTimes> layers = of({.layers = true}).layers;
  ASSERT_EQ(layers.size(), 3U);  // (none), one, two
  EXPECT_EQ(layers[1].layer, "one");
  EXPECT_EQ(layers[1].first, CyclePoint(0));
  EXPECT_EQ(layers[1].last, CyclePoint(31));
  using Sums = std::vector<Cycles>;
  EXPECT_EQ(layers[1].by_unit.at(2), (Sums{{"busy", CycleCount(5)}, {"input", CycleCount(10)}}));
  EXPECT_EQ(layers[0].layer, "(none)");  // also that of what names none
  EXPECT_EQ(layers[0].by_unit.at(0),
            (Sums{{"busy", CycleCount(2)}, {"queue full", CycleCount(18)}}));
  EXPECT_EQ(layers[2].layer, "two");
  EXPECT_EQ(layers[2].by_unit.at(1), Sums());
}

TEST_F(Summary, FollowsWaitsToTheirRoots) {
  const TraceSummary summary = of({});
  const auto roots = roots_of(path_, summary.longest);
  ASSERT_EQ(roots.size(), 6U);
  // Instruction 6 waited for its queue, which is the matrix unit's; that waited for the activation
  // unit's, which was at work in 5 of these 18 cycles.
  EXPECT_EQ(text_of(roots[0]), " <- matrix input 8 <- dma_in busy 8, idle 10");
  EXPECT_EQ(text_of(roots[1]), " <- activation port 10");
  EXPECT_EQ(text_of(roots[2]), " <- dma_in busy 10");
  EXPECT_EQ(text_of(summary.longest[3]), "activation port 10 at 20 one");
  EXPECT_EQ(text_of(roots[3]), "");  // a port is no unit
  EXPECT_EQ(text_of(roots[4]), " <- matrix busy 5");
  EXPECT_EQ(text_of(summary.longest[5]), "matrix drain 5 at 35 two");
  EXPECT_EQ(text_of(roots[5]), " <- activation idle 5");
}

TEST_F(Summary, ColumnsOfAWindowAddUp) {
  const TraceWindow window = read_window(path_, CyclePoint(8), CyclePoint(33), 3, "");
  EXPECT_EQ(window.column, CycleCount(10));
  ASSERT_EQ(window.columns(), 3U);
  EXPECT_EQ(window.cycles_of(1), CycleCount(10));
  EXPECT_EQ(window.cycles_of(2), CycleCount(5));
  EXPECT_THAT(window.units, ElementsAre("sequencer", "dma_in", "matrix", "activation"));
  std::vector<std::string> matrix;
  for (const WindowCell& cell : window.cells.at(2)) {
    std::string text;
    for (const auto& [state, cycles] : cell.states) {
      text += fmt::format("{} {} ", window.states.at(state).name, cycles.value);
    }
    matrix.push_back(text);
  }
  EXPECT_THAT(matrix, ElementsAre("matmul 5 input 2 raw 3 ", "raw 10 ", "matmul 3 raw 2 "));
  EXPECT_THAT(read_window(path_, CyclePoint(0), CyclePoint(5), 64, "dma_in").units,
              ElementsAre("dma_in"));
}

TEST(Window, ColumnsAreRoundNumbers) {
  for (const auto& [cycles, columns, width] : {std::array<std::int64_t, 3>{1, 64, 1},
                                               {64, 64, 1},
                                               {65, 64, 2},
                                               {129, 64, 5},
                                               {640, 64, 10},
                                               {641, 64, 20},
                                               {1'000'000'000'000, 64, 20'000'000'000}}) {
    EXPECT_EQ(column_width(CycleCount(cycles), columns), CycleCount(width)) << cycles;
  }
}

}  // namespace
}  // namespace systole::traces
