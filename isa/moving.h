// Moving: what the body of a repeat does in the memories that it steps through, and whether its
// repetitions stay out of each other's way there.
//
// Two repetitions one or two apart are seen to be in order by looking at three in a row, as all
// addresses move by fixed steps. Those three or more apart are taken to meet nowhere: of the
// accesses that step alike within a tensor, one of them a write, the hull is no longer than three
// steps; hulls of all repetitions of others, one of them with a write, have no byte in common.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "isa/access.h"
#include "isa/expand.h"
#include "isa/program.h"

namespace systole::isa {

// One access of an instruction of the body in its first repetition: the hull of its bytes. In host
// memory also its rows, since others' may lie between them.
struct MovingAccess {
  Access access;
  HostRows host;
  std::int64_t step = 0;
  std::size_t pc = 0;
  Unit unit = Unit::kSequencer;

  // What repetitions [first, end) touch: hull, and rows of host memory.
  [[nodiscard]] Access hull(std::int64_t first, std::int64_t end) const;
  [[nodiscard]] HostRows rows(std::int64_t first, std::int64_t end) const;
};

struct Moving {
  std::array<bool, kSpaceCount> stepped{};  // by space: whether the body steps through it
  std::vector<MovingAccess> accesses;       // of these
};

// Nothing where the body steps through others than the memories, or its repetitions might meet.
[[nodiscard]] std::optional<Moving> moving_of(const Program& program, const Machine& machine,
                                              const Body& body);

}  // namespace systole::isa
