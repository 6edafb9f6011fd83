// The matrix unit's instructions and its weights: values, with no notion of time.
//
// A pass is a list of rows of k lanes, each times the active tile into an accumulator row of its
// own. matmul and convolve differ only in where the lanes come from.
#include <algorithm>
#include <bit>
#include <cmath>

#include "base/bfloat16.h"
#include "base/numerics.h"
#include "base/units.h"
#include "isa/access.h"
#include "isa/precisions.h"
#include "sim/func/lanes.h"

namespace systole::sim::func {
namespace {

namespace precision = isa::precision;

// The value of a byte that `is_signed` says how to read.
std::int32_t byte_value(std::uint8_t byte, bool is_signed) {
  return is_signed ? std::int32_t{static_cast<std::int8_t>(byte)} : std::int32_t{byte};
}

// sums[c] += sum over r of x[r] * tile[r][c], as int32 that wraps; lanes and columns that the tile
// does not have count as 0. Operands have 9 bits and k <= 1024, so that nothing wraps in practice.
// Columns run innermost: that is the loop a compiler vectorises.
void multiply(std::span<const std::int16_t> x, const Tile& tile, std::span<std::uint32_t> sums) {
  const std::size_t k = std::min(x.size(), static_cast<std::size_t>(tile.k));
  const std::size_t n = std::min(sums.size(), static_cast<std::size_t>(tile.n));
  const std::int16_t* w = tile.values.data();
  for (std::size_t r = 0; r < k; ++r) {
    for (std::size_t c = 0; c < n; ++c) {
      sums[c] += static_cast<std::uint32_t>(std::int32_t{x[r]} * std::int32_t{w[c]});
    }
    w += tile.n;
  }
}

// One accumulator's new value; a sum that leaves int32 wraps and is counted.
std::int32_t accumulate(std::int32_t old, std::int64_t sum, Counters& counters) {
  const std::int64_t exact = old + sum;
  const auto wrapped = static_cast<std::int32_t>(static_cast<std::uint32_t>(exact));
  if (exact != wrapped) ++counters.accumulator_wraps;
  return wrapped;
}

// A column's float32 sum of k lanes: +0, then a fused multiply-add a row of the array, from the top
// down. A masked lane passes the sum on.
struct FloatLane {
  float x = 0.0F;
  bool masked = true;
};
float float_sum(std::span<const FloatLane> lanes, const Tile& tile, std::size_t column) {
  float sum = 0.0F;
  for (std::size_t r = 0; r < lanes.size(); ++r) {
    if (lanes[r].masked) continue;
    const std::int16_t w = tile.values[r * static_cast<std::size_t>(tile.n) + column];
    sum = std::fma(lanes[r].x, float{Bfloat16::of_bits(static_cast<std::uint16_t>(w))}, sum);
  }
  return canonical(sum);
}

// What matmul and convolve have in common. One row at a time: load() its lanes, then add() it.
template <typename Insn>
class Pass {
 public:
  Pass(const Insn& insn, State& state)
      : insn_(insn),
        state_(state),
        matrix_(state.matrix_of(insn)),
        lane_bytes_(isa::precision_info(insn.precision).activation_bytes()),
        floats_(isa::is_float(isa::precision_info(insn.precision))),
        float_lanes_(static_cast<std::size_t>(insn.k)),
        low_(static_cast<std::size_t>(insn.k)),
        high_(low_.size()),
        low_sum_(static_cast<std::size_t>(insn.n)),
        high_sum_(low_sum_.size()) {}

  // Counts `rows` rows and switches tiles.
  void begin(std::int64_t rows) {
    Counters& counters = state_.counters;
    const std::int64_t useful = rows * insn_.k * insn_.n;
    ++counters.passes;
    counters.macs_useful += useful;
    counters.macs_padded += rows * state_.machine.pe_count() - useful;
    if (insn_.switch_tile == 0) return;
    SYSTOLE_CHECK(!matrix_.fifo.empty(), "a switch to a tile that was never read");
    matrix_.active = std::move(matrix_.fifo.front());
    matrix_.fifo.pop_front();
  }

