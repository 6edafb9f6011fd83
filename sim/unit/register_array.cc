// Register array (data sheet in register_array.h).
#include "sim/unit/register_array.h"

#include <algorithm>
#include <span>
#include <utility>

#include "sim/unit/float_pe.h"

namespace systole::sim {
namespace {

using TopEdge = ArrayRegisters::TopEdge;

constexpr CycleCount kCycle(1);

}  // namespace

RegisterArray::RegisterArray(const Board& board, WeightPlanes& planes, Accumulators& accumulators,
                             AccumulatorObserver* observer)
    : board_(board),
      planes_(planes),
      accumulators_(accumulators),
      observer_(observer),
      registers_(board.machine, board.values),
      watched_(board.probe != nullptr && board.probe->wants_array()),
      lanes_(static_cast<std::size_t>(board.machine.r())),
      weights_(static_cast<std::size_t>(board.machine.c())),
      excess_(static_cast<std::size_t>(board.machine.c())) {}

// --- control -------------------------------------------------------------------------------------

void RegisterArray::spawn() {
  board_.kernel.spawn(run());
  board_.kernel.spawn(watch_fifo());
}

struct RegisterArray::Sleep {
  RegisterArray& array;
  [[nodiscard]] static bool await_ready() { return false; }
  void await_suspend(Kernel::Handle handle) const { array.sleeper_ = handle; }
  void await_resume() const {}
};

Process RegisterArray::run() {
  for (;;) {
    while (!idle(board_.kernel.now())) {
      const CyclePoint t = board_.kernel.now();
      co_await board_.kernel.at(t + kCycle);
      clock(t);
    }
    co_await Sleep{*this};
  }
}

Process RegisterArray::watch_fifo() {
  for (std::int64_t n = 1;; ++n) {
    co_await planes_.arrived().reach(n);
    wake();
  }
}

void RegisterArray::wake() {
  if (sleeper_) board_.kernel.resume_at(board_.kernel.now(), std::exchange(sleeper_, {}));
}

bool RegisterArray::idle(CyclePoint next) const {
  return fed_ == flights_.size() && rows_shifted_ == 0 && registers_.empty() && !may_shift(next);
}

void RegisterArray::expect_switch(Trail& /*control: nothing is recorded*/) {
  ++switches_expected_;
  last_expected_ = board_.kernel.now();
  wake();
}

void RegisterArray::switch_tile(Tile /*tile: its weights are in the registers*/) {
  next_switches_ = true;
}

void RegisterArray::start(const RowFeed& feed, const Inbox::Issued& issued,
                          const Injection& /*injection: in this cycle*/) {
  flights_.push_back({feed, issued, board_.kernel.now(), std::exchange(next_switches_, false)});
  wake();
}

// --- one cycle -----------------------------------------------------------------------------------

void RegisterArray::clock(CyclePoint t) {
  feed_row(t);
  write_accumulators(t);
  registers_.switch_weights();
  registers_.multiply();
  feed_weights(t);
  if (watched_) board_.probe->array(t, registers_);
}

void RegisterArray::feed_row(CyclePoint t) {
  if (fed_ == flights_.size() || flights_[fed_].begin > t) return registers_.take_row({}, {});
  const Flight& flight = flights_[fed_];
  const isa::Convolve& insn = flight.feed.insn();
  const CycleCount cycle = t - flight.begin;
  const auto offered = flight.feed.at(cycle.value);
  if (!offered) return registers_.take_row({}, {});
  const SubRow& sub = *offered;
  const bool last = cycle + kCycle == flight.feed.length();
  const SubRowTag tag{.row = static_cast<std::int32_t>(insn.acc + sub.row),
                      .columns = static_cast<std::int16_t>(insn.n),
                      .layer = static_cast<std::uint16_t>(flight.issued.layer()),
                      .shift = static_cast<std::uint8_t>(sub.shift),
                      .floats = flight.feed.floats(),
                      .valid = true,
                      .switches = flight.switches && sub.row == 0 && sub.first,
                      .accumulates = insn.accumulate != 0 || !sub.first,
                      .ends_row = sub.last,
                      .ends_pass = last};
  const std::span lanes = std::span(lanes_).first(static_cast<std::size_t>(insn.k));
  if (board_.values) flight.feed.lanes(sub, lanes);
  std::ranges::fill(std::span(lanes_).subspan(lanes.size()),
                    tag.floats ? kMasked : std::int16_t{0});
  registers_.take_row(tag, lanes_);
  if (last) ++fed_;
}

void RegisterArray::write_accumulators(CyclePoint t) {
  const std::int64_t columns = board_.machine.c();
  const SubRowTag* tags = registers_.arriving_tags();
  const std::int32_t* psums = registers_.arriving();
  std::int32_t* __restrict sums = accumulators_.all();
  for (std::int64_t c = 0; board_.values && c < columns; ++c) {
    const SubRowTag& tag = tags[c];
    if (!tag.valid || c >= tag.columns) continue;
    std::int32_t& accumulator = sums[tag.row * columns + c];
    add(tag, psums[c], accumulator, excess_[static_cast<std::size_t>(c)]);
    if (observer_ != nullptr) observer_->write({t, tag.row, c, accumulator});
  }
  if (!tags[columns - 1].ends_pass) return;
  flights_.front().issued.complete(Instant(t + kCycle));
  flights_.pop_front();
  --fed_;
}

void RegisterArray::add(const SubRowTag& tag, std::int64_t psum, std::int32_t& accumulator,
                        std::int64_t& excess) {
  if (tag.floats) {
    const auto bits = static_cast<std::int32_t>(psum);
    accumulator = tag.accumulates ? add_floats(accumulator, bits) : bits;
    return;
  }
  const std::int64_t sum =
      (tag.accumulates ? accumulator : 0) + psum * (std::int64_t{1} << tag.shift);
  accumulator = static_cast<std::int32_t>(static_cast<std::uint32_t>(sum));
  excess += sum - accumulator;
  if (!tag.ends_row || excess == 0) return;
  ++board_.ledger.layer(tag.layer).accumulator_wraps;
  excess = 0;
}

bool RegisterArray::may_shift(CyclePoint t) const {
  if (planes_.head(t) == nullptr || !registers_.room_for_tile()) return false;
  if (board_.machine.array_weight_load != isa::WeightLoad::kSingle || tiles_begun_ == 0)
    return true;
  return switches_expected_ > tiles_begun_ && last_expected_ <= t && fed_ == flights_.size();
}

void RegisterArray::feed_weights(CyclePoint t) {
  if (rows_shifted_ == 0) {
    if (!may_shift(t)) return registers_.take_weights(TopEdge::kNone, {});
    ++tiles_begun_;
  }
  // Where registers hand weights down, the first row goes furthest.
  const std::int64_t rows = board_.machine.r();
  const bool travels = board_.machine.array_weight_load == isa::WeightLoad::kThrough;
  const std::int64_t row = travels ? rows_shifted_ : rows - 1 - rows_shifted_;
  if (board_.values) planes_.head(t)->operands(row, weights_);
  registers_.take_weights(rows_shifted_ == 0 ? TopEdge::kFirstRow : TopEdge::kRow, weights_);
  if (++rows_shifted_ < rows) return;
  rows_shifted_ = 0;
  planes_.end_shift(Instant(t + kCycle));
}

}  // namespace systole::sim
