// Cosim case: a generator that draws one fold (a tile and its passes) after the other.
#include "rtl/cosim_case.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "isa/insn.h"
#include "isa/precisions.h"
#include "rtl/matrix_model.h"

namespace systole::rtl {
namespace {

using isa::Unit;

constexpr std::int64_t kBufferRows = 128;  // of activations
constexpr std::int64_t kZeroRows = 4;      // two of u8 zero points, two of s8

struct Range {
  std::int64_t low, high;
};
Range zero_range(bool wide, bool is_signed) {
  if (wide) return {-32768, 32767};
  return is_signed ? Range{-128, 127} : Range{0, 255};
}

class Generator {
 public:
  Generator(const CosimShape& shape, std::uint64_t seed, std::int64_t tiles);
  CosimCase take() && { return std::move(case_); }

 private:
  struct TileSize {
    std::int64_t k, n;
  };

  void make_machine(const CosimShape& shape);
  void make_memory(std::int64_t tiles);
  void load();
  void fold();
  void read_tile();
  void pass(const TileSize& tile, bool switch_tile);
  void pause();
  void store();

  // A number in [low, high].
  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return low +
           static_cast<std::int64_t>(random_() % (static_cast<std::uint64_t>(high - low) + 1));
  }
  bool chance(std::int64_t percent) { return pick(1, 100) <= percent; }
  std::int64_t pass_rows();

  // Adds an instruction in a layer of its own, so that the report tells when it was at work.
  void add(const isa::Insn& insn);
  void sync(Unit unit, Unit wait_for) {
    case_.program.code.push_back(isa::Sync{static_cast<std::int64_t>(unit),
                                           static_cast<std::int64_t>(wait_for), 0, isa::why::kRaw});
  }