  [[nodiscard]] std::int64_t lane_bytes() const { return lane_bytes_; }

  // Activations into lanes from `lane` on, zero point subtracted, as low + 256 * high. With 8-bit
  // activations everything is in `low`; with 16 bits the array takes two sub-rows (T6).
  void load(std::int64_t lane, std::span<const std::uint8_t> bytes) {
    const auto zero = static_cast<std::int32_t>(insn_.zero_point);
    auto to = static_cast<std::size_t>(lane);
    for (auto from = bytes.begin(); from != bytes.end(); from += lane_bytes_, ++to) {
      if (floats_) {
        const auto bits = static_cast<std::uint16_t>(from[0] + 256 * from[1]);
        float_lanes_[to] = {Bfloat16::of_bits(bits), false};
        continue;
      }
      if (lane_bytes_ == 1) {
        low_[to] = static_cast<std::int16_t>(byte_value(*from, insn_.is_signed != 0) - zero);
        continue;
      }
      const std::int32_t x = from[0] + 256 * byte_value(from[1], true) - zero;
      low_[to] = static_cast<std::int16_t>(x & 0xFF);
      high_[to] = static_cast<std::int16_t>(x >> 8);
    }
  }
  // Lanes of a pixel outside the map: 0, whatever the zero point; of floats, masked.
  void load_zero(std::int64_t lane, std::int64_t lanes) {
    std::ranges::fill(slice(float_lanes_, lane, lanes), FloatLane{});
    std::ranges::fill(slice(low_, lane, lanes), std::int16_t{0});
    std::ranges::fill(slice(high_, lane, lanes), std::int16_t{0});
  }

  // The loaded row times the active tile, into accumulator row insn.acc + row.
  void add(std::int64_t row) {
    if (floats_) return add_floats(row);
    std::ranges::fill(low_sum_, 0U);
    std::ranges::fill(high_sum_, 0U);
    multiply(low_, matrix_.active, low_sum_);
    if (lane_bytes_ == 2) multiply(high_, matrix_.active, high_sum_);
    const std::int64_t weight = std::int64_t{1} << isa::precision_info(insn_.precision).sum_shift;
    const auto acc = slice(matrix_.accumulators, (insn_.acc + row) * state_.machine.c(), insn_.n);
    for (std::size_t c = 0; c < acc.size(); ++c) {
      const std::int64_t sum = std::int64_t{static_cast<std::int32_t>(low_sum_[c])} +
                               std::int64_t{256} * static_cast<std::int32_t>(high_sum_[c]);
      acc[c] = accumulate(insn_.accumulate != 0 ? acc[c] : 0, weight * sum, state_.counters);
    }
  }

 private:
  void add_floats(std::int64_t row) {
    const auto acc = slice(matrix_.accumulators, (insn_.acc + row) * state_.machine.c(), insn_.n);
    for (std::size_t c = 0; c < acc.size(); ++c) {
      float sum = float_sum(float_lanes_, matrix_.active, c);
      if (insn_.accumulate != 0) sum = canonical(std::bit_cast<float>(acc[c]) + sum);
      acc[c] = std::bit_cast<std::int32_t>(sum);
    }
  }

