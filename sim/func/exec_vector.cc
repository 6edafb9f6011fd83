// The vector unit's instructions and `set`, as exec.cc has those of the other units.
#include <algorithm>

#include "base/numerics.h"
#include "isa/access.h"
#include "isa/float_limits.h"
#include "isa/registers.h"
#include "sim/func/lanes.h"
#include "sim/func/pooling.h"

namespace systole::sim::func {
namespace {

namespace configuration = isa::configuration;
namespace op = isa::vector_op;
namespace type = isa::type;

bool reads_a(const isa::Vector& i) { return i.op != op::kFill; }
bool reads_b(const isa::Vector& i) {
  return i.op == op::kAdd || i.op == op::kSub || i.op == op::kMul || i.op == op::kMax ||
         i.op == op::kMin;
}

float combined(std::int64_t operation, float a, float b) {
  if (operation == op::kAdd) return a + b;
  if (operation == op::kSub) return a - b;
  if (operation == op::kMul) return a * b;
  if (operation == op::kMax) return a < b || b != b ? b : a;  // NaN if either is
  if (operation == op::kMin) return b < a || b != b ? b : a;
  return a;  // convert
}

// One element of a result that comes from elements a and b.
std::int64_t computed(const isa::Vector& i, const State& s, std::int32_t a, std::int32_t b) {
  if (i.op == op::kLookup) return look_up(s, i.table, i.a_type, a);
  const isa::Registers& r = s.registers_of(isa::Unit::kVector);
  const std::int32_t zero = r.integer(configuration::kToZero);
  const bool to_float = isa::is_float(i.to_type);
  const isa::FloatLimits limits = isa::float_limits_of(r);
  if (i.op == op::kFill && to_float) {
    return float_bits(i.to_type, limits.apply(static_cast<float>(zero)));
  }
  const LaneType lane = lane_type(i.to_type);
  const std::int64_t lo = std::max<std::int64_t>(r.integer(configuration::kLo), lane.lo);
  const std::int64_t hi = std::min<std::int64_t>(r.integer(configuration::kHi), lane.hi);
  if (i.op == op::kFill) return std::clamp<std::int64_t>(zero, lo, hi);
  const auto number = [&](std::int64_t t, std::int32_t element, std::int64_t zero_of,
                          std::int64_t scale_of) {
    if (isa::is_float(t)) return float_of(t, element);
    return dequantise(element, r.integer(zero_of), r.scale(scale_of));
  };
  const float x = number(i.a_type, a, configuration::kAZero, configuration::kAScale);
  const float y = number(i.b_type, b, configuration::kBZero, configuration::kBScale);
  if (to_float) return float_bits(i.to_type, limits.apply(combined(i.op, x, y)));
  return quantise(combined(i.op, x, y), r.scale(configuration::kToScale), zero,
                  static_cast<std::int32_t>(lo), static_cast<std::int32_t>(hi));
}

}  // namespace

std::int64_t look_up(const State& s, std::int64_t table, std::int64_t t, std::int32_t x) {
  const auto word = [&](std::int64_t i) {
    return param<std::int32_t>(s, table + i / s.machine.c(), i % s.machine.c());
  };
  if (t != type::kS16) return word(x - lane_type(t).lo);
  const std::int64_t i = (x >> 8) + 128;
  return interpolate(word(i), word(i + 1), x);
}

void exec(const isa::Set& i, State& s) { s.registers.at(isa::index(isa::queue_of(i))).set(i); }

void exec(const isa::Vector& i, State& s) {
  const std::int64_t a_bytes = i.n * lane_type(i.a_type).bytes;
  const std::int64_t b_bytes = i.n * lane_type(i.b_type).bytes;
  const std::int64_t to_bytes = i.n * lane_type(i.to_type).bytes;
  if (reads_a(i)) s.counters.ub_read += Bytes(i.rows * a_bytes);
  if (reads_b(i)) s.counters.ub_read += Bytes((i.broadcast != 0 ? 1 : i.rows) * b_bytes);
  s.counters.ub_written += Bytes(i.rows * to_bytes);
  if (!s.has_values) return;
  for (std::int64_t row = 0; row < i.rows; ++row) {
    const auto to = ub_row(s, i.to, i.to_lane, to_bytes, row);
    for (std::int64_t c = 0; c < i.n; ++c) {
      std::int32_t a = 0, b = 0;
      if (reads_a(i)) a = load_element(ub_row(s, i.a, i.a_lane, a_bytes, row), i.a_type, c);
      if (reads_b(i)) {
        const std::int64_t b_row = i.broadcast != 0 ? 0 : row;
        b = load_element(ub_row(s, i.b, i.b_lane, b_bytes, b_row), i.b_type, c);
      }
      store_element(to, i.to_type, c, computed(i, s, a, b));
    }
  }
}

void exec(const isa::Pool& i, State& s) {
  const std::int64_t bytes = i.n * lane_type(i.type).bytes;
  const isa::Registers& r = s.registers_of(isa::Unit::kVector);
  for (std::int64_t y = 0; y < i.out_height; ++y) {
    for (std::int64_t x = 0; x < i.out_width; ++x) {
      const std::int64_t valid = for_window(i, y, x, [](std::int64_t) {});
      s.counters.ub_read += Bytes(valid * bytes);
      s.counters.ub_written += Bytes(bytes);
      if (!s.has_values) continue;
      const auto to = ub_row(s, i.to, i.to_lane, bytes, y * i.out_width + x);
      for (std::int64_t c = 0; c < i.n; ++c) {
        const auto value = [&](std::int64_t pixel) {
          return load_element(ub_row(s, i.ub, i.lane, bytes, pixel), i.type, c);
        };
        store_element(to, i.type, c, pooled(i, y, x, r, r.integer(configuration::kAZero), value));
      }
    }
  }
}

void exec(const isa::Copy& i, State& s) {
  s.counters.ub_read += Bytes(i.rows * i.bytes);
  s.counters.ub_written += Bytes(i.rows * i.bytes);
  if (!s.has_values) return;
  const std::int64_t width = s.machine.unified_buffer_row_bytes;
  for (std::int64_t row = 0; row < i.rows; ++row) {
    const auto from = slice(s.unified_buffer, (i.ub + row * i.stride) * width + i.lane, i.bytes);
    const auto to =
        slice(s.unified_buffer, (i.to + row * i.to_stride) * width + i.to_lane, i.bytes);
    std::ranges::copy(from, to.begin());
  }
}

}  // namespace systole::sim::func
