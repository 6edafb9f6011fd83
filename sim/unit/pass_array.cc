// Pass array (data sheet in pass_array.h).
#include "sim/unit/pass_array.h"

#include <algorithm>
#include <utility>

#include "base/numerics.h"
#include "isa/precisions.h"

namespace systole::sim {

PassArray::PassArray(const Board& board, WeightPlanes& planes, Accumulators& accumulators,
                     AccumulatorObserver* observer)
    : board_(board),
      planes_(planes),
      accumulators_(accumulators),
      observer_(observer),
      shadow_free_(board.kernel, board.causes),
      shifts_(board.kernel, board.causes) {
  shadow_free_.post({Instant()});
}

Process PassArray::shift_tiles() {
  for (std::int64_t n = 1;; ++n) {
    co_await shifts_.reach(shadow_free_, n);
    co_await shifts_.reach(planes_.arrived(), n);
    shifts_.of_layer(planes_.head_layer());
    const CycleCount shift = board_.paced(Resource::kShift, CycleCount(board_.machine.r()));
    planes_.end_shift(shifts_.after({shifts_.now(), Resource::kShift, shift}));
  }
}

void PassArray::expect_switch(Trail& control) {
  if (board_.machine.array_weight_load != isa::WeightLoad::kSingle || !any_active_) return;
  const Cause left{complete_, Resource::kControl, CycleCount(-1)};
  shadow_free_.post({control.latest({control.now()}, left)});
}

void PassArray::switch_tile(Tile tile) {
  tile_ = std::move(tile);
  any_active_ = true;
}

void PassArray::start(const RowFeed& feed, const Inbox::Issued& issued,
                      const Injection& injection) {
  if (feed.insn().switch_tile != 0) free_shadow(injection, feed.offered(0));
  const CycleCount fill(board_.machine.r() + board_.machine.c() - 1);
  complete_ = injection.trail.after(
      {injection.injected, Resource::kFill, board_.paced(Resource::kFill, fill)});
  if (board_.values) compute(feed, issued.layer());
  issued.complete(complete_);
}

void PassArray::free_shadow(const Injection& injection, CycleCount first_row) {
  Trail& trail = injection.trail;
  const Cause taken{injection.start, Resource::kArray, board_.paced(Resource::kArray, first_row)};
  const CycleCount hops = board_.paced(Resource::kShift, CycleCount(board_.machine.r() - 1));
  switch (board_.machine.array_weight_load) {
    case isa::WeightLoad::kThrough:
      shadow_free_.post({trail.after(taken)});
      break;
    case isa::WeightLoad::kChain:
      shadow_free_.post({trail.after({trail.after(taken), Resource::kShift, hops})});
      break;
    case isa::WeightLoad::kSingle:
      break;  // when the next switch is at the head
  }
}

RowSpan PassArray::rows(const RowFeed& feed) {
  if (const auto there = feed.in_place()) return *there;
  const auto bytes =
      static_cast<std::size_t>(feed.rows() * feed.row_bytes() + UnifiedBuffer::kSlack);
  if (gathered_.size() < bytes) gathered_.resize(bytes);
  feed.gather(gathered_.data());
  return {gathered_.data(), feed.row_bytes()};
}

void PassArray::compute(const RowFeed& feed, std::int64_t layer) {
  const isa::Convolve& insn = feed.insn();
  SYSTOLE_CHECK(
      tile_.weights != nullptr && insn.k <= tile_.weights->k && insn.n <= tile_.weights->n,
      "a pass of {} x {} does not fit the active tile", insn.k, insn.n);
  const bool whole = insn.k == tile_.weights->k && insn.n == tile_.weights->n;
  const PackedTile part = whole ? PackedTile{} : part_of(*tile_.weights, insn.k, insn.n);
  const RowSpan x = rows(feed);
  std::int32_t* acc = accumulators_.rows(insn.acc, feed.rows());
  const PassValues pass{whole ? *tile_.weights : part,
                        tile_.zero,
                        x.first,
                        x.stride,
                        feed.rows(),
                        feed.bytes_per_lane(),
                        insn.is_signed != 0,
                        static_cast<std::int32_t>(insn.zero_point),
                        acc,
                        board_.machine.c(),
                        insn.accumulate != 0,
                        static_cast<int>(isa::precision_info(insn.precision).sum_shift)};
  std::vector<std::int32_t> before;
  if (observer_ != nullptr) before.assign(acc, acc + feed.rows() * board_.machine.c());
  board_.ledger.layer(layer).accumulator_wraps += compute_pass(pass);
  if (observer_ != nullptr) tell_writes(feed, before);
}

void PassArray::tell_writes(const RowFeed& feed, const std::vector<std::int32_t>& before) {
  const isa::Convolve& insn = feed.insn();
  const std::int64_t columns = board_.machine.c();
  const CyclePoint bottom = board_.kernel.now() + CycleCount(board_.machine.r());
  const std::int32_t* after = accumulators_.rows(insn.acc, feed.rows());
  std::vector<std::int16_t> lanes(static_cast<std::size_t>(insn.k));
  std::vector<std::int32_t> sums(static_cast<std::size_t>(insn.n));
  for (std::int64_t cycle = 0; cycle < feed.length().value; ++cycle) {
    const auto sub = feed.at(cycle);
    if (!sub) continue;
    feed.lanes(*sub, lanes);
    for (std::int64_t c = 0; c < insn.n; ++c) {
      std::int32_t& sum = sums[static_cast<std::size_t>(c)];
      const std::int64_t place = sub->row * columns + c;
      if (sub->first) sum = insn.accumulate != 0 ? before[static_cast<std::size_t>(place)] : 0;
      std::int32_t psum = 0;
      for (std::int64_t r = 0; r < insn.k; ++r) {
        psum += lanes[static_cast<std::size_t>(r)] * tile_.operand(r, c);
      }
      sum = wrapping_add(sum, wrapping_mul(psum, std::int32_t{1} << sub->shift));
      SYSTOLE_CHECK(!sub->last || sum == after[place], "sub-rows add up to {}, not {}", sum,
                    after[place]);
      observer_->write({bottom + CycleCount(cycle + c), insn.acc + sub->row, c, sum});
    }
  }
}

}  // namespace systole::sim
