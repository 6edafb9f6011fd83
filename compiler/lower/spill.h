// Spill: where not even one unit of a batch fits the unified buffer, a segment is cut in two, and
// what crosses the cut goes to host memory and comes back.
#pragma once

#include <optional>

#include "compiler/lower/place.h"
#include "compiler/lower/segment.h"

namespace systole::compiler {

// The operation before which a plan that does not fit is best cut: what comes before fits, fills
// half of what could fit at least, and fewest bytes cross. None if not even the first operation
// fits.
[[nodiscard]] std::optional<std::size_t> spill_cut(const SegmentPlan& plan,
                                                   const isa::Program& program);

// Moves device nodes of `segment` in `later` to a segment of their own behind it.
void split_segment(Placement& placement, int segment, const std::vector<std::size_t>& later);

}  // namespace systole::compiler
