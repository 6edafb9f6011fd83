// Feed-forward blocks: panel by panel (story in memory_block.h).
#include "compiler/lower/memory_block.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/diag.h"
#include "base/units.h"
#include "compiler/lower/held_product.h"
#include "isa/precisions.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kElement = 2;  // bytes of a bfloat16

// What lies where, of a panel of `rows` rows.
struct BlockPlan {
  const isa::Machine& machine;
  FeedForward shape;
  std::int64_t rows = 0;
  std::int64_t w1 = 0, w2 = 0, y = 0;  // addresses; X is at 0

  [[nodiscard]] std::int64_t groups() const { return shape.gated ? 2 : 1; }
  [[nodiscard]] std::int64_t columns() const { return ceil_div(shape.hidden, machine.c()); }
  // Buffer rows of a column block of intermediate values.
  [[nodiscard]] std::int64_t column_rows() const {
    return rows * machine.ub_rows_of(machine.c() * kElement);
  }
  [[nodiscard]] std::int64_t held() const { return groups() * columns() * column_rows(); }
};

// Bytes of both products' operands for so many rows.
std::int64_t operand_bytes(const BlockPlan& plan, std::int64_t rows) {
  const FeedForward& s = plan.shape;
  return kElement *
         (rows * (s.k + plan.groups() * s.hidden) + (plan.groups() + 1) * s.k * s.hidden);
}

// Whether weights and the values of as few rows as a product takes that holds neither operand are
// more than is held.
bool exceeds(const BlockPlan& plan) {
  const std::int64_t rows = std::min(plan.shape.m, plan.machine.array_units * plan.machine.r());
  return operand_bytes(plan, rows) > plan.machine.unified_buffer_operand_bytes;
}

// The most rows whose intermediate values leave room for X, results and column blocks of weights;
// where weights and values exceed what is held, no more than a product takes that holds neither.
std::int64_t rows_of(const BlockPlan& plan) {
  const isa::Machine& m = plan.machine;
  const std::int64_t each = m.ub_rows_of(m.c() * kElement);
  const std::int64_t slices = std::max(ceil_div(plan.shape.k, m.r()), plan.columns());
  const std::int64_t weights = (m.array_units + 1) * slices * m.r() * each;
  const std::int64_t results = m.array_units * m.accumulators_rows * each;
  const std::int64_t row = (plan.groups() * plan.columns() + ceil_div(plan.shape.k, m.r())) * each;
  std::int64_t most = (m.ub_rows() - weights - results) / row;
  if (exceeds(plan)) most = std::min(most, m.array_units * m.r());
  if (most >= 1) {
    const std::int64_t panels = ceil_div(plan.shape.m, std::min(most, plan.shape.m));
    return ceil_div(plan.shape.m, panels);
  }
  throw InputError("machine " + m.name,
                   fmt::format("holds no row of {} intermediate values", plan.shape.hidden),
                   "a larger unified_buffer.bytes");
}

BlockPlan plan_of(const isa::Machine& machine, const FeedForward& shape) {
  BlockPlan plan{machine, shape};
  const std::int64_t tile = isa::tile_bytes(machine, isa::weight_type::kBf16);
  const std::int64_t slices = ceil_div(shape.k, machine.r());
  plan.w1 = kElement * shape.m * shape.k;
  plan.w2 = plan.w1 + plan.groups() * plan.columns() * slices * tile;
  plan.y = plan.w2 + ceil_div(shape.hidden, machine.r()) * ceil_div(shape.k, machine.c()) * tile;
  plan.rows = rows_of(plan);
  return plan;
}

// The element-wise operation on a panel's intermediate values, in place.
void apply(const BlockPlan& plan, std::int64_t rows, Waits& waits) {
  for (std::int64_t column = 0; column < plan.columns(); ++column) {
    const std::int64_t at = column * rows * plan.machine.ub_rows_of(plan.machine.c() * kElement);
    const std::int64_t gate =
        plan.columns() * rows * plan.machine.ub_rows_of(plan.machine.c() * kElement);
    waits.push(isa::Vector{
        .op = plan.shape.gated ? isa::vector_op::kMul : isa::vector_op::kConvert,
        .a = at,
        .a_type = isa::type::kBf16,
        .b = plan.shape.gated ? at + gate : 0,
        .b_type = isa::type::kBf16,
        .to = at,
        .to_type = isa::type::kBf16,
        .rows = rows,
        .n = std::min(plan.machine.c(), plan.shape.hidden - column * plan.machine.c())});
  }
}

// Rows of the buffer that the second product's weights take.
std::int64_t second_rows(const BlockPlan& plan) {
  const isa::Machine& m = plan.machine;
  return ceil_div(plan.shape.hidden, m.r()) * ceil_div(plan.shape.k, m.c()) * m.r() *
         m.ub_rows_of(m.c() * kElement);
}

// Whether the second product's weights may come in beside the first product: all operands of a
// panel together are no more than are held.
bool prefetches(const BlockPlan& plan) {
  return plan.shape.m > 1 &&
         operand_bytes(plan, plan.rows) <= plan.machine.unified_buffer_operand_bytes;
}

void emit(const BlockPlan& plan, Waits& waits) {
  const FeedForward& s = plan.shape;
  const bool early = prefetches(plan);
  const bool streams = plan.rows < s.m && exceeds(plan);
  for (std::int64_t first = 0; first < s.m; first += plan.rows) {
    const std::int64_t rows = std::min(plan.rows, s.m - first);
    HeldProduct out{.m = rows,
                    .k = s.hidden,
                    .n = s.k,
                    .b = plan.w2,
                    .c = plan.y,
                    .a_row = 0,
                    .pitch = s.m,
                    .row = first,
                    .stream = streams,
                    .first_row = plan.held()};
    if (early) {
      out.b_row = plan.held();
      out.first_row += second_rows(plan);
    }
    const HeldProduct in{.m = rows,
                         .k = s.k,
                         .n = s.hidden,
                         .groups = plan.groups(),
                         .b = plan.w1,
                         .c_row = 0,
                         .pitch = s.m,
                         .row = first,
                         .stream = streams,
                         .next = early ? &out : nullptr,
                         .first_row = out.first_row};
    if (first > 0) waits.barrier();
    held_product(plan.machine, in, waits);
    waits.barrier();
    apply(plan, rows, waits);
    waits.barrier();
    held_product(plan.machine, out, waits);
  }
}

}  // namespace

isa::Program memory_feed_forward(const isa::Machine& machine, const FeedForward& shape) {
  const BlockPlan plan = plan_of(machine, shape);
  isa::Program program;
  program.model = fmt::format("{}:{},{},{}", shape.gated ? "ffn_gated" : "ffn_erf", shape.m,
                              shape.k, shape.hidden);
  program.machine = machine;
  program.has_values = false;
  program.weight_bytes = plan.y;
  const std::int64_t macs = shape.m * shape.k * shape.hidden * (plan.groups() + 1);
  program.layers = {{"(none)", "none", 0, 0}, {"feed_forward", "block", macs, 0}};
  program.code.emplace_back(isa::Tag{.layer = 1});
  Waits waits(program.code);
  emit(plan, waits);
  program.code.emplace_back(isa::Halt{});
  return program;
}

}  // namespace systole::compiler
