// The instructions' values, one exec() each: the meaning that isa/opcodes.def gives in words.
//
// A logical row of `bytes` bytes at byte lane `lane` of unified buffer row `ub` lies in consecutive
// buffer rows, and the next logical row starts at the same lane of the next free buffer row.
#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "base/numerics.h"
#include "base/units.h"
#include "sim/func/state.h"

namespace systole::sim::func {
namespace {

namespace function = isa::function;
namespace precision = isa::precision;
namespace type = isa::type;

// Logical row i of a transfer that starts at buffer row `ub`, byte `lane`.
std::span<std::uint8_t> ub_row(State& s, std::int64_t ub, std::int64_t lane, std::int64_t bytes,
                               std::int64_t i) {
  const std::int64_t first = ub + i * s.machine.ub_rows_of(bytes, lane);
  return slice(s.unified_buffer, first * s.machine.unified_buffer_row_bytes + lane, bytes);
}

// Element c of parameter row `row`, an int32 or a float32.
template <typename T>
T param(const State& s, std::int64_t row, std::int64_t c) {
  static_assert(sizeof(T) == 4);
  T value;
  std::memcpy(&value, slice(s.params, row * s.machine.param_row_bytes() + c * 4, 4).data(), 4);
  return value;
}

// The lowest or highest byte of a value that `is_signed` says how to read.
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

// An activation row's lanes, zero point subtracted, split into v = low + 256 * high. With 8-bit
// activations everything is in `low`; with 16 bits the array takes two sub-rows (T6).
struct Lanes {
  std::vector<std::int16_t> low, high;
};

void load_lanes(const isa::Matmul& i, std::span<const std::uint8_t> row, Lanes& lanes) {
  const auto zero = static_cast<std::int32_t>(i.zero_point);
  for (std::size_t r = 0; r < lanes.low.size(); ++r) {
    if (i.precision == precision::kInt8) {
      lanes.low[r] = static_cast<std::int16_t>(byte_value(row[r], i.is_signed != 0) - zero);
      continue;
    }
    const std::int32_t x = row[2 * r] + 256 * byte_value(row[2 * r + 1], true) - zero;
    lanes.low[r] = static_cast<std::int16_t>(x & 0xFF);
    lanes.high[r] = static_cast<std::int16_t>(x >> 8);
  }
}

// What a lane of `type` can hold, and its bytes.
struct LaneType {
  std::int64_t bytes;
  std::int64_t lo, hi;
};
LaneType lane_type(std::int64_t t) {
  const auto limits = [](auto v) {
    using T = decltype(v);
    return LaneType{sizeof(T), std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
  };
  if (t == type::kU8) return limits(std::uint8_t{});
  if (t == type::kS8) return limits(std::int8_t{});
  if (t == type::kS16) return limits(std::int16_t{});
  return limits(std::int32_t{});
}

// Accumulator + bias, requantised unless the type is s32.
std::int32_t activated(const isa::Activate& i, const State& s, std::int32_t acc, std::int64_t c) {
  if (i.use_bias != 0) acc = wrapping_add(acc, param<std::int32_t>(s, i.bias, c));
  if (i.type == type::kS32) return acc;
  const LaneType lane = lane_type(i.type);
  std::int64_t lo = std::max(i.lo, lane.lo);
  const std::int64_t hi = std::min(i.hi, lane.hi);
  if (i.function == function::kRelu) lo = std::max(lo, i.zero_point);
  return requantise(acc, param<float>(s, i.scale, c), static_cast<std::int32_t>(i.zero_point),
                    static_cast<std::int32_t>(lo), static_cast<std::int32_t>(hi));
}

}  // namespace

void not_implemented(std::string_view what) {
  throw InputError("program", std::string(what) + " is not implemented by this version",
                   "another instruction");
}

void exec(const isa::Interrupt& i, State& s) { s.host_stage(i.stage); }

void exec(const isa::ReadHost& i, State& s) {
  s.counters.host_in += Bytes(i.rows * i.bytes);
  s.counters.ub_written += Bytes(i.rows * i.bytes);
  if (!s.has_values) return;
  for (std::int64_t row = 0; row < i.rows; ++row) {
    const auto from = slice(s.host, i.host + row * i.stride, i.bytes);
    std::ranges::copy(from, ub_row(s, i.ub, i.lane, i.bytes, row).begin());
  }
}

void exec(const isa::WriteHost& i, State& s) {
  s.counters.host_out += Bytes(i.rows * i.bytes);
  s.counters.ub_read += Bytes(i.rows * i.bytes);
  if (!s.has_values) return;
  for (std::int64_t row = 0; row < i.rows; ++row) {
    const auto to = slice(s.host, i.host + row * i.stride, i.bytes);
    std::ranges::copy(ub_row(s, i.ub, i.lane, i.bytes, row), to.begin());
  }
}

void exec(const isa::ReadParams& i, State& s) {
  const std::int64_t bytes = i.rows * s.machine.param_row_bytes();
  s.counters.host_in += Bytes(bytes);
  if (!s.has_values) return;
  const auto to = slice(s.params, i.param * s.machine.param_row_bytes(), bytes);
  std::ranges::copy(slice(s.host, i.host, bytes), to.begin());
}

void exec(const isa::ReadWeights& i, State& s) {
  s.counters.weights_read += Bytes(s.machine.tile_bytes());
  ++s.counters.tiles;
  Tile tile{i.k, i.n, {}};
  if (s.has_values) {
    const auto image = slice(s.weights, i.dram, s.machine.tile_bytes());
    tile.values.reserve(static_cast<std::size_t>(i.k * i.n));
    for (std::int64_t r = 0; r < i.k; ++r) {
      const auto row = slice(image, r * s.machine.c(), i.n);
      for (std::int64_t c = 0; c < i.n; ++c) {
        const std::int32_t zero = i.use_zero != 0 ? param<std::int32_t>(s, i.zero, c) : 0;
        const std::int32_t w = byte_value(row[static_cast<std::size_t>(c)], i.is_signed != 0);
        tile.values.push_back(static_cast<std::int16_t>(w - zero));
      }
    }
  }
  s.fifo.push_back(std::move(tile));
}

void exec(const isa::Matmul& i, State& s) {
  const std::int64_t useful = i.rows * i.k * i.n;
  ++s.counters.passes;
  s.counters.macs_useful += useful;
  s.counters.macs_padded += i.rows * s.machine.tile_bytes() - useful;
  const std::int64_t row_bytes = i.k * (i.precision == precision::kInt8x16 ? 2 : 1);
  s.counters.ub_read += Bytes(i.rows * row_bytes);
  if (i.switch_tile != 0) {
    SYSTOLE_CHECK(!s.fifo.empty(), "matmul switches to a tile that was never read");
    s.active = std::move(s.fifo.front());
    s.fifo.pop_front();
  }
  if (!s.has_values) return;
  const auto k = static_cast<std::size_t>(i.k);
  const auto n = static_cast<std::size_t>(i.n);
  Lanes lanes{std::vector<std::int16_t>(k), std::vector<std::int16_t>(k)};
  std::vector<std::uint32_t> low(n), high(n);
  for (std::int64_t row = 0; row < i.rows; ++row) {
    load_lanes(i, ub_row(s, i.ub, i.lane, row_bytes, row), lanes);
    std::ranges::fill(low, 0U);
    multiply(lanes.low, s.active, low);
    std::ranges::fill(high, 0U);
    if (i.precision == precision::kInt8x16) multiply(lanes.high, s.active, high);
    const auto acc = slice(s.accumulators, (i.acc + row) * s.machine.c(), i.n);
    for (std::size_t c = 0; c < n; ++c) {
      const std::int64_t sum = std::int64_t{static_cast<std::int32_t>(low[c])} +
                               std::int64_t{256} * static_cast<std::int32_t>(high[c]);
      acc[c] = accumulate(i.accumulate != 0 ? acc[c] : 0, sum, s.counters);
    }
  }
}

void exec(const isa::Activate& i, State& s) {
  if (i.function == function::kTable) not_implemented("activate with function table");
  const std::int64_t lane_bytes = lane_type(i.type).bytes;
  s.counters.ub_written += Bytes(i.rows * i.n * lane_bytes);
  if (!s.has_values) return;
  for (std::int64_t row = 0; row < i.rows; ++row) {
    const auto acc = slice(s.accumulators, (i.acc + row) * s.machine.c(), i.n);
    const auto to = ub_row(s, i.ub, i.lane, i.n * lane_bytes, row);
    for (std::int64_t c = 0; c < i.n; ++c) {
      const std::int32_t value = activated(i, s, acc[static_cast<std::size_t>(c)], c);
      const auto bits = static_cast<std::uint32_t>(value);
      for (std::int64_t b = 0; b < lane_bytes; ++b) {  // little endian
        to[static_cast<std::size_t>(c * lane_bytes + b)] =
            static_cast<std::uint8_t>(bits >> (8 * b));
      }
    }
  }
}

}  // namespace systole::sim::func
