// Timesheet: booking without overlap (story in timesheet.h).
#include "sim/kernel/timesheet.h"

#include <algorithm>

namespace systole::sim {

void Timesheet::wait(CyclePoint begin, CyclePoint end, std::string_view cls,
                     const SliceLabel& label) {
  const CycleCount length = book(begin, end, cls, label);
  if (length == CycleCount(0)) return;
  const auto found =
      std::ranges::find(waits_, cls, &std::pair<std::string_view, CycleCount>::first);
  if (found != waits_.end()) {
    found->second += length;
  } else {
    waits_.emplace_back(cls, length);
  }
}

CycleCount Timesheet::booked() const {
  CycleCount sum = busy_;
  for (const auto& [cls, length] : waits_) sum += length;
  return sum;
}

CycleCount Timesheet::book(CyclePoint begin, CyclePoint end, std::string_view cls,
                           const SliceLabel& label) {
  begin = std::max(begin, booked_until_);
  if (begin >= end) return CycleCount(0);
  booked_until_ = end;
  if (probe_ != nullptr) {
    Slice slice{.track = track_,
                .name = cls,
                .cls = cls,
                .layer = label.layer,
                .begin = begin,
                .end = end,
                .insn = label.insn};
    if (cls == kBusy) {
      slice.name = label.name;
      slice.rows = label.rows;
      slice.bytes = label.bytes;
      slice.ordinal = label.ordinal;
    }
    probe_->slice(slice);
  }
  return end - begin;
}

}  // namespace systole::sim
