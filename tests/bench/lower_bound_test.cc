// The lower bound against sums made by hand, and against what is simulated: a bound that a run goes
// below is none.
#include "bench/lower_bound.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <random>

#include "bench/resident.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "sim/run.h"

namespace systole::bench {
namespace {

ProductShape matmul(std::int64_t rows, std::int64_t inner, std::int64_t outer) {
  ProductShape shape;
  shape.images = rows;
  shape.channels = inner;
  shape.filters = outer;
  return shape;
}

// 4 x 2 array, 10 bytes a cycle, no refresh.
isa::Machine small_machine() {
  isa::Machine machine;
  machine.array_rows = 4;
  machine.array_columns = 2;
  machine.dram_kind = isa::DramKind::kSimple;
  machine.dram_bytes_per_second = 2 * machine.clock_hertz;
  machine.dram_latency = 30;
  return machine;
}

constexpr std::int64_t kFetch = 8 / 2, kLatency = 30, kShift = 4, kDrain = 4 + 2;

TEST(LowerBound, OneTileIsItsFill) {
  const LowerBound bound = lower_bound(matmul(3, 4, 2), small_machine());
  EXPECT_EQ(bound.total(), kLatency + kFetch + kShift + 3 + kDrain);
}

TEST(LowerBound, AddsUpEachResource) {
  // 5 x 4 tiles; a pass of 3 rows is shorter than a fetch.
  const LowerBound bound = lower_bound(matmul(3, 17, 8), small_machine());
  constexpr std::int64_t kFill = kLatency + kShift + kDrain;
  EXPECT_EQ(bound.of(Resource::kMatrix), kFill + kFetch + 20 * 3);
  EXPECT_EQ(bound.of(Resource::kWeights), kFill + 20 * kFetch + 3);
  EXPECT_EQ(bound.of(Resource::kShift), kFill + kFetch + 19 * kShift + 3);
  EXPECT_EQ(bound.of(Resource::kActivation), kFill + kFetch + 4 * 3);  // 8 filters: 4 rows a pixel
  EXPECT_EQ(bound.binding(), Resource::kWeights);
}

// After the last tile's fetch a long pass may be shared with a second fetch of it.
TEST(LowerBound, CountsNoMoreThanAFetchBehindTheLastTile) {
  const LowerBound bound = lower_bound(matmul(100, 8, 2), small_machine());
  EXPECT_EQ(bound.of(Resource::kWeights), kLatency + 2 * kFetch + kShift + kFetch + kDrain);
  EXPECT_EQ(bound.total(), kLatency + kFetch + kShift + 2 * 100 + kDrain);
}

TEST(LowerBound, PacksTheInnerElementsOfAConvolution) {
  ProductShape shape{2, 5, 5, 3, 2, 3, 2, 1};  // 3 x 3 outputs, 27 inner elements: 7 tiles
  EXPECT_EQ(shape.rows(), 2 * 3 * 3);
  EXPECT_EQ(lower_bound(shape, small_machine()).of(Resource::kMatrix),
            kLatency + kFetch + kShift + 7 * 18 + kDrain);
}

// 1 of 4 inputs and 1 of 2 filters: two pixels a row, one behind the other; and 5 inputs of two
// pixels in 3 tiles instead of 2 * 2.
TEST(LowerBound, PutsPixelsSideBySide) {
  constexpr std::int64_t kRest = kLatency + kFetch + kShift + kDrain;
  EXPECT_EQ(lower_bound(matmul(10, 1, 1), small_machine()).of(Resource::kMatrix), kRest + 5);
  EXPECT_EQ(lower_bound(matmul(10, 5, 1), small_machine()).of(Resource::kMatrix), kRest + 5 * 3);
}

// 2 channels: a tile's 1,024 bursts are 512 a channel, one every 3,751 ps; one refresh in 7.8 us
// costs 350 + 13.09 + 13.09 ns.
TEST(LowerBound, FetchesAtTheRateThatRefreshesLeave) {
  const isa::Machine machine = isa::load_machine("tpu_v1");
  EXPECT_EQ(fetch_cycles(1, machine), 512 * 3751 * 7 / 10'000);
  const std::int64_t busy = 100 * 512 * std::int64_t{3751};
  const std::int64_t refreshes = busy / (7'800'000 - 376'180);
  EXPECT_EQ(fetch_cycles(100, machine), (busy + refreshes * 376'180) * 7 / 10'000);
}

class Ends : public sim::Probe {
 public:
  [[nodiscard]] bool wants_counter() const override { return false; }
  void slice(const sim::Slice& slice) override {
    if (slice.track == "weights") first = std::min(first, slice.begin);
    if (slice.track == "activation") last = std::max(last, slice.end);
  }
  void counter(std::string_view, CyclePoint, std::int64_t) override {}
  CyclePoint first = kNever, last;
};

std::int64_t simulated(const std::string& model, const isa::Machine& machine) {
  compiler::LoadOptions load;
  load.structure_only = true;
  const isa::Program program =
      compiler::compile(compiler::load_model(model, load), machine, {.timing_only = true});
  sim::RunOptions options;
  options.timing_only = true;
  Ends ends;
  options.probe = &ends;
  static_cast<void>(sim::run(make_resident(program).program, machine, {}, options));
  return (ends.last - ends.first).value;
}

TEST(LowerBound, NoScheduleGoesBelow) {
  std::mt19937_64 random(7);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
  };
  for (const char* name : {"tpu_v1", "edge_64", "tiny_8"}) {
    const isa::Machine machine = isa::load_machine(name);
    for (int i = 0; i < 12; ++i) {
      const std::int64_t c = machine.c();
      ProductShape s = matmul(pick(1, 3), pick(1, 2 * c), pick(1, 2 * c));
      s.height = s.width = pick(3, 9);
      s.kernel = pick(1, 3);
      s.stride = pick(1, 2);
      s.pad = pick(0, s.kernel - 1);
      const std::string model =
          fmt::format("conv:{},{},{},{},{},{},{},{},{}", s.images, s.channels, s.height, s.width,
                      s.filters, s.kernel, s.kernel, s.stride, s.pad);
      if (buffer_rows(s, machine) > machine.ub_rows()) continue;
      EXPECT_GE(simulated(model, machine), lower_bound(s, machine).total()) << name << " " << model;
    }
  }
}

// The goals of schedule_bound, on a shape for each thing that binds.
TEST(LowerBound, SchedulesComeClose) {
  const isa::Machine machine = isa::load_machine("tpu_v1");
  const struct {
    const char* model;
    ProductShape shape;
  } cases[] = {{"gemm:4,1024,1024", matmul(4, 1024, 1024)},
               {"gemm:1024,1024,1024", matmul(1024, 1024, 1024)},
               {"gemm:4096,512,512", matmul(4096, 512, 512)},
               {"conv:8,256,14,14,256,3,3,1,1", {8, 14, 14, 256, 256, 3, 1, 1}}};
  for (const auto& c : cases) {
    EXPECT_LE(simulated(c.model, machine) * 100, lower_bound(c.shape, machine).total() * 105)
        << c.model;
  }
}

}  // namespace
}  // namespace systole::bench
