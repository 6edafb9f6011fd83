// Spill: where not even one unit of a batch fits the unified buffer, a segment is cut in two, and
// what crosses the cut goes to host memory and comes back. What comes before the cut goes in bands
// of lines, if it has to.
#pragma once

#include <optional>

#include "compiler/lower/place.h"
#include "compiler/lower/segment.h"

namespace systole::compiler {

struct SpillCut {
  std::size_t operations = 0;  // before the cut
  std::int64_t bands = 1;      // in which they go
};

// How a plan that does not fit is best cut: as many operations first as fit, without computing much
// of them twice, or up to half as many where fewer bytes cross. None if not even one line of the
// first operation fits.
[[nodiscard]] std::optional<SpillCut> spill_cut(const SegmentPlan& plan,
                                                const isa::Program& program);

// Moves device nodes of `segment` in `later` to a segment of their own behind it, if there are any;
// what stays goes in so many bands.
void split_segment(Placement& placement, int segment, const std::vector<std::size_t>& later,
                   std::int64_t bands);

}  // namespace systole::compiler