  CosimCase case_;
  std::mt19937_64 random_;
  std::vector<TileSize> tiles_;  // read so far
  std::int64_t next_read_ = 0, next_switch_ = 0, tile_count_;
  std::int64_t lookahead_ = 1;  // tiles read ahead of their use
  std::int64_t x_ = 0, y_ = 0;  // host addresses
};

Generator::Generator(const CosimShape& shape, std::uint64_t seed, std::int64_t tiles)
    : random_(seed), tile_count_(tiles) {
  make_machine(shape);
  make_memory(tiles);
  load();
  while (next_switch_ < tile_count_) fold();
  store();
  case_.program.code.emplace_back(isa::Halt{});
}

void Generator::make_machine(const CosimShape& shape) {
  isa::Machine& m = case_.machine;
  m.name = "cosim";
  m.text = "the matrix unit under co-simulation";
  m.array_rows = shape.rows;
  m.array_columns = shape.columns;
  m.array_weight_load = shape.load;
  m.accumulators_rows = kAccumulatorRows;
  m.weight_fifo_tiles = pick(1, 4);
  m.unified_buffer_row_bytes = 2 * shape.rows + pick(0, 3);
  m.unified_buffer_bytes = m.unified_buffer_row_bytes * 2048;
  m.sequencer_queue = 1024;
  // Ahead of the matrix unit, or behind it.
  m.sequencer_decode_cycles = chance(75) ? pick(1, 3) : pick(4 * shape.rows, 6 * shape.rows);
  m.dram_latency = pick(1, 20);
  // From a tile in 4 R cycles to a tile in a few.
  m.dram_bytes_per_second =
      m.clock_hertz * std::max<std::int64_t>(1, pick(1, 4) * shape.columns / 4);
  if (chance(40)) m.dram_bytes_per_second = m.clock_hertz * shape.rows * shape.columns;
}

void Generator::make_memory(std::int64_t tiles) {
  isa::Program& program = case_.program;
  const isa::Machine& m = case_.machine;
  program.model = "cosim";
  program.machine = m;
  program.layers.push_back({"(none)", "", 0, 0});
  program.weights.resize(static_cast<std::size_t>(tiles * isa::tile_bytes(m)));
  for (std::uint8_t& w : program.weights) w = static_cast<std::uint8_t>(random_());
  program.weight_bytes = std::ssize(program.weights);
  for (std::int64_t i = 0; i < kZeroRows * m.c(); ++i) {
    const Range range = zero_range(false, i >= kZeroRows / 2 * m.c());
    const auto zero = static_cast<std::int32_t>(pick(range.low, range.high));
    std::uint8_t bytes[4];
    std::memcpy(bytes, &zero, sizeof(zero));
    program.constants.insert(program.constants.end(), bytes, bytes + 4);
  }
  x_ = std::ssize(program.constants);
  const std::int64_t row_bytes = m.unified_buffer_row_bytes;
  program.tensors.push_back({"x", DType::kUint8, {kBufferRows, row_bytes}, isa::Role::kInput, x_});
  y_ = x_ + kBufferRows * row_bytes;
  program.tensors.push_back(
      {"y", DType::kInt32, {kAccumulatorRows, m.c()}, isa::Role::kOutput, y_});
  program.host_bytes = y_ + kAccumulatorRows * m.c() * 4;
  Tensor x(DType::kUint8, {kBufferRows, row_bytes});
  for (std::uint8_t& byte : x.data) byte = static_cast<std::uint8_t>(random_());
  case_.inputs.emplace("x", std::move(x));
}

void Generator::add(const isa::Insn& insn) {
  isa::Program& program = case_.program;
  program.layers.push_back({"instruction", "cosim", 0, 0});
  program.code.emplace_back(isa::Tag{std::ssize(program.layers) - 1});
  program.code.push_back(insn);
}

void Generator::load() {
  const std::int64_t row_bytes = case_.machine.unified_buffer_row_bytes;
  add(isa::ReadParams{0, 0, kZeroRows});
  add(isa::ReadHost{x_, row_bytes, 0, 0, kBufferRows, row_bytes});
  sync(Unit::kWeights, Unit::kDmaIn);
  sync(Unit::kMatrix, Unit::kDmaIn);
}

void Generator::fold() {
  if (chance(30)) lookahead_ = pick(1, 5);
  while (next_read_ < std::min(tile_count_, next_switch_ + lookahead_)) read_tile();
  const TileSize tile = tiles_[static_cast<std::size_t>(next_switch_++)];
  pause();
  pass(tile, true);
  while (chance(30)) {
    pause();
    pass(tile, false);
  }
}

void Generator::read_tile() {
  const isa::Machine& m = case_.machine;
  TileSize size = chance(50) ? TileSize{m.r(), m.c()} : TileSize{pick(1, m.r()), pick(1, m.c())};
  if (tiles_.empty()) size.n = m.c();
  const bool is_signed = chance(50);
  const std::int64_t zero = pick(0, kZeroRows / 2 - 1) + (is_signed ? kZeroRows / 2 : 0);
  add(isa::ReadWeights{next_read_++ * isa::tile_bytes(m), size.k, size.n, is_signed ? 1 : 0,
                       chance(50) ? 1 : 0, zero});
  tiles_.push_back(size);
}

std::int64_t Generator::pass_rows() {
  const std::int64_t r = case_.machine.r();
  const std::int64_t near[] = {1, r - 1, r, r + 1, 2 * r - 1, 2 * r, 3 * r};
  return chance(50) ? near[pick(0, 6)] : pick(1, 3 * r);
}

void Generator::pass(const TileSize& tile, bool switch_tile) {
  isa::Matmul i;
  const bool wide = chance(30);
  const bool first = switch_tile && next_switch_ == 1;  // writes every accumulator
  i.rows = first ? kAccumulatorRows : pass_rows();
  i.k = tile.k;
  i.n = tile.n;
  i.ub = pick(0, kBufferRows - i.rows);
  i.lane = pick(0, case_.machine.unified_buffer_row_bytes - i.k * (wide ? 2 : 1));
  i.acc = pick(0, kAccumulatorRows - i.rows);
  i.accumulate = !first && chance(60) ? 1 : 0;
  i.switch_tile = switch_tile ? 1 : 0;
  i.is_signed = wide || chance(50) ? 1 : 0;
  const Range range = zero_range(wide, i.is_signed != 0);
  i.zero_point = chance(50) ? pick(range.low, range.high) : 0;
  i.precision = wide ? isa::precision::kInt8x16 : isa::precision::kInt8;
  add(i);
}

void Generator::pause() {
  if (!chance(25)) return;
  for (std::int64_t n = pick(1, 4 * case_.machine.r()); n > 0; --n) {
    case_.program.code.emplace_back(isa::Nop{});
  }
}

void Generator::store() {
  const isa::Machine& m = case_.machine;
  isa::Activate show;
  show.ub = kBufferRows;
  show.rows = kAccumulatorRows;
  show.n = m.c();
  show.type = isa::type::kS32;
  sync(Unit::kActivation, Unit::kMatrix);
  add(show);
  sync(Unit::kDmaOut, Unit::kActivation);
  add(isa::WriteHost{y_, m.c() * 4, kBufferRows, 0, kAccumulatorRows, m.c() * 4});
}

}  // namespace

CosimCase random_cosim_case(const CosimShape& shape, std::uint64_t seed, std::int64_t tiles) {
  return Generator(shape, seed, tiles).take();
}

}  // namespace systole::rtl
