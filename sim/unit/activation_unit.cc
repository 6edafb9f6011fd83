// Activation unit (data sheet in activation_unit.h).
#include "sim/unit/activation_unit.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>

#include "base/numerics.h"
#include "sim/unit/activation_values.h"
#include "sim/waits.h"

namespace systole::sim {
namespace {

std::int64_t element_bytes(const isa::Activate& insn) {
  if (insn.type == isa::type::kS32) return 4;
  return insn.type == isa::type::kS16 ? 2 : 1;
}

// The instruction's limits, within what its type can hold; relu lifts the lower one.
Limits limits_of(const isa::Activate& insn) {
  const auto within = [&](auto type_low, auto type_high) {
    std::int64_t lo = std::max<std::int64_t>(insn.lo, type_low);
    if (insn.function == isa::function::kRelu) lo = std::max(lo, insn.zero_point);
    return Limits{static_cast<std::int32_t>(insn.zero_point), static_cast<std::int32_t>(lo),
                  static_cast<std::int32_t>(std::min<std::int64_t>(insn.hi, type_high))};
  };
  if (insn.type == isa::type::kU8) return within(0, 255);
  if (insn.type == isa::type::kS8) return within(-128, 127);
  return within(-32'768, 32'767);
}

}  // namespace

ActivationUnit::ActivationUnit(const Board& board, Completions& completions,
                               Accumulators& accumulators, ParamMemory& params,
                               UnifiedBuffer& buffer)
    : board_(board),
      sheet_(board, isa::Unit::kActivation),
      inbox_(board, isa::Unit::kActivation, completions, sheet_),
      accumulators_(accumulators),
      params_(params),
      buffer_(buffer) {
  if (!board.values) return;
  const auto columns = static_cast<std::size_t>(board.machine.c());
  bias_.resize(columns);
  row_.resize(columns);
  scale_.resize(columns);
}

Process ActivationUnit::run() {
  Kernel& kernel = board_.kernel;
  for (;;) {
    while (inbox_.blocked()) co_await inbox_.change();
    co_await kernel.at(free_ - CycleCount(1));
    std::int64_t left = start_activate(inbox_.head_as<isa::Activate>());
    const SliceLabel label = inbox_.label(inbox_.head_as<isa::Activate>().rows);
    const Inbox::Issued work = inbox_.issue();
    free_ = std::max(free_, kernel.now());
    while (left > 0) {
      const CyclePoint raised = kernel.now();
      const std::int64_t rows = buffer_.ports().write_chunk(left);
      const PortGrant grant = co_await buffer_.ports().ask(isa::Unit::kActivation, {rows, 0, 1});
      sheet_.wait(raised, grant.begin, wait::kPort, label);
      const CyclePoint begin = std::max(grant.begin, free_);
      free_ = std::max(grant.end, begin + CycleCount(rows));
      sheet_.busy(begin, free_, label);
      left -= rows;
      co_await kernel.at(free_ - CycleCount(1));
    }
    work.complete(free_ + CycleCount(board_.machine.activation_depth));
  }
}

std::int64_t ActivationUnit::start_activate(const isa::Activate& insn) {
  const UbRange range{insn.ub, insn.lane, insn.rows, insn.n * element_bytes(insn)};
  board_.ledger.layer(inbox_.head().layer).ub_written += Bytes(range.rows * range.bytes);
  if (board_.values) compute(insn, buffer_.rows(range));
  const std::int64_t each = board_.machine.ub_rows_of(range.bytes, range.lane);
  return insn.rows * std::max<std::int64_t>(1, each);
}

void ActivationUnit::compute(const isa::Activate& insn, RowSpan to) {
  const std::int32_t* acc = accumulators_.rows(insn.acc, insn.rows);
  const auto n = static_cast<std::size_t>(insn.n);
  const bool requantised = insn.type != isa::type::kS32;
  const std::int32_t* bias = insn.use_bias != 0 ? bias_.data() : nullptr;
  if (bias != nullptr) params_.read(insn.bias, std::span(bias_).first(n));
  if (requantised) params_.read(insn.scale, std::span(scale_).first(n));
  const Limits limits = limits_of(insn);
  for (std::int64_t i = 0; i < insn.rows; ++i, acc += board_.machine.c()) {
    if (requantised) {
      requantise_row(acc, bias, scale_.data(), limits, insn.n, row_.data());
      narrow_row(row_.data(), insn.n, element_bytes(insn), to.row(i));
      continue;
    }
    for (std::size_t c = 0; c < n; ++c) {
      row_[c] = bias == nullptr ? acc[c] : wrapping_add(acc[c], bias[c]);
    }
    std::memcpy(to.row(i), row_.data(), 4 * n);  // little endian, as every supported host is
  }
}

}  // namespace systole::sim
