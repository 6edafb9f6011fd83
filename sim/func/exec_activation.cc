// The activation unit's instructions, as exec.cc has those of the other units.
#include <algorithm>
#include <array>
#include <bit>

#include "base/numerics.h"
#include "isa/access.h"
#include "isa/float_limits.h"
#include "sim/func/lanes.h"
#include "sim/func/pooling.h"

namespace systole::sim::func {
namespace {

namespace function = isa::function;
namespace type = isa::type;

// A float32 sum + bias, limited; the bits of an element.
template <typename Insn>
std::int32_t activated_float(const Insn& i, State& s, std::int32_t sum, std::int64_t c) {
  float x = std::bit_cast<float>(sum);
  if (i.use_bias != 0) x = x + param<float>(s, i.bias, c);
  return static_cast<std::int32_t>(float_bits(i.type, isa::float_limits_of(i).apply(x)));
}

// Accumulator + bias, then, unless the type is s32, requantised and through the function.
template <typename Insn>
std::int32_t activated(const Insn& i, State& s, std::int64_t acc_row, std::int64_t c) {
  const auto row = slice(s.matrix_of(i).accumulators, (i.acc + acc_row) * s.machine.c(), i.n);
  std::int32_t acc = row[static_cast<std::size_t>(c)];
  if (isa::is_float(i.type)) return activated_float(i, s, acc, c);
  if (i.use_bias != 0) acc = wrapping_add(acc, param<std::int32_t>(s, i.bias, c));
  if (i.type == type::kS32) return acc;
  const LaneType lane = lane_type(i.type);
  std::int64_t lo = std::max(i.lo, lane.lo);
  const std::int64_t hi = std::min(i.hi, lane.hi);
  if (i.function == function::kRelu) lo = std::max(lo, i.zero_point);
  const std::int32_t value =
      requantise(acc, param<float>(s, i.scale, c), static_cast<std::int32_t>(i.zero_point),
                 static_cast<std::int32_t>(lo), static_cast<std::int32_t>(hi));
  if (i.function != function::kTable) return value;
  return static_cast<std::int32_t>(look_up(s, i.table, i.type, value));
}

}  // namespace

void exec(const isa::Activate& i, State& s) {
  const std::int64_t bytes = i.n * lane_type(i.type).bytes;
  s.counters.ub_written += Bytes(i.rows * bytes);
  if (!s.has_values) return;
  for (std::int64_t row = 0; row < i.rows; ++row) {
    const auto to = ub_row(s, i.ub, i.lane, bytes, row);
    for (std::int64_t c = 0; c < i.n; ++c) store_element(to, i.type, c, activated(i, s, row, c));
  }
}

void exec(const isa::ActivatePool& i, State& s) {
  const std::int64_t bytes = i.n * lane_type(i.type).bytes;
  s.counters.ub_written += Bytes(i.out_height * i.out_width * bytes);
  if (!s.has_values) return;
  const isa::Registers& registers =
      s.registers_of(isa::unit_at(isa::Unit::kActivation, i.instance));
  for (std::int64_t y = 0; y < i.out_height; ++y) {
    for (std::int64_t x = 0; x < i.out_width; ++x) {
      const auto to = ub_row(s, i.ub, i.lane, bytes, y * i.out_width + x);
      for (std::int64_t c = 0; c < i.n; ++c) {
        // What the accumulator row's element looks like where activate would have written it.
        const auto value = [&](std::int64_t pixel) {
          std::array<std::uint8_t, 4> element{};
          store_element(element, i.type, 0, activated(i, s, pixel, c));
          return load_element(element, i.type, 0);
        };
        store_element(to, i.type, c, pooled(i, y, x, registers, i.zero_point, value));
      }
    }
  }
}

}  // namespace systole::sim::func
