// Retime: a recorded run timed again on another machine, without running it (causes.h).
//
// Every moment is taken anew as the latest of its causes, in their recorded order. Cycles of a
// resource follow the machine: latencies and paces by their parameters; the link, the memory and
// the ports by the very models that the run used, asked in the recorded order of grants; room by
// the step that frees it. So the same machine gives the same cycles, and where nothing is shared
// another one gives those of a new run. Where it is, the new run may grant in another order; and
// pieces of requests to a banked memory that several units ask are taken request by request.
#pragma once

#include <vector>

#include "isa/machine.h"
#include "sim/kernel/causes.h"

namespace systole::sim {

// The cycle of every moment on `machine`, which differs from `recorded`, the machine of the run,
// only in parameters of resources.def.
[[nodiscard]] std::vector<CyclePoint> retime(const Causes& causes, const isa::Machine& recorded,
                                             const isa::Machine& machine);
// The latest completion.
[[nodiscard]] CycleCount retimed_cycles(const Causes& causes,
                                        const std::vector<CyclePoint>& moments);

}  // namespace systole::sim
