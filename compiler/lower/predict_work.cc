// Work of instructions, one function for each kind.
#include "compiler/lower/predict_work.h"

#include <algorithm>

#include "isa/access.h"
#include "isa/precisions.h"
#include "isa/visit.h"

namespace systole::compiler {
namespace {

using isa::Unit;

// Input positions within the map that `out` windows take along one dimension.
std::int64_t taken(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                   std::int64_t pad) {
  std::int64_t sum = 0;
  for (std::int64_t o = 0; o < out; ++o) {
    const std::int64_t first = o * stride - pad;
    sum +=
        std::max<std::int64_t>(0, std::min(first + kernel, in) - std::max<std::int64_t>(first, 0));
  }
  return sum;
}

template <typename Pool>
std::int64_t pixels_taken(const Pool& i) {
  return taken(i.in_height, i.out_height, i.kernel_y, i.stride_y, i.pad_top) *
         taken(i.in_width, i.out_width, i.kernel_x, i.stride_x, i.pad_left);
}

RowWork activation(std::int64_t taken_rows, std::int64_t rows, std::int64_t each,
                   const isa::Machine& machine) {
  const std::int64_t writes = rows * std::max<std::int64_t>(1, each);
  return {
      writes, 0, writes, std::max<std::int64_t>(0, taken_rows - writes), machine.activation_depth,
      true};
}

RowWork movement(std::int64_t reads, std::int64_t writes, const isa::Machine& machine,
                 std::int64_t lane_cycles = 0) {
  const bool paced =
      machine.unified_buffer_read_ports == 0 || machine.unified_buffer_write_ports == 0;
  return {std::max(reads, writes), reads, writes, 0, machine.vector_depth, paced, lane_cycles};
}

RowWork vector_work(const isa::Vector& i, const isa::Machine& machine) {
  const auto rows_of = [&](std::int64_t lane, std::int64_t type) {
    return machine.ub_rows_of(i.n * isa::element_bytes(type), lane);
  };
  const bool fill = i.op == isa::vector_op::kFill;
  const bool unary = fill || i.op == isa::vector_op::kConvert || i.op == isa::vector_op::kLookup;
  std::int64_t reads = fill ? 0 : rows_of(i.a_lane, i.a_type) * i.rows;
  if (!unary) reads += rows_of(i.b_lane, i.b_type) * (i.broadcast != 0 ? 1 : i.rows);
  return movement(reads, rows_of(i.to_lane, i.to_type) * i.rows, machine,
                  machine.lane_cycles(i.rows * i.n * isa::widest_bytes(i)));
}

// --- passes ---

PassWork pass_of(const isa::Matmul& i) {
  return {i.rows * isa::precision_info(i.precision).row_cycles, 0, i.switch_tile != 0, i.k, i.n};
}

PassWork pass_of(const isa::Convolve& i) {
  const std::int64_t line = (i.taps - 1) * i.dilation_x + 1;
  const std::int64_t p = isa::precision_info(i.precision).row_cycles;
  const std::int64_t row = std::max(p, std::min(i.stride_x, line));
  return {i.out_height * (i.out_width * row + line - 1), line - 1 + row - p, i.switch_tile != 0,
          i.k, i.n};
}

// --- rows of the unified buffer ---

RowWork rows_of(const isa::Activate& i, const isa::Machine& machine) {
  return activation(i.rows, i.rows, machine.ub_rows_of(i.n * isa::element_bytes(i.type), i.lane),
                    machine);
}

RowWork rows_of(const isa::ActivatePool& i, const isa::Machine& machine) {
  return activation(pixels_taken(i), i.out_height * i.out_width,
                    machine.ub_rows_of(i.n * isa::element_bytes(i.type), i.lane), machine);
}

RowWork rows_of(const isa::Vector& i, const isa::Machine& machine) {
  return vector_work(i, machine);
}

RowWork rows_of(const isa::Pool& i, const isa::Machine& machine) {
  const std::int64_t bytes = i.n * isa::element_bytes(i.type);
  return movement(pixels_taken(i) * machine.ub_rows_of(bytes, i.lane),
                  i.out_height * i.out_width * machine.ub_rows_of(bytes, i.to_lane), machine,
                  machine.lane_cycles(pixels_taken(i) * bytes));
}

RowWork rows_of(const isa::Copy& i, const isa::Machine& machine) {
  return movement(i.rows * machine.ub_rows_of(i.bytes, i.lane),
                  i.rows * machine.ub_rows_of(i.bytes, i.to_lane), machine);
}

// --- the link ---

template <typename Insn>
TransferWork transfer_of(const Insn& i, const isa::Machine& machine) {
  const std::int64_t each = std::max<std::int64_t>(1, machine.ub_rows_of(i.bytes, i.lane));
  return {i.rows * each, i.rows * i.bytes, true};
}

TransferWork transfer_of(const isa::ReadParams& i, const isa::Machine& machine) {
  return {i.rows, i.rows * machine.param_row_bytes(), false};
}

}  // namespace

PassWork pass_work(const isa::Insn& insn) {
  return isa::visit_work<PassWork, Unit::kMatrix>(insn, [](const auto& i) { return pass_of(i); });
}

RowWork row_work(const isa::Insn& insn, const isa::Machine& machine) {
  return isa::visit_work<RowWork, Unit::kActivation, Unit::kVector>(
      insn, [&](const auto& i) { return rows_of(i, machine); });
}

TransferWork transfer_work(const isa::Insn& insn, const isa::Machine& machine) {
  return isa::visit_work<TransferWork, Unit::kDmaIn, Unit::kDmaOut>(
      insn, [&](const auto& i) { return transfer_of(i, machine); });
}

}  // namespace systole::compiler
