// Retime: a recorded run timed again on another machine, without running it (causes.h).
//
// Every moment is taken anew as the latest of its causes, in their recorded order. Cycles of a
// resource follow the machine: latencies and paces by their parameters; the link, the memory and
// the ports by the very models that the run used, asked in the recorded order of grants; room by
// the step that frees it. So the same machine gives the same cycles, and where nothing is shared
// another one gives those of a new run. Where it is, the new run may grant in another order; and
// pieces of requests to a banked memory that several units ask are taken request by request.
#pragma once

#include <optional>
#include <vector>

#include "isa/machine.h"
#include "sim/kernel/causes.h"

namespace systole::sim {

// Whether the graph tells what the program takes on `machine`: it differs from `recorded`, the
// machine of the run, only in what a retiming follows: the parameters of resources.def, how fast
// the memory and the decoder are, and the clock.
[[nodiscard]] bool follows(const isa::Machine& recorded, const isa::Machine& machine);

// The cycle of every moment on `machine`, which the graph follows.
[[nodiscard]] std::vector<CyclePoint> retime(const Causes& causes, const isa::Machine& recorded,
                                             const isa::Machine& machine);
// The latest completion.
[[nodiscard]] CycleCount retimed_cycles(const Causes& causes,
                                        const std::vector<CyclePoint>& moments);

// What a run's time on `machine` gains, as a share of the time on `recorded`; nothing where the
// graph does not tell.
[[nodiscard]] std::optional<double> predicted_gain(const Causes& causes,
                                                   const isa::Machine& recorded,
                                                   const isa::Machine& machine);
// Of `before` cycles of one machine's clock the share that `after` cycles of another's save.
[[nodiscard]] double time_gain(CycleCount before, const isa::Machine& on, CycleCount after,
                               const isa::Machine& changed);

}  // namespace systole::sim
