// Oracle: what a program computes, with no notion of time.
//
// Every instruction runs to completion in program order on plain arrays. It is written to be read
// beside isa/opcodes.def and shares nothing with sim/unit but base/numerics.h, so that the cycle
// engine's values are checked against a second, independent answer.
#pragma once

#include <vector>

#include "isa/machine.h"
#include "isa/program.h"
#include "sim/host/host_memory.h"
#include "sim/kernel/report.h"

namespace systole::sim {

// Runs host stage 0, the program and the final host stage on `memory`, which already holds the
// inputs. Fills the counters of instructions (as the sequencer decodes them, repeats expanded),
// MACs, passes, tiles, wraps and bytes, and appends a HostReport per host step. Without values in
// `memory` it only counts. The program has passed isa::verify.
void execute(const isa::Program& program, const isa::Machine& machine, HostMemory& memory,
             Counters& counters, std::vector<HostReport>& report);

}  // namespace systole::sim
