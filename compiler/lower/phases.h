// Phases: how a segment's operations are cut into nested phases (segment.h), so that weights are
// read as seldom as the unified buffer allows.
//
// Search: begin with one phase over all operations, as many samples a job as fit. Then, as long as
// it pays, cut a phase in two where few bytes cross, the second part with more samples a job. A
// plan is priced by the cycles in which the array computes or waits for weight tiles.
#pragma once

#include <vector>

#include "compiler/lower/segment.h"

namespace systole::compiler {

// Whether one unit of a batch fits the unified buffer, all operations in one phase.
[[nodiscard]] bool one_unit_fits(const SegmentPlan& plan, const isa::Program& program);

// The same of two such jobs, where one begins before the other has ended.
[[nodiscard]] bool two_units_fit(const SegmentPlan& plan, const isa::Program& program);
// Cycles in which weight memory brings a tile.
[[nodiscard]] double fetch_cycles(const isa::Machine& machine);

// A plan with its phases.
struct PhasedPlan {
  SegmentPlan plan;
  std::vector<Phase> phases;
};
// The result of a lone product may keep few blocks in the buffer, as column after column leaves for
// the host: then jobs have more samples, and tiles are read less often. That is so where the price
// says that it pays. Throws InputError if one sample does not fit the unified buffer.
[[nodiscard]] PhasedPlan choose_phases(const SegmentPlan& plan, const isa::Program& program);

}  // namespace systole::compiler
