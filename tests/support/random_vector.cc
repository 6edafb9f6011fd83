// Random vector instructions: draw operands, then set what registers they need, then emit.
#include "tests/support/random_vector.h"

#include <algorithm>
#include <bit>

#include "isa/access.h"

namespace systole {
namespace {

namespace configuration = isa::configuration;
namespace op = isa::vector_op;
namespace type = isa::type;
using isa::Unit;

constexpr std::int64_t kMaxRows = 128;  // buffer rows of a pooled map; there are at least 256

// The values that elements of `type` have.
std::int64_t lowest(std::int64_t t) {
  return t == type::kU8 ? 0 : -(std::int64_t{1} << (8 * isa::element_bytes(t) - 1));
}
std::int64_t highest(std::int64_t t) {
  return lowest(t) + (std::int64_t{1} << (8 * isa::element_bytes(t))) - 1;
}

isa::Set set_of(Unit unit, std::int64_t index, std::int64_t value) {
  return {static_cast<std::int64_t>(isa::kind_of(unit)), index, value, isa::instance_of(unit)};
}

}  // namespace

void RandomVector::hold(Unit unit, std::int64_t index, std::int64_t low, std::int64_t high) {
  isa::Registers& registers = registers_.at(isa::index(unit));
  const std::int64_t present = registers.integer(index);
  if (present >= low && present <= high && random_.chance(50)) return;
  const isa::Set set = set_of(unit, index, random_.pick(low, high));
  registers.set(set);
  lender_.emit(set);
}

void RandomVector::hold_scale(Unit unit, std::int64_t index) {
  if (random_.chance(50)) return;
  const auto scale = random_.one_of<float>({1.0F, 0.5F, 0.037F, 1.9F, 1e-3F, 3e38F});
  const isa::Set set = set_of(unit, index, std::bit_cast<std::int32_t>(scale));
  registers_.at(isa::index(unit)).set(set);
  lender_.emit(set);
}

// Of floats: none, or small ones.
void RandomVector::hold_limits(Unit unit) {
  const auto set = [&](std::int64_t index, std::int64_t value) { hold(unit, index, value, value); };
  set(configuration::kLo, random_.chance(50) ? lowest(type::kS32) : random_.pick(-3, 0));
  set(configuration::kHi, random_.chance(50) ? highest(type::kS32) : random_.pick(0, 300));
}

void RandomVector::hold_result(Unit unit, std::int64_t t) {
  hold_scale(unit, configuration::kToScale);
  if (isa::is_float(t)) return hold_limits(unit);
  hold(unit, configuration::kToZero, lowest(t), highest(t));
  hold(unit, configuration::kLo, lowest(type::kS32), highest(t));
  const std::int64_t lo = registers_.at(isa::index(unit)).integer(configuration::kLo);
  hold(unit, configuration::kHi, std::max(lo, lowest(t)), highest(type::kS32));
}

std::int64_t RandomVector::pick_type() {
  const bool floats = machine_.array_operands != isa::Operands::kIntegers && random_.chance(60);
  if (floats) return random_.chance(60) ? type::kBf16 : type::kF32;
  return random_.pick(0, type::kS32);
}

// Whole buffer rows apart.
bool RandomVector::apart(const Area& a, const Area& b) const {
  const std::int64_t a_end = a.row + a.rows * machine_.ub_rows_of(a.lanes, a.lane);
  const std::int64_t b_end = b.row + b.rows * machine_.ub_rows_of(b.lanes, b.lane);
  return a_end <= b.row || b_end <= a.row;
}

void RandomVector::instruction() {
  const std::int64_t which = random_.pick(1, 3);
  if (which == 1) return vector();
  if (which == 2) return pool();
  copy();
}

void RandomVector::vector() {
  isa::Vector i;
  i.op = random_.pick(0, op::kFill);
  i.a_type = i.op == op::kLookup ? random_.pick(0, 2) : pick_type();
  i.b_type = pick_type();
  i.to_type = pick_type();
  i.broadcast = random_.pick(0, 1);
  i.table = lender_.table;
  i.n = random_.pick(1, 10);
  const Area a = lender_.written(4, i.n * isa::element_bytes(i.a_type));
  i.rows = a.rows;
  const Area b = lender_.written(i.broadcast != 0 ? 1 : i.rows, i.n * isa::element_bytes(i.b_type));
  if (i.broadcast == 0) i.rows = std::min(i.rows, b.rows);
  const std::int64_t to_bytes = i.n * isa::element_bytes(i.to_type);
  Area to = lender_.place(i.rows, to_bytes);
  if (to_bytes == a.lanes && random_.chance(30)) to = {a.row, i.rows, a.lane, to_bytes};
  const bool in_place = to.row == a.row && to.lane == a.lane && to_bytes == a.lanes;
  if (!apart(b, to) || !(in_place || apart(a, to))) return;
  i.a = a.row;
  i.a_lane = a.lane;
  i.b = b.row;
  i.b_lane = b.lane;
  i.to = to.row;
  i.to_lane = to.lane;
  hold_scale(Unit::kVector, configuration::kAScale);
  hold_scale(Unit::kVector, configuration::kBScale);
  hold(Unit::kVector, configuration::kAZero, lowest(i.a_type), highest(i.a_type));
  hold(Unit::kVector, configuration::kBZero, lowest(i.b_type), highest(i.b_type));
  hold_result(Unit::kVector, i.to_type);
  lender_.emit(i);
}

// A map of at most so many pixels, and windows that touch it.
template <typename Insn>
void RandomVector::window(Insn& i, std::int64_t pixels) {
  i.in_height = random_.pick(1, pixels);
  i.in_width = pixels / i.in_height;
  i.kernel_y = random_.pick(1, 3);
  i.kernel_x = random_.pick(1, 3);
  i.stride_y = random_.pick(1, 3);
  i.stride_x = random_.pick(1, 3);
  i.pad_top = random_.pick(0, i.kernel_y - 1);
  i.pad_left = random_.pick(0, i.kernel_x - 1);
  i.out_height = random_.pick(1, (i.in_height - 1 + i.pad_top) / i.stride_y + 1);
  i.out_width = random_.pick(1, (i.in_width - 1 + i.pad_left) / i.stride_x + 1);
  const std::int64_t row = machine_.ub_rows_of(i.n * isa::element_bytes(i.type));
  if (i.out_height * i.out_width * row > kMaxRows) i.out_height = i.out_width = 1;
  i.op = random_.pick(0, 1);
  i.include_pad = random_.pick(0, 1);
}

void RandomVector::pool() {
  isa::Pool i;
  i.type = pick_type();
  i.n = random_.pick(1, 8);
  const std::int64_t bytes = i.n * isa::element_bytes(i.type);
  const Area from = lender_.written(9, bytes);
  window(i, from.rows);
  const Area to = lender_.place(i.out_height * i.out_width, bytes);
  if (!apart(from, to)) return;
  i.ub = from.row;
  i.lane = from.lane;
  i.to = to.row;
  i.to_lane = to.lane;
  hold_scale(Unit::kVector, configuration::kAScale);
  hold(Unit::kVector, configuration::kAZero, lowest(i.type), highest(i.type));
  hold_result(Unit::kVector, i.type);
  lender_.emit(i);
}

void RandomVector::copy() {
  isa::Copy i;
  i.bytes = random_.pick(1, 30);
  const Area from = lender_.written(5, i.bytes);
  const std::int64_t step = machine_.ub_rows_of(i.bytes, from.lane);
  i.rows = from.rows;
  i.stride = step;
  if (random_.chance(30)) {  // every other row, or the same one again
    i.rows = (from.rows + 1) / 2;
    i.stride = random_.chance(50) ? 2 * step : 0;
  }
  const std::int64_t leap = random_.pick(1, 2);
  const Area to = lender_.place(i.rows * leap, i.bytes);
  if (!apart(from, to)) return;
  i.ub = from.row;
  i.lane = from.lane;
  i.to = to.row;
  i.to_lane = to.lane;
  i.to_stride = leap * machine_.ub_rows_of(i.bytes, to.lane);
  lender_.emit(i);
}

void RandomVector::fused(isa::ActivatePool i, std::int64_t rows) {
  window(i, rows);
  i.table = lender_.table;
  const std::int64_t pixels = i.out_height * i.out_width;
  const Area to = lender_.place(pixels, i.n * isa::element_bytes(i.type));
  i.ub = to.row;
  i.lane = to.lane;
  const Unit unit = isa::unit_at(Unit::kActivation, i.instance);
  hold_scale(unit, configuration::kAScale);
  hold_result(unit, i.type);
  lender_.emit(i);
}

}  // namespace systole
