// Pass array (data sheet in pass_array.h).
#include "sim/unit/pass_array.h"

#include <algorithm>
#include <utility>

#include "base/numerics.h"
#include "isa/precisions.h"
#include "sim/unit/float_pe.h"

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
    const CycleCount shift =
        board_.paced(Resource::kShift, CycleCount(board_.machine.shift_cycles()));
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

// Of bf16, masked lanes marked where there are any.
FloatPass PassArray::float_pass(const RowFeed& feed) {
  const isa::Convolve& insn = feed.insn();
  const auto there = feed.in_place();
  if (!there) {
    const auto k = static_cast<std::size_t>(insn.k);
    lanes_.resize(k * static_cast<std::size_t>(feed.rows()));
    for (std::int64_t row = 0; row < feed.rows(); ++row) {
      const auto to = std::span(lanes_).subspan(k * static_cast<std::size_t>(row), k);
      feed.lanes({row, 0, true, true}, to);
    }
  }
  const auto* gathered = reinterpret_cast<const std::uint8_t*>(lanes_.data());
  return {tile_.weights->floats.data(),
          tile_.weights->k,
          insn.k,
          insn.n,
          there ? there->first : gathered,
          there ? there->stride : feed.row_bytes(),
          feed.rows(),
          !there,
          accumulators_.rows(insn.acc, feed.rows()),
          board_.machine.c(),
          insn.accumulate != 0};
}

void PassArray::compute(const RowFeed& feed, std::int64_t layer) {
  const isa::Convolve& insn = feed.insn();
  SYSTOLE_CHECK(
      tile_.weights != nullptr && insn.k <= tile_.weights->k && insn.n <= tile_.weights->n,
      "a pass of {} x {} does not fit the active tile", insn.k, insn.n);
  std::vector<std::int32_t> before;
  if (observer_ != nullptr) {
    const std::int32_t* acc = accumulators_.rows(insn.acc, feed.rows());
    before.assign(acc, acc + feed.rows() * board_.machine.c());
  }
  if (feed.floats()) {
    compute_floats(float_pass(feed));
  } else {
    board_.ledger.layer(layer).accumulator_wraps += compute_integers(feed);
  }
  if (observer_ != nullptr) tell_writes(feed, before);
}

std::int64_t PassArray::compute_integers(const RowFeed& feed) {
  const isa::Convolve& insn = feed.insn();
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
  return compute_pass(pass);
}

// A sum with that of a sub-row added, as the PEs of column c make it.
std::int32_t PassArray::added(const RowFeed& feed, const SubRow& sub, std::int64_t c,
                              std::optional<std::int32_t> sum) const {
  std::int32_t psum = 0;
  for (std::size_t r = 0; r < lanes_.size(); ++r) {
    const std::int16_t w = tile_.operand(static_cast<std::int64_t>(r), c);
    psum = feed.floats() ? float_step(psum, lanes_[r], w) : psum + lanes_[r] * w;
  }
  if (feed.floats()) return sum ? add_floats(*sum, psum) : psum;
  return wrapping_add(sum.value_or(0), wrapping_mul(psum, std::int32_t{1} << sub.shift));
}

void PassArray::tell_writes(const RowFeed& feed, const std::vector<std::int32_t>& before) {
  const isa::Convolve& insn = feed.insn();
  const std::int64_t columns = board_.machine.c();
  const CyclePoint bottom = board_.kernel.now() + CycleCount(board_.machine.r());
  const std::int32_t* after = accumulators_.rows(insn.acc, feed.rows());
  lanes_.resize(static_cast<std::size_t>(insn.k));
  std::vector<std::int32_t> sums(static_cast<std::size_t>(insn.n));
  for (std::int64_t cycle = 0; cycle < feed.length().value; ++cycle) {
    const auto sub = feed.at(cycle);
    if (!sub) continue;
    feed.lanes(*sub, lanes_);
    for (std::int64_t c = 0; c < insn.n; ++c) {
      std::int32_t& sum = sums[static_cast<std::size_t>(c)];
      const std::int64_t place = sub->row * columns + c;
      std::optional<std::int32_t> old;
      if (!sub->first) old = sum;
      if (sub->first && insn.accumulate != 0) old = before[static_cast<std::size_t>(place)];
      sum = added(feed, *sub, c, old);
      SYSTOLE_CHECK(!sub->last || sum == after[place], "sub-rows add up to {}, not {}", sum,
                    after[place]);
      observer_->write({bottom + CycleCount(cycle + c), insn.acc + sub->row, c, sum});
    }
  }
}

}  // namespace systole::sim
