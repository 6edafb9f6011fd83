// Matrix unit (data sheet in matrix_unit.h).
#include "sim/unit/matrix_unit.h"

#include <algorithm>

namespace systole::sim {
namespace {

bool is_wide(const isa::Matmul& insn) { return insn.precision == isa::precision::kInt8x16; }

// T6: cycles and bytes of one row's lane.
CycleCount cycles_per_row(const isa::Matmul& insn) { return CycleCount(is_wide(insn) ? 2 : 1); }
std::int64_t lane_bytes(const isa::Matmul& insn) { return is_wide(insn) ? 2 : 1; }

}  // namespace

MatrixUnit::MatrixUnit(const Board& board, Completions& completions, UnifiedBuffer& buffer,
                       WeightPlanes& planes, Accumulators& accumulators)
    : board_(board),
      stalls_(board),
      inbox_(board, isa::Unit::kMatrix, completions, stalls_),
      buffer_(buffer),
      planes_(planes),
      accumulators_(accumulators) {}

Process MatrixUnit::run() {
  Kernel& kernel = board_.kernel;
  const bool single = board_.machine.array_weight_load == isa::WeightLoad::kSingle;
  for (;;) {
    while (inbox_.blocked()) co_await inbox_.change();
    if (inbox_.head_as<isa::Matmul>().switch_tile != 0) {
      if (single && switches_ > 0) planes_.free_shadow(std::max(kernel.now(), left_));
      co_await planes_.shifted().reach(++switches_);
    }
    co_await kernel.at(injected_);
    start_pass(inbox_.head_as<isa::Matmul>());
  }
}

void MatrixUnit::start_pass(const isa::Matmul& insn) {
  const CyclePoint s = board_.kernel.now();
  const CycleCount p = cycles_per_row(insn);
  const CycleCount r(board_.machine.r()), c(board_.machine.c());
  PassTimes times{inbox_.head_visible(), {}, {}, s, s + p * insn.rows};
  if (insn.switch_tile != 0) switch_tile(times);
  count(insn);
  if (board_.values) compute(insn);
  stalls_.pass(inbox_.head().layer, times, inbox_.label(insn.rows));
  const CyclePoint complete = s + p * (insn.rows - 1) + r + c;
  injected_ = times.end;
  left_ = complete - CycleCount(1);
  inbox_.start(complete);
}

void MatrixUnit::switch_tile(PassTimes& times) {
  tile_ = planes_.take();
  times.whole = tile_.whole;
  times.usable = tile_.usable;
  const CycleCount leave(board_.machine.r() - 1);
  switch (board_.machine.array_weight_load) {
    case isa::WeightLoad::kThrough:
      planes_.free_shadow(times.begin);
      break;
    case isa::WeightLoad::kChain:
      planes_.free_shadow(times.begin + leave);
      break;
    case isa::WeightLoad::kSingle:
      break;  // when the next switch is at the head
  }
}

void MatrixUnit::count(const isa::Matmul& insn) {
  Counters& counters = board_.ledger.layer(inbox_.head().layer);
  const std::int64_t useful = insn.rows * insn.k * insn.n;
  ++counters.passes;
  counters.macs_useful += useful;
  counters.macs_padded += insn.rows * board_.machine.tile_bytes() - useful;
  counters.ub_read += Bytes(insn.rows * insn.k * lane_bytes(insn));
}

void MatrixUnit::compute(const isa::Matmul& insn) {
  SYSTOLE_CHECK(
      tile_.weights != nullptr && insn.k == tile_.weights->k && insn.n == tile_.weights->n,
      "a pass of {} x {} does not fit the active tile", insn.k, insn.n);
  const std::int64_t bytes = insn.k * lane_bytes(insn);
  const RowSpan x = buffer_.rows({insn.ub, insn.lane, insn.rows, bytes});
  const PassValues pass{*tile_.weights,
                        tile_.zero,
                        x.first,
                        x.stride,
                        insn.rows,
                        lane_bytes(insn),
                        insn.is_signed != 0,
                        static_cast<std::int32_t>(insn.zero_point),
                        accumulators_.rows(insn.acc, insn.rows),
                        board_.machine.c(),
                        insn.accumulate != 0};
  board_.ledger.layer(inbox_.head().layer).accumulator_wraps += compute_pass(pass);
}

}  // namespace systole::sim
