// The instructions' values, one exec() each: the meaning that isa/opcodes.def gives in words. Those
// of the activation and the vector unit have files of their own beside this one.
#include <algorithm>
#include <string>

#include "base/units.h"
#include "sim/func/lanes.h"

namespace systole::sim::func {
namespace {

namespace precision = isa::precision;

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

}  // namespace systole::sim::func
