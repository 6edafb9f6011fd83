// What a filter lets through: the window's slices whole, levels at its begin, lives in order.
#include "traces/sinks/filter.h"

#include <fmt/format.h>
#include <gmock/gmock-more-matchers.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace systole::traces {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class NoArray : public sim::ArrayView {
 public:
  [[nodiscard]] std::int64_t rows() const override { return 0; }
  [[nodiscard]] std::int64_t columns() const override { return 0; }
  [[nodiscard]] std::int32_t value(sim::Plane, std::int64_t, std::int64_t) const override {
    return 0;
  }
};

// Writes down all that it is told.
class Log : public Sink {
 public:
  explicit Log(std::vector<std::string>& lines) : lines_(lines) {}
  [[nodiscard]] bool wants_instruction() const override { return true; }
  [[nodiscard]] bool wants_array() const override { return false; }
  void slice(const sim::Slice& s) override {
    lines_.push_back(fmt::format("{} {}-{}", s.track, s.begin.value, s.end.value));
  }
  void counter(std::string_view name, CyclePoint at, std::int64_t value) override {
    lines_.push_back(fmt::format("{}@{}={}", name, at.value, value));
  }
  void instruction(const sim::Life& life) override {
    lines_.push_back(
        fmt::format("{} {} {} awaited {}", life.serial, life.unit, life.layer, life.awaited_unit));
  }
  void array(CyclePoint at, const sim::ArrayView&) override {
    lines_.push_back(fmt::format("array@{}", at.value));
  }
  void finish(CycleCount total) override { lines_.push_back(fmt::format("end {}", total.value)); }

 private:
  std::vector<std::string>& lines_;
};

struct Fixture {
  std::vector<std::string> lines{};
  Filter filter;
  explicit Fixture(Selection selection = {})
      : filter(std::make_unique<Log>(lines), std::move(selection)) {}
};

Selection window(std::int64_t from, std::int64_t to) {
  return {.from = CyclePoint(from), .to = CyclePoint(to)};
}

sim::Slice slice(std::string_view unit, std::int64_t begin, std::int64_t end,
                 std::string_view layer = "fc1") {
  return {.track = unit,
          .name = "x",
          .cls = "busy",
          .layer = layer,
          .begin = CyclePoint(begin),
          .end = CyclePoint(end)};
}

sim::Life life(std::int64_t serial, std::string_view unit, std::int64_t dispatched,
               std::int64_t completed, std::string_view layer = "fc1") {
  sim::Life life;
  life.unit = unit;
  life.name = "x";
  life.layer = layer;
  life.serial = serial;
  life.dispatched = CyclePoint(dispatched);
  life.completed = CyclePoint(completed);
  return life;
}

TEST(Filter, WantsWhatItsSinkWants) {
  const Fixture f;
  EXPECT_TRUE(f.filter.wants_slice());
  EXPECT_TRUE(f.filter.wants_instruction());
  EXPECT_FALSE(f.filter.wants_array());
}

TEST(Filter, WithoutASelectionAllPasses) {
  Fixture f;
  f.filter.slice(slice("matrix", 0, 5));
  f.filter.counter("level", CyclePoint(0), 3);
  f.filter.array(CyclePoint(0), NoArray());
  f.filter.finish(CycleCount(5));
  EXPECT_THAT(f.lines, ElementsAre("matrix 0-5", "level@0=3", "array@0", "end 5"));
}

TEST(Filter, SlicesThatTouchTheWindowAreWhole) {
  Fixture f(window(10, 20));
  for (const auto& [begin, end] : {std::pair(0, 10), std::pair(9, 11), std::pair(12, 13),
                                   std::pair(19, 30), std::pair(20, 21), std::pair(5, 40)}) {
    f.filter.slice(slice("matrix", begin, end));
  }
  EXPECT_THAT(f.lines, ElementsAre("matrix 9-11", "matrix 12-13", "matrix 19-30", "matrix 5-40"));
}

TEST(Filter, LevelsAtTheWindowsBeginAreKept) {
  Fixture f(window(10, 20));
  f.filter.counter("a", CyclePoint(3), 1);
  f.filter.counter("a", CyclePoint(7), 2);
  f.filter.counter("a", CyclePoint(15), 3);
  f.filter.counter("a", CyclePoint(20), 4);
  f.filter.counter("b", CyclePoint(10), 5);  // in its first cycle
  f.filter.counter("c", CyclePoint(1), 6);
  f.filter.counter("c", CyclePoint(25), 7);
  f.filter.counter("d", CyclePoint(2), 8);  // never changes again
  f.filter.counter("e", CyclePoint(30), 9);
  f.filter.counter("f", CyclePoint(4), 1);
  f.filter.counter("f", CyclePoint(10), 2);
  f.filter.finish(CycleCount(40));
  EXPECT_THAT(f.lines,
              ElementsAre("a@10=2", "a@15=3", "b@10=5", "c@10=6", "f@10=2", "d@10=8", "end 40"));
}

TEST(Filter, UnitsAndLayersAreTheNamedOnes) {
  Fixture f({.units = {"matrix", "vector"}, .layers = {"fc1"}});
  f.filter.slice(slice("matrix", 0, 1));
  f.filter.slice(slice("dma_in", 0, 1));
  f.filter.slice(slice("vector", 0, 1, "fc2"));
  f.filter.instruction(life(0, "vector", 0, 9));
  f.filter.instruction(life(1, "vector", 0, 9, "fc2"));
  f.filter.instruction(life(2, "dma_in", 0, 9));
  f.filter.counter("level", CyclePoint(0), 3);  // of no unit
  EXPECT_THAT(f.lines, ElementsAre("matrix 0-1", "0 vector fc1 awaited ", "level@0=3"));
}

TEST(Filter, LivesComeInTheOrderOfDispatchWithTextsOfTheirOwn) {
  Fixture f;
  {
    std::string layer = "of the call", awaited = "dma_in";
    sim::Life late = life(1, "matrix", 2, 9, layer);
    late.awaited_unit = awaited;
    f.filter.instruction(late);
    layer.assign("overwritten");
    awaited.assign("xxxxxx");
  }
  f.filter.instruction(life(2, "vector", 3, 20));
  EXPECT_THAT(f.lines, IsEmpty());
  f.filter.instruction(life(0, "dma_in", 1, 50));
  EXPECT_THAT(f.lines, ElementsAre("0 dma_in fc1 awaited ", "1 matrix of the call awaited dma_in",
                                   "2 vector fc1 awaited "));
}

TEST(Filter, LivesWhoseForerunnerNeverCameAreToldAtTheEnd) {
  Fixture f;
  f.filter.instruction(life(5, "matrix", 2, 9));
  f.filter.instruction(life(3, "vector", 1, 20));
  f.filter.finish(CycleCount(30));
  EXPECT_THAT(f.lines, ElementsAre("3 vector fc1 awaited ", "5 matrix fc1 awaited ", "end 30"));
}

TEST(Filter, LivesTouchTheWindowFromDispatchToCompletion) {
  Fixture f(window(10, 20));
  f.filter.instruction(life(0, "a", 0, 9));
  f.filter.instruction(life(1, "b", 0, 10));
  f.filter.instruction(life(2, "c", 19, 50));
  f.filter.instruction(life(3, "d", 20, 50));
  f.filter.array(CyclePoint(9), NoArray());
  f.filter.array(CyclePoint(10), NoArray());
  f.filter.array(CyclePoint(20), NoArray());
  EXPECT_THAT(f.lines, ElementsAre("1 b fc1 awaited ", "2 c fc1 awaited ", "array@10"));
}

}  // namespace
}  // namespace systole::traces
