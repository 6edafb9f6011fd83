// Array registers: the clock's work (story in array_registers.h).
#include "sim/unit/array_registers.h"

#include <algorithm>
#include <string_view>

#include "base/diag.h"
#include "sim/unit/array_sweep.h"

namespace systole::sim {
namespace {

constexpr char kSet = '\1';
constexpr std::int64_t kNowhere = -1;

// The first stage from `from` on, of the first `stages`, whose flag is set.
std::int64_t find(const DelayLine<char>& flags, std::int64_t stages, std::int64_t from = 0) {
  const std::string_view view(&flags[0], static_cast<std::size_t>(stages));
  const auto at = view.find(kSet, static_cast<std::size_t>(from));
  return at == std::string_view::npos ? kNowhere : static_cast<std::int64_t>(at);
}
// The last of the first `stages`.
std::int64_t find_last(const DelayLine<char>& flags, std::int64_t stages) {
  while (--stages >= 0 && flags[stages] != kSet) {
  }
  return stages;
}

}  // namespace

ArrayRegisters::ArrayRegisters(const isa::Machine& machine, bool values)
    : rows_(machine.r()),
      columns_(machine.c()),
      load_(machine.array_weight_load),
      values_(values),
      lanes_(rows_, rows_ + columns_),
      tags_(rows_ + columns_),
      valid_(rows_ + columns_),
      switch_(rows_ + columns_),
      moving_(rows_ + columns_),
      capture_(2 * rows_ + columns_),
      weights_(place(rows_ + columns_, 0)),
      psums_(place(rows_ + 1, 0)),
      shadow_(place(rows_, 0), kEmpty),
      active_(place(rows_, 0)) {}

void ArrayRegisters::take_row(const SubRowTag& tag, std::span<const std::int16_t> lanes) {
  tags_.push(tag);
  valid_.push(tag.valid ? kSet : '\0');
  switch_.push(tag.switches ? kSet : '\0');
  lanes_.push(lanes);
}

void ArrayRegisters::switch_weights() {
  if (load_ == isa::WeightLoad::kSingle) return;
  const std::int64_t stages = rows_ + columns_ - 1;
  for (auto d = find(switch_, stages); d != kNowhere; d = find(switch_, stages, d + 1)) {
    const std::int64_t end = std::min(rows_, d + 1);
    for (std::int64_t r = std::max<std::int64_t>(0, d - columns_ + 1); r < end; ++r) {
      const std::size_t pe = place(r, d - r);
      SYSTOLE_CHECK(shadow_[pe] != kEmpty, "PE({}, {}) switches to nothing", r, d - r);
      active_[pe] = shadow_[pe];
      shadow_[pe] = kEmpty;
    }
  }
}

void ArrayRegisters::multiply() {
  if (!values_) return;
  const std::int64_t youngest = find(valid_, rows_ + columns_);
  if (youngest == kNowhere) return;
  // The bubble behind a wave clears the sums that the wave leaves. Diagonals of one kind go
  // together, the oldest first, as each reads the one behind it.
  const std::int16_t* lanes = lanes_.line(0);
  SweepJob job{psums_.data(), lanes, lanes_.line(1) - lanes, active_.data(), rows_, columns_};
  for (job.last = find_last(valid_, rows_ + columns_); job.last >= youngest - 1;
       job.last = job.first - 1) {
    job.floats = job.last >= 0 && tags_[job.last].floats;
    job.first = job.last;
    while (job.first > youngest - 1 && (job.first > 0 && tags_[job.first - 1].floats) == job.floats)
      --job.first;
    sweep(job);
  }
}

void ArrayRegisters::take_weights(TopEdge edge, std::span<const std::int16_t> weights) {
  moving_.push(edge == TopEdge::kNone ? '\0' : kSet);
  capture_.push(edge == TopEdge::kFirstRow ? kSet : '\0');
  const std::int64_t stages = rows_ + columns_;
  newest_weights_ = (newest_weights_ == 0 ? stages : newest_weights_) - 1;
  std::int16_t* row = weights_.data() + place(newest_weights_, 0);
  std::fill(std::ranges::copy(weights, row).out, row + columns_, std::int16_t{0});
  switch (load_) {
    case isa::WeightLoad::kThrough:
      capture();
      break;
    case isa::WeightLoad::kChain:
      hand_down(shadow_);
      break;
    case isa::WeightLoad::kSingle:
      hand_down(active_);
      break;
  }
}

bool ArrayRegisters::room_for_tile() const {
  switch (load_) {
    case isa::WeightLoad::kThrough:
      return !shadow_full(0, 0);
    case isa::WeightLoad::kChain:
      return !shadow_full(rows_ - 1, 0);
    case isa::WeightLoad::kSingle:
      break;
  }
  return find(valid_, rows_ + columns_ - 1) == kNowhere;
}

bool ArrayRegisters::empty() const {
  return find(valid_, rows_ + columns_ - 1) == kNowhere &&
         find(moving_, rows_ + columns_ - 1) == kNowhere &&
         find(capture_, 2 * rows_ + columns_ - 2) == kNowhere;
}

std::int16_t ArrayRegisters::moving_weight(std::int64_t stage, std::int64_t c) const {
  const std::int64_t stages = rows_ + columns_;
  const std::int64_t row = newest_weights_ + stage;
  return weights_[place(row < stages ? row : row - stages, c)];
}

std::int32_t ArrayRegisters::value(Plane plane, std::int64_t r, std::int64_t c) const {
  switch (plane) {
    case Plane::kActivation:
      return lanes_.line(r)[r + c];
    case Plane::kValid:
      return tags_[r + c].valid ? 1 : 0;
    case Plane::kSwitch:
      return tags_[r + c].switches ? 1 : 0;
    case Plane::kPsum:
      return psums_[place(r + 1, c)];
    case Plane::kTravelling:
      return load_ == isa::WeightLoad::kThrough ? moving_weight(r + c, c) : 0;
    case Plane::kShadow:
      return shadow_full(r, c) ? shadow_[place(r, c)] : 0;
    case Plane::kShadowFull:
      return shadow_full(r, c) ? 1 : 0;
    case Plane::kActive:
      break;
  }
  return active_[place(r, c)];
}

void ArrayRegisters::capture() {
  const std::int64_t stages = 2 * rows_ + columns_ - 2;
  for (auto stage = find(capture_, stages); stage != kNowhere;
       stage = find(capture_, stages, stage + 1)) {
    const std::int64_t end = std::min(rows_, stage / 2 + 1);
    for (std::int64_t r = std::max<std::int64_t>(0, (stage - columns_ + 2) / 2); r < end; ++r) {
      const std::int64_t c = stage - 2 * r;
      std::int16_t& shadow = shadow_[place(r, c)];
      SYSTOLE_CHECK(shadow == kEmpty, "PE({}, {}) takes a second shadow weight", r, c);
      shadow = moving_weight(r + c, c);
    }
  }
}

// Columns whose top a weight enters move by one PE.
void ArrayRegisters::hand_down(std::vector<std::int16_t>& plane) {
  for (std::int64_t first = 0, last; first < columns_; first = last + 1) {
    for (last = first; last < columns_ && moving_[last] == kSet;) ++last;
    if (first == last) continue;
    for (std::int64_t r = rows_ - 1; r > 0; --r) {
      const auto above = plane.begin() + static_cast<std::ptrdiff_t>(place(r - 1, 0));
      if (load_ == isa::WeightLoad::kChain && r == rows_ - 1) {
        SYSTOLE_CHECK(std::all_of(above + columns_ + first, above + columns_ + last,
                                  [](std::int16_t w) { return w == kEmpty; }),
                      "a chain pushes out a weight that nobody has taken");
      }
      std::copy(above + first, above + last, above + columns_ + first);
    }
    for (std::int64_t c = first; c < last; ++c) plane[place(0, c)] = moving_weight(c, c);
  }
}

}  // namespace systole::sim
