// Verifier: vector and activation units (verify_vector.h).
//
// A vector operation may write each row to where it has read it, and over nothing else that it
// reads.
#include "isa/verify_vector.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "isa/access.h"

namespace systole::isa {

OperandRange type_range(std::int64_t type) {
  const std::int64_t half = std::int64_t{1} << (8 * element_bytes(type) - 1);
  return type == type::kU8 ? OperandRange{0, 255} : OperandRange{-half, half - 1};
}

void VectorChecker::require(std::string_view name, std::int64_t value, std::int64_t low,
                            std::int64_t high) {
  if (value >= low && value <= high) return;
  bad_(fmt::format("has {} = {}; expected {}", name, value, range_text(low, high)));
}

void VectorChecker::check(const Set& insn) {
  const Unit unit = unit_at(static_cast<Unit>(insn.unit), insn.unit_instance);
  if (!has_registers(unit)) {
    return bad_(fmt::format("names unit {}, which has no registers; expected vector or activation",
                            unit_name(unit)));
  }
  Registers& registers = registers_[index(unit)];
  registers.set(insn);
  if (!is_scale(insn.index)) return;
  const float scale = registers.scale(insn.index);
  if (std::isfinite(scale) && scale > 0) return;
  bad_(fmt::format("sets {} to {}; expected the bits of a finite number above 0",
                   operand_text(Operand::Register, insn.index), scale));
}

void VectorChecker::check(const Activate& insn) { check_activation(insn); }

void VectorChecker::check(const ActivatePool& insn) {
  check_activation(insn);
  check_window(insn);
  if (insn.op == pool_op::kAverage)
    check_result(unit_at(Unit::kActivation, insn.instance), insn.type);
}

template <typename Insn>
void VectorChecker::check_activation(const Insn& insn) {
  require("n", insn.n, 1, machine_.c());
  if (!is_requantised(insn.type)) {
    if (insn.function == function::kTable) {
      bad_(fmt::format("looks up {}; expected type u8, s8 or s16 with function table",
                       operand_text(Operand::Type, insn.type)));
    }
    if (!is_float(insn.type)) return;
    require("hi", insn.hi, insn.lo, operand_range(Operand::Limit).high);
    return require("zero_point", insn.zero_point, 0, 0);
  }
  const OperandRange range = type_range(insn.type);
  require("lo", insn.lo, range.low, range.high);
  require("hi", insn.hi, insn.lo, range.high);
  require("zero_point", insn.zero_point, range.low, range.high);
}

void VectorChecker::check(const Vector& i) {
  const bool unary = i.op == vector_op::kConvert || i.op == vector_op::kLookup;
  const bool reads_a = i.op != vector_op::kFill;
  const bool reads_b = reads_a && !unary;
  if (i.op == vector_op::kLookup && !is_requantised(i.a_type)) {
    bad_(fmt::format("looks up {}; expected a_type u8, s8 or s16",
                     operand_text(Operand::Type, i.a_type)));
  }
  if (i.op != vector_op::kLookup) {
    if (reads_a) check_zero(Unit::kVector, configuration::kAZero, i.a_type);
    if (reads_b) check_zero(Unit::kVector, configuration::kBZero, i.b_type);
    check_result(Unit::kVector, i.to_type);
  }
  const Place a{i.a, i.a_lane, i.rows, i.n * element_bytes(i.a_type)};
  const Place b{i.b, i.b_lane, i.broadcast != 0 ? 1 : i.rows, i.n * element_bytes(i.b_type)};
  const Place to{i.to, i.to_lane, i.rows, i.n * element_bytes(i.to_type)};
  const std::string_view expected = "the very same rows and lanes, or none of them";
  if (reads_a && a != to) apart(a, to, expected);
  if (reads_b && b != to) apart(b, to, expected);
}

void VectorChecker::check(const Pool& i) {
  check_window(i);
  if (i.op == pool_op::kAverage) {
    check_zero(Unit::kVector, configuration::kAZero, i.type);
    check_result(Unit::kVector, i.type);
  }
}

void VectorChecker::check(const Copy& i) {
  if (i.rows == 1) return;
  const std::int64_t step = machine_.ub_rows_of(i.bytes, i.to_lane);
  require("to_stride", i.to_stride, step, operand_range(Operand::RowStride).high);
}

template <typename Insn>
void VectorChecker::check_window(const Insn& i) {
  check_window_side("height", {i.in_height, i.out_height, i.kernel_y, i.stride_y, i.pad_top});
  check_window_side("width", {i.in_width, i.out_width, i.kernel_x, i.stride_x, i.pad_left});
}

// One axis: input extent, output extent, kernel, stride, padding before the first element.
void VectorChecker::check_window_side(std::string_view axis, std::array<std::int64_t, 5> extents) {
  const auto [in, out, kernel, stride, pad] = extents;
  const bool is_height = axis == "height";
  require(is_height ? "in_height" : "in_width", in, 1, operand_range(Operand::Extent).high);
  require(is_height ? "out_height" : "out_width", out, 1, operand_range(Operand::Extent).high);
  require(is_height ? "kernel_y" : "kernel_x", kernel, 1, operand_range(Operand::Window).high);
  require(is_height ? "stride_y" : "stride_x", stride, 1, operand_range(Operand::Window).high);
  require(is_height ? "pad_top" : "pad_left", pad, 0, kernel - 1);
  const std::int64_t last = (out - 1) * stride - pad;  // where the last window begins
  if (last < in) return;
  bad_(fmt::format("has a last window that begins at {} of a map of {} {}; expected to touch it",
                   last, axis, in));
}

void VectorChecker::check_zero(Unit unit, std::int64_t index, std::int64_t type) {
  if (is_float(type)) return;  // floats have none
  const OperandRange range = type_range(type);
  require("register " + operand_text(Operand::Register, index), registers(unit).integer(index),
          range.low, range.high);
}

void VectorChecker::check_result(Unit unit, std::int64_t type) {
  check_zero(unit, configuration::kToZero, type);
  const std::int64_t lo = registers(unit).integer(configuration::kLo);
  const std::int64_t hi = registers(unit).integer(configuration::kHi);
  if (is_float(type)) {
    return require("register hi", hi, lo, std::numeric_limits<std::int32_t>::max());
  }
  const OperandRange range = type_range(type);
  require("register lo", lo, std::numeric_limits<std::int32_t>::min(), range.high);
  require("register hi", hi, std::max(lo, range.low), std::numeric_limits<std::int32_t>::max());
}

// Places of several buffer rows a row count as whole rows.
bool VectorChecker::meet(const Place& x, const Place& y) const {
  struct Box {
    std::int64_t begin, end, lane_begin, lane_end;
  };
  const auto box = [this](const Place& p) {
    const std::int64_t step = machine_.ub_rows_of(p.bytes, p.lane);
    const std::int64_t end = p.ub + p.rows * step;
    if (step > 1) return Box{p.ub, end, 0, machine_.unified_buffer_row_bytes};
    return Box{p.ub, end, p.lane, p.lane + p.bytes};
  };
  const Box a = box(x), b = box(y);
  return a.begin < b.end && b.begin < a.end && a.lane_begin < b.lane_end &&
         b.lane_begin < a.lane_end;
}

void VectorChecker::apart(const Place& from, const Place& to, std::string_view expected) {
  if (meet(from, to)) bad_(overlap_text(to.ub, from.ub, expected));
}

std::string overlap_text(std::int64_t to, std::int64_t from, std::string_view expected) {
  return fmt::format(
      "writes unified buffer rows from {} on over those it reads from {} on; expected {}", to, from,
      expected);
}

}  // namespace systole::isa
