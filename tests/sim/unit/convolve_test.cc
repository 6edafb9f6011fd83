// Convolutions: cycles as sums of named parts, bytes read, and values against plain loops over
// images, channels, positions and kernel positions, on both engines.
#include <gtest/gtest.h>

#include <cstring>

#include "isa/verify.h"
#include "sim/run.h"
#include "sim/unit/row_feed.h"
#include "tests/support/random_choice.h"
#include "tests/support/sim_bench.h"

namespace systole::sim {
namespace {

using isa::Unit;

constexpr std::int64_t kR = 8, kC = 4;

// A walk over a map of 6 x 9 pixels of 2 channels that gives 3 x 4 rows.
isa::Convolve walk(std::int64_t taps, std::int64_t stride_x, std::int64_t dilation_x = 1) {
  isa::Convolve i;
  i.k = 2 * taps;
  i.n = 4;
  i.in_height = 6;
  i.in_width = 9;
  i.out_height = 3;
  i.out_width = 4;
  i.stride_y = i.dilation_y = 1;
  i.stride_x = stride_x;
  i.dilation_x = dilation_x;
  i.taps = taps;
  return i;
}

isa::Machine machine_with_taps() {
  isa::Machine m = bench_machine();
  m.array_taps = 16;
  return m;
}

struct Times {
  std::int64_t length, complete;  // of the pass, from its start
  std::int64_t next_tile;         // cycle from its start in which a fresh tile's pass starts
};

// The convolution, between a pass that takes the first tile and one that takes the second.
Times run_alone(isa::Convolve i, isa::WeightLoad load = isa::WeightLoad::kThrough) {
  isa::Machine m = machine_with_taps();
  m.array_weight_load = load;
  SimBench bench(m);
  bench.add(read_weights());
  bench.add(read_weights());
  bench.add(read_weights());
  bench.add(matmul(100, true));
  i.switch_tile = 1;
  const int a = bench.add(i);
  const int b = bench.add(matmul(1, true));
  bench.run();
  return {bench.layer(a).counters.matrix.at(static_cast<std::size_t>(Stall::kActive)).value,
          bench.complete(a) - bench.start(a), bench.start(b) - bench.start(a)};
}

TEST(Convolve, WithoutTapsARowTakesItsCycles) {
  for (const std::int64_t stride : {1, 2, 3}) {
    const Times times = run_alone(walk(1, stride));
    EXPECT_EQ(times.length, 3 * 4 * 1);
    EXPECT_EQ(times.complete, 3 * 4 * 1 - 1 + kR + kC);
  }
  isa::Convolve wide = walk(1, 1);
  wide.precision = isa::precision::kInt8x16;
  EXPECT_EQ(run_alone(wide).length, 3 * 4 * 2);
  wide.precision = isa::precision::kInt8x16High;
  EXPECT_EQ(run_alone(wide).length, 3 * 4 * 2);
  EXPECT_EQ(run_alone(wide).complete, 3 * 4 * 2 - 1 + kR + kC);
}

// lines x (taps - 1 to fill + rows x max(p, min(stride, taps)))
TEST(Convolve, TheDelayLineFillsAtEachOutputLine) {
  EXPECT_EQ(run_alone(walk(3, 1)).length, 3 * (2 + 4 * 1));
  EXPECT_EQ(run_alone(walk(3, 2)).length, 3 * (2 + 4 * 2));
  EXPECT_EQ(run_alone(walk(3, 3)).length, 3 * (2 + 4 * 3));
  EXPECT_EQ(run_alone(walk(3, 5)).length, 3 * (2 + 4 * 3));  // nothing is kept
  EXPECT_EQ(run_alone(walk(3, 2)).complete, 3 * (2 + 4 * 2) - 1 + kR + kC);
  isa::Convolve wide = walk(3, 1);
  wide.precision = isa::precision::kInt8x16;
  EXPECT_EQ(run_alone(wide).length, 3 * (2 + 4 * 2));
  wide.stride_x = 3;
  EXPECT_EQ(run_alone(wide).length, 3 * (2 + 4 * 3));
}

// Dilated taps are further apart: the line is (3 - 1) * 2 + 1 = 5 pixels long.
TEST(Convolve, DilatedTapsNeedALongerLine) {
  EXPECT_EQ(run_alone(walk(3, 1, 2)).length, 3 * (4 + 4 * 1));
  EXPECT_EQ(run_alone(walk(3, 4, 2)).length, 3 * (4 + 4 * 4));
}

// The shadow plane is free once the first row has switched, which is after the first fill and the
// first row's new pixels.
TEST(Convolve, TheTileSwitchesWithTheFirstRow) {
  const isa::Convolve few = [] {
    isa::Convolve i = walk(3, 2);
    i.out_height = 1;
    i.out_width = 1;
    return i;
  }();
  const std::int64_t first_row = 2 + (2 - 1);
  EXPECT_EQ(run_alone(few).length, first_row + 1);
  EXPECT_EQ(run_alone(few).next_tile, first_row + kR);
  EXPECT_EQ(run_alone(few, isa::WeightLoad::kChain).next_tile, first_row + (kR - 1) + kR);
  EXPECT_EQ(run_alone(few, isa::WeightLoad::kSingle).next_tile, first_row + kR + kC - 1 + kR);
}

// Times and bytes need no values.
RowFeed feed_of(const isa::Insn& insn) {
  static const isa::Machine machine = machine_with_taps();
  static Kernel kernel;
  static UnifiedBuffer buffer(kernel, machine, std::nullopt);
  return {insn, buffer};
}

TEST(RowFeed, RowsEnterInTheLastCyclesOfTheirSlots) {
  const RowFeed feed = feed_of(walk(3, 2));
  EXPECT_EQ(feed.offered(0), CycleCount(2 + 1));
  EXPECT_EQ(feed.offered(3), CycleCount(2 + 3 * 2 + 1));
  EXPECT_EQ(feed.offered(4), CycleCount((2 + 4 * 2) + 2 + 1));
  EXPECT_EQ(feed.offered(11), feed.length() - CycleCount(1));
  isa::Convolve wide = walk(1, 1);
  wide.precision = isa::precision::kInt8x16;
  const RowFeed two = feed_of(wide);
  EXPECT_EQ(two.offered(5), CycleCount(5 * 2));
  EXPECT_EQ(two.offered(11), two.length() - CycleCount(2));
  const RowFeed line = feed_of(matmul(7, false));
  EXPECT_EQ(line.offered(6), CycleCount(6));
  EXPECT_EQ(line.length(), CycleCount(7));
}

// at() and offered() say the same; in the other cycles the delay line takes pixels.
TEST(RowFeed, EveryCycleOffersASubRowOrNone) {
  for (const std::int64_t precision :
       {isa::precision::kInt8, isa::precision::kInt8x16, isa::precision::kInt8x16High}) {
    for (const auto& [taps, stride] : {std::pair{1, 1}, {1, 3}, {3, 1}, {3, 2}, {4, 9}}) {
      isa::Convolve i = walk(taps, stride);
      i.precision = precision;
      const RowFeed feed = feed_of(i);
      const bool high = precision == isa::precision::kInt8x16High;
      std::int64_t next = 0;  // sub-row
      for (std::int64_t cycle = 0; cycle < feed.length().value; ++cycle) {
        const std::int64_t p = feed.bytes_per_lane(), row = next / p, q = next % p;
        const auto sub = feed.at(cycle);
        ASSERT_EQ(sub.has_value(), CycleCount(cycle) == feed.offered(row) + CycleCount(q));
        if (!sub) continue;
        EXPECT_EQ(sub->row, row);
        EXPECT_EQ(sub->shift, 8 * q + (high ? 8 : 0));
        EXPECT_EQ(sub->first, q == 0);
        EXPECT_EQ(sub->last, q == p - 1);
        ++next;
      }
      EXPECT_EQ(next, feed.rows() * feed.bytes_per_lane());
    }
  }
}

// Pixels of 2 bytes; lines inside x columns inside.
TEST(RowFeed, PixelsAreReadOnceAndOnlyInsideTheMap) {
  EXPECT_EQ(feed_of(walk(1, 1)).read(), Bytes(3 * 4 * 2));
  EXPECT_EQ(feed_of(walk(3, 1)).read(), Bytes(3 * (2 + 4) * 2));  // 2 stay in the line
  EXPECT_EQ(feed_of(walk(2, 2)).read(), Bytes(3 * (4 * 2) * 2));  // none stays
  EXPECT_EQ(feed_of(walk(2, 3)).read(), Bytes(3 * (3 * 2) * 2));  // columns 9 and 10 are outside
  isa::Convolve padded = walk(3, 1);
  padded.pad_left = 1;
  padded.pad_top = 2;
  EXPECT_EQ(feed_of(padded).read(), Bytes((3 - 2) * (2 + 4 - 1) * 2));
  padded.precision = isa::precision::kInt8x16;
  EXPECT_EQ(feed_of(padded).read(), Bytes((3 - 2) * (2 + 4 - 1) * 2 * 2));
  padded.kernel_y = 100;
  EXPECT_EQ(feed_of(padded).read(), Bytes(0));
}

// Only single pixels lie as the array wants its rows: several taps are gathered, also of one line.
TEST(RowFeed, SeveralTapsAreNeverInPlace) {
  isa::Convolve line = walk(2, 1);
  line.out_height = 1;
  EXPECT_FALSE(feed_of(line).in_place().has_value());
}

// --- values --------------------------------------------------------------------------------------

// A convolution of one image, NHWC, and a program that computes it.
struct Layer {
  std::int64_t height, width, channels, filters;
  std::int64_t kernel_h, kernel_w, stride_y, stride_x, dilation_y, dilation_x;
  std::int64_t pad_top, pad_left, out_h, out_w;
  std::int64_t taps;          // kernel columns a pass: divides kernel_w
  std::int64_t weight_bytes;  // 1, or 2 (low and high tile) with two-byte activations
  std::int64_t x_bytes, zero_point;
};

struct Data {
  std::vector<std::int64_t> x, w;  // [height][width][channels], [kernel_h][kernel_w][ch][filters]
};

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

Data draw(const Layer& l, std::uint64_t seed) {
  RandomChoice random(seed);
  Data d;
  const std::int64_t x_half = l.x_bytes == 2 ? 32'768 : 128,
                     w_half = l.weight_bytes == 2 ? 32'768 : 128;
  for (std::int64_t i = 0; i < l.height * l.width * l.channels; ++i) {
    d.x.push_back(random.pick(-x_half, x_half - 1));
  }
  for (std::int64_t i = 0; i < l.kernel_h * l.kernel_w * l.channels * l.filters; ++i) {
    d.w.push_back(random.pick(-w_half, w_half - 1));
  }
  return d;
}

// The definition: int64 sums, taken modulo 2^32.
std::vector<std::int32_t> plain(const Layer& l, const Data& d) {
  std::vector<std::int32_t> y;
  for (std::int64_t oy = 0; oy < l.out_h; ++oy) {
    for (std::int64_t ox = 0; ox < l.out_w; ++ox) {
      for (std::int64_t f = 0; f < l.filters; ++f) {
        std::int64_t sum = 0;
        for (std::int64_t i = 0; i < l.kernel_h * l.kernel_w * l.channels; ++i) {
          const std::int64_t c = i % l.channels, kx = i / l.channels % l.kernel_w;
          const std::int64_t ky = i / l.channels / l.kernel_w;
          const std::int64_t iy = oy * l.stride_y + ky * l.dilation_y - l.pad_top;
          const std::int64_t ix = ox * l.stride_x + kx * l.dilation_x - l.pad_left;
          if (iy < 0 || iy >= l.height || ix < 0 || ix >= l.width) continue;
          sum += (d.x[at((iy * l.width + ix) * l.channels + c)] - l.zero_point) *
                 d.w[at(i * l.filters + f)];
        }
        y.push_back(static_cast<std::int32_t>(static_cast<std::uint32_t>(sum)));
      }
    }
  }
  return y;
}

isa::Machine values_machine() {
  isa::Machine m = bench_machine();
  m.array_rows = 12;
  m.array_columns = 8;
  m.array_taps = 9;
  m.accumulators_rows = 256;
  m.unified_buffer_row_bytes = 32;
  m.unified_buffer_bytes = 32 * 1024;
  m.sequencer_queue = 16;
  return m;
}

// One tile and one pass per kernel row, group of taps and weight byte.
isa::Program program_of(const Layer& l, const Data& d) {
  isa::Program p;
  p.model = "convolution";
  p.machine = values_machine();
  const std::int64_t r = p.machine.r(), c = p.machine.c();
  const std::int64_t pixels = l.height * l.width, pixel = l.channels * l.x_bytes;
  const std::int64_t rows = l.out_h * l.out_w;
  p.layers = {{"(none)", "", 0, 0}};
  p.tensors = {{"x", DType::kUint8, {pixels * pixel}, isa::Role::kInput, 0},
               {"y", DType::kInt32, {rows, l.filters}, isa::Role::kOutput, pixels * pixel}};
  p.host_bytes = pixels * pixel + rows * l.filters * 4;
  const auto unit = [](Unit u) { return static_cast<std::int64_t>(u); };
  p.code.emplace_back(isa::ReadHost{0, pixel, 0, 0, pixels, pixel});
  p.code.emplace_back(isa::Sync{unit(Unit::kMatrix), unit(Unit::kDmaIn), 0, isa::why::kRaw});
  const std::int64_t k = l.taps * l.channels;
  bool first = true;
  for (std::int64_t i = 0; i < l.kernel_h * l.kernel_w * l.weight_bytes; i += 1) {
    const std::int64_t byte = i % l.weight_bytes, kx = i / l.weight_bytes % l.kernel_w;
    const std::int64_t ky = i / l.weight_bytes / l.kernel_w;
    if (kx % l.taps != 0) continue;
    const std::int64_t address = std::ssize(p.weights);
    p.weights.resize(at(address + r * c));
    for (std::int64_t e = 0; e < k * l.filters; ++e) {
      const std::int64_t w = d.w[at((ky * l.kernel_w + kx) * l.channels * l.filters + e)];
      p.weights[at(address + e / l.filters * c + e % l.filters)] =
          static_cast<std::uint8_t>(w >> (8 * byte));
    }
    const bool high = byte + 1 == l.weight_bytes;  // the signed one
    p.code.emplace_back(isa::ReadWeights{address, k, l.filters, high ? 1 : 0, 0, 0});
    isa::Convolve pass;
    pass.k = k;
    pass.n = l.filters;
    pass.accumulate = first ? 0 : 1;
    pass.switch_tile = 1;
    pass.is_signed = 1;
    pass.zero_point = l.zero_point;
    pass.precision = l.x_bytes == 1 ? isa::precision::kInt8
                     : byte == 1    ? isa::precision::kInt8x16High
                                    : isa::precision::kInt8x16;
    pass.in_height = l.height;
    pass.in_width = l.width;
    pass.out_height = l.out_h;
    pass.out_width = l.out_w;
    pass.stride_y = l.stride_y;
    pass.stride_x = l.stride_x;
    pass.dilation_y = l.dilation_y;
    pass.dilation_x = l.dilation_x;
    pass.pad_top = l.pad_top;
    pass.pad_left = l.pad_left;
    pass.kernel_y = ky;
    pass.kernel_x = kx;
    pass.taps = l.taps;
    p.code.emplace_back(pass);
    first = false;
  }
  p.weight_bytes = std::ssize(p.weights);
  isa::Activate show;
  show.rows = rows;
  show.n = l.filters;
  show.type = isa::type::kS32;
  show.ub = 512;
  p.code.emplace_back(isa::Sync{unit(Unit::kActivation), unit(Unit::kMatrix), 0, isa::why::kRaw});
  p.code.emplace_back(show);
  p.code.emplace_back(isa::Sync{unit(Unit::kDmaOut), unit(Unit::kActivation), 0, isa::why::kRaw});
  const std::int64_t row = l.filters * 4;
  p.code.emplace_back(isa::WriteHost{pixels * pixel, row, 512, 0, rows, row});
  p.code.emplace_back(isa::Halt{});
  return p;
}

void expect_plain(const Layer& l, std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  const Data d = draw(l, seed);
  const isa::Program program = program_of(l, d);
  for (const isa::Finding& f : isa::verify(program, program.machine)) ADD_FAILURE() << f.text;
  Tensor x(DType::kUint8, program.tensors[0].shape);
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    const auto bytes = static_cast<std::size_t>(l.x_bytes);
    x.data[i] = static_cast<std::uint8_t>(d.x[i / bytes] >> (8 * (i % bytes)));
  }
  const std::vector<std::int32_t> expected = plain(l, d);
  for (const Engine engine : {Engine::kFunc, Engine::kCycle}) {
    RunOptions options;
    options.engine = engine;
    const RunResult result = run(program, program.machine, {{"x", x}}, options);
    const auto y = result.outputs.at("y").as<std::int32_t>();
    EXPECT_EQ(std::vector<std::int32_t>(y.begin(), y.end()), expected)
        << (engine == Engine::kFunc ? "oracle" : "cycle engine");
  }
}

Layer random_layer(RandomChoice& r) {
  Layer l{};
  l.taps = r.pick(1, 3);
  l.kernel_w = l.taps * r.pick(1, 2);
  l.kernel_h = r.pick(1, 3);
  l.channels = r.pick(1, 4);
  l.filters = r.pick(1, 8);
  l.height = r.pick(1, 7);
  l.width = r.pick(1, 9);
  l.stride_y = r.pick(1, 3);
  l.stride_x = r.pick(1, 3);
  l.dilation_y = r.pick(1, 3);
  l.dilation_x = r.pick(1, 3);
  l.pad_top = r.pick(0, 3);
  l.pad_left = r.pick(0, 3);
  l.out_h = r.pick(1, 6);
  l.out_w = r.pick(1, 8);
  l.x_bytes = r.pick(1, 2);
  l.weight_bytes = l.x_bytes == 2 ? r.pick(1, 2) : 1;
  l.zero_point = l.x_bytes == 2 ? r.pick(-32'768, 32'767) : r.pick(-128, 127);
  return l;
}

TEST(Convolve, OnePassPerKernelPositionIsTheConvolution) {
  RandomChoice random(11);
  for (std::uint64_t seed = 1; seed <= 150; ++seed) expect_plain(random_layer(random), seed);
}

// Two tiles and int8x16_high: the plain product modulo 2^32, though sums leave int32 on the way.
TEST(Convolve, SixteenBitWeightsAreTwoTiles) {
  const Layer l{3, 4, 4, 5, 3, 3, 1, 1, 1, 1, 1, 1, 3, 4, 3, 2, 2, -1234};
  for (std::uint64_t seed = 1; seed <= 5; ++seed) expect_plain(l, seed);
}

}  // namespace
}  // namespace systole::sim