  const Insn& insn_;
  State& state_;
  MatrixState& matrix_;
  std::int64_t lane_bytes_;
  bool floats_;
  std::vector<FloatLane> float_lanes_;
  std::vector<std::int16_t> low_, high_;
  std::vector<std::uint32_t> low_sum_, high_sum_;
};

// The input columns of one output line, as a delay line of (taps - 1) * dilation_x + 1 pixels sees
// them go by; how many of them are inside the map, and so read.
std::int64_t columns_read(const isa::Convolve& i) {
  const std::int64_t span = (i.taps - 1) * i.dilation_x + 1;
  std::int64_t first = i.kernel_x * i.dilation_x - i.pad_left;
  std::int64_t read = 0;
  for (std::int64_t x = 0, next = first; x < i.out_width; ++x, first += i.stride_x) {
    for (next = std::max(next, first); next < first + span; ++next) {
      if (next >= 0 && next < i.in_width) ++read;
    }
  }
  return read;
}

}  // namespace

void exec(const isa::ReadWeights& i, State& s) {
  const std::int64_t bytes = isa::tile_bytes(s.machine, i.weights);
  const std::int64_t each = bytes / s.machine.pe_count();
  s.counters.weights_read += Bytes(bytes);
  ++s.counters.tiles;
  Tile tile{i.k, i.n, {}};
  if (s.has_values) {
    const auto memory = s.memory_bytes();
    const auto image = slice(memory, i.dram, bytes);
    tile.values.reserve(static_cast<std::size_t>(i.k * i.n));
    for (std::int64_t r = 0; r < i.k; ++r) {
      const auto row = slice(image, r * s.machine.c() * each, i.n * each);
      for (std::int64_t c = 0; c < i.n; ++c) {
        if (i.weights == isa::weight_type::kBf16) {
          const std::int32_t bits = load_element(row, isa::type::kBf16, c);
          tile.values.push_back(static_cast<std::int16_t>(bits));
          continue;
        }
        const std::int32_t word = i.use_zero != 0 ? param<std::int32_t>(s, i.zero, c) : 0;
        const std::int32_t w = byte_value(row[static_cast<std::size_t>(c)], i.is_signed != 0);
        tile.values.push_back(static_cast<std::int16_t>(w - weight_zero_point(word)));
      }
    }
  }
  s.matrix_of(i).fifo.push_back(std::move(tile));
}

void exec(const isa::ReadTile& i, State& s) {
  const std::int64_t bytes = i.n * isa::element_bytes(isa::type::kBf16);
  s.counters.ub_read += Bytes(i.k * bytes);
  ++s.counters.tiles;
  Tile tile{i.k, i.n, {}};
  for (std::int64_t r = 0; s.has_values && r < i.k; ++r) {
    const auto row = ub_row(s, i.ub, i.lane, bytes, r);
    for (std::int64_t c = 0; c < i.n; ++c) {
      const std::int32_t bits = load_element(row, isa::type::kBf16, c);
      tile.values.push_back(static_cast<std::int16_t>(bits));
    }
  }
  s.matrix_of(i).fifo.push_back(std::move(tile));
}

void exec(const isa::Matmul& i, State& s) {
  Pass pass(i, s);
  pass.begin(i.rows);
  const std::int64_t bytes = i.k * pass.lane_bytes();
  s.counters.ub_read += Bytes(i.rows * bytes);
  if (!s.has_values) return;
  for (std::int64_t row = 0; row < i.rows; ++row) {
    pass.load(0, ub_row(s, i.ub, i.lane, bytes, row));
    pass.add(row);
  }
}

void exec(const isa::Convolve& i, State& s) {
  Pass pass(i, s);
  pass.begin(i.out_height * i.out_width);
  const std::int64_t channels = i.k / i.taps;
  const std::int64_t bytes = channels * pass.lane_bytes();
  const std::int64_t columns = columns_read(i);
  for (std::int64_t y = 0, row = 0; y < i.out_height; ++y) {
    const std::int64_t in_y = y * i.stride_y + i.kernel_y * i.dilation_y - i.pad_top;
    const bool in_rows = in_y >= 0 && in_y < i.in_height;
    if (in_rows) s.counters.ub_read += Bytes(columns * bytes);
    if (!s.has_values) continue;
    for (std::int64_t x = 0; x < i.out_width; ++x, ++row) {
      for (std::int64_t tap = 0; tap < i.taps; ++tap) {
        const std::int64_t in_x = x * i.stride_x + (i.kernel_x + tap) * i.dilation_x - i.pad_left;
        if (in_rows && in_x >= 0 && in_x < i.in_width) {
          const std::int64_t pixel = in_y * i.in_width + in_x;
          pass.load(tap * channels, ub_row(s, i.ub, i.lane, bytes, pixel));
        } else {
          pass.load_zero(tap * channels, channels);
        }
      }
      pass.add(row);
    }
  }
}

}  // namespace systole::sim::func
