// Activation unit (data sheet in activation_unit.h).
#include "sim/unit/activation_unit.h"

#include <algorithm>
#include <span>

#include "base/numerics.h"
#include "isa/access.h"
#include "isa/visit.h"
#include "sim/kernel/waits.h"
#include "sim/unit/activation_values.h"
#include "sim/unit/even_share.h"
#include "sim/unit/pool_map.h"
#include "sim/unit/vector_values.h"

namespace systole::sim {
namespace {

// The instruction's limits, within what its type can hold; relu lifts the lower one.
template <typename Insn>
Limits limits_of(const Insn& insn) {
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

ActivationUnit::ActivationUnit(const Board& board, isa::Unit unit, Completions& completions,
                               Accumulators& accumulators, ParamMemory& params,
                               UnifiedBuffer& buffer)
    : board_(board),
      unit_(unit),
      sheet_(board, unit),
      inbox_(board, unit, completions, sheet_),
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
  Trail& trail = inbox_.trail();
  constexpr CycleCount kBefore(-1);
  for (;;) {
    while (inbox_.blocked()) co_await inbox_.change();
    co_await trail.at({free_, Resource::kControl, kBefore});
    const Moves moves = start();
    const SliceLabel label = inbox_.label(moves.reads);
    const Inbox::Issued work = inbox_.issue();
    free_ = trail.latest({free_}, {trail.now()});
    EvenShare ahead(std::max<std::int64_t>(0, moves.reads - moves.writes), moves.writes);
    for (std::int64_t left = moves.writes; left > 0;) {
      const std::int64_t rows = buffer_.ports().write_chunk(left);
      const CyclePoint reading = free_;  // what is pooled and not written
      free_ = trail.after({free_, Resource::kActivation, paced(ahead.take(rows))});
      sheet_.busy(reading, free_, label);
      co_await trail.at({free_, Resource::kControl, kBefore});
      const CyclePoint raised = kernel.now();
      const PortGrant grant = co_await buffer_.ports().ask(trail, unit_, {rows, 0, 1});
      sheet_.wait(raised, grant.begin, wait::kPort, label);
      const Instant begin = trail.latest({grant.begin}, {free_});
      free_ = trail.latest({grant.end}, {begin, Resource::kActivation, paced(rows)});
      sheet_.busy(begin, free_, label);
      left -= rows;
    }
    co_await trail.at({free_, Resource::kControl, kBefore});
    work.complete(trail.after(
        {free_, Resource::kActivationDepth, CycleCount(board_.machine.activation_depth)}));
  }
}

ActivationUnit::Moves ActivationUnit::start() {
  return isa::visit_work<Moves, isa::Unit::kActivation>(inbox_.head().insn,
                                                        [this](const auto& i) { return start(i); });
}

ActivationUnit::Moves ActivationUnit::start(const isa::Activate& insn) {
  const UbRange range{insn.ub, insn.lane, insn.rows, insn.n * isa::element_bytes(insn.type)};
  board_.ledger.layer(inbox_.head().layer).ub_written += Bytes(range.rows * range.bytes);
  if (board_.values) {
    load_parameters(insn);
    const RowSpan to = buffer_.rows(range);
    const std::int32_t* acc = accumulators_.rows(insn.acc, insn.rows);
    for (std::int64_t i = 0; i < insn.rows; ++i, acc += board_.machine.c()) {
      activate_row(insn, acc, to.row(i));
    }
  }
  const std::int64_t each = board_.machine.ub_rows_of(range.bytes, range.lane);
  return {insn.rows, insn.rows * std::max<std::int64_t>(1, each)};
}

// Every accumulator row is activated once, however many windows take it.
ActivationUnit::Moves ActivationUnit::start(const isa::ActivatePool& insn) {
  const PoolMap map(insn);
  const UbRange range{insn.ub, insn.lane, map.outputs(), insn.n * isa::element_bytes(insn.type)};
  board_.ledger.layer(inbox_.head().layer).ub_written += Bytes(range.rows * range.bytes);
  if (board_.values) {
    load_parameters(insn);
    pixels_.resize(static_cast<std::size_t>(map.pixels() * range.bytes));
    const RowSpan pixels{pixels_.data(), range.bytes};
    const std::int32_t* acc = accumulators_.rows(insn.acc, map.pixels());
    for (std::int64_t i = 0; i < map.pixels(); ++i, acc += board_.machine.c()) {
      activate_row(insn, acc, pixels.row(i));
    }
    const isa::Registers& r = inbox_.registers();
    const Elements from{insn.type, r.scale(isa::configuration::kAScale),
                        static_cast<std::int32_t>(insn.zero_point)};
    const bool average = insn.op == isa::pool_op::kAverage;
    pool_rows({average, from, result_of(r, insn.type), insn.n}, map, pixels, buffer_.rows(range));
  }
  const std::int64_t each = board_.machine.ub_rows_of(range.bytes, range.lane);
  return {map.taken(), range.rows * std::max<std::int64_t>(1, each)};
}

template <typename Insn>
void ActivationUnit::load_parameters(const Insn& insn) {
  const auto n = static_cast<std::size_t>(insn.n);
  if (insn.use_bias != 0) params_.read(insn.bias, std::span(bias_).first(n));
  if (isa::is_requantised(insn.type)) params_.read(insn.scale, std::span(scale_).first(n));
  if (insn.function == isa::function::kTable) {
    table_ = params_.words(insn.table, isa::table_words(insn.type));
  }
}

template <typename Insn>
void ActivationUnit::activate_row(const Insn& insn, const std::int32_t* acc, std::uint8_t* to) {
  const std::int32_t* bias = insn.use_bias != 0 ? bias_.data() : nullptr;
  if (isa::is_float(insn.type)) {
    return activate_floats(acc, bias, isa::float_limits_of(insn), insn.n, insn.type, to);
  }
  if (insn.type != isa::type::kS32) {
    requantise_row(acc, bias, scale_.data(), limits_of(insn), insn.n, row_.data());
  } else {
    for (std::size_t c = 0; c < static_cast<std::size_t>(insn.n); ++c) {
      row_[c] = bias == nullptr ? acc[c] : wrapping_add(acc[c], bias[c]);
    }
  }
  if (insn.function == isa::function::kTable) {
    look_up_row(table_.data(), insn.type, insn.n, row_.data(), row_.data());
  }
  store_row(row_.data(), insn.type, insn.n, to);
}

}  // namespace systole::sim
