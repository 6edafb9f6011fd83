// Array registers: the clock's work (story in array_registers.h).
#include "sim/unit/array_registers.h"

#include <algorithm>
#include <string_view>

#include "base/diag.h"
#include "sim/unit/array_sweep.h"

namespace systole::sim {

ArrayRegisters::ArrayRegisters(const isa::Machine& machine, bool values)
    : rows_(machine.r()),
      columns_(machine.c()),
      load_(machine.array_weight_load),
      values_(values),
      lanes_(rows_, rows_ + columns_),
      tags_(rows_ + columns_),
      valid_(rows_ + columns_),
      switch_(rows_ + columns_),
      hops_(rows_ + columns_, kNoRow),
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
  const std::string_view flags(&switch_[0], static_cast<std::size_t>(rows_ + columns_ - 1));
  for (auto d = flags.find(kSet); d != std::string_view::npos; d = flags.find(kSet, d + 1)) {
    const auto diagonal = static_cast<std::int64_t>(d);
    const std::int64_t end = std::min(rows_, diagonal + 1);
    for (std::int64_t r = std::max<std::int64_t>(0, diagonal - columns_ + 1); r < end; ++r) {
      const std::size_t pe = place(r, diagonal - r);
      SYSTOLE_CHECK(shadow_[pe] != kEmpty, "PE({}, {}) switches to nothing", r, diagonal - r);
      active_[pe] = shadow_[pe];
      shadow_[pe] = kEmpty;
    }
  }
}

void ArrayRegisters::multiply() {
  if (!values_) return;
  const std::string_view flags(&valid_[0], static_cast<std::size_t>(rows_ + columns_));
  const auto youngest = flags.find(kSet);
  if (youngest == std::string_view::npos) return;
  // The bubble behind a wave clears the sums that the wave leaves.
  const auto first = static_cast<std::int64_t>(youngest) - 1;
  const auto last = static_cast<std::int64_t>(flags.rfind(kSet));
  const std::int16_t* lanes = lanes_.line(0);
  sweep({psums_.data(), lanes, rows_ > 1 ? lanes_.line(1) - lanes : 0, active_.data(), rows_,
         columns_, first, last});
}

void ArrayRegisters::take_weights(std::int16_t hops, std::span<const std::int16_t> weights) {
  hops_.push(hops);
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
  const std::string_view flags(&valid_[0], static_cast<std::size_t>(rows_ + columns_ - 1));
  return flags.find(kSet) == std::string_view::npos;
}

bool ArrayRegisters::empty() const {
  const auto stages = static_cast<std::size_t>(rows_ + columns_ - 1);
  const std::int16_t* hops = &hops_[0];
  return std::string_view(&valid_[0], stages).find(kSet) == std::string_view::npos &&
         std::all_of(hops, hops + stages, [](std::int16_t h) { return h == kNoRow; });
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
  for (std::int64_t d = 0; d <= rows_ + columns_ - 2; ++d) {
    const std::int64_t r = hops_[d];
    const std::int64_t c = d - r;
    if (r == kNoRow || c < 0 || c >= columns_) continue;
    std::int16_t& shadow = shadow_[place(r, c)];
    SYSTOLE_CHECK(shadow == kEmpty, "PE({}, {}) takes a second shadow weight", r, c);
    shadow = moving_weight(d, c);
  }
}

// Columns whose top a weight enters move by one PE.
void ArrayRegisters::hand_down(std::vector<std::int16_t>& plane) {
  for (std::int64_t first = 0, last; first < columns_; first = last + 1) {
    for (last = first; last < columns_ && hops_[last] != kNoRow;) ++last;
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
