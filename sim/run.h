// Run: program + inputs + machine -> outputs + report, on a chosen engine.
#pragma once

#include <map>
#include <string>

#include "base/tensor.h"
#include "isa/program.h"
#include "sim/kernel/report.h"
#include "sim/kernel/run_options.h"

namespace systole::sim {

struct RunResult {
  std::map<std::string, Tensor> outputs;  // empty with timing_only
  Report report;                          // func fills only instruction, MAC and byte counts
};

// Verifies the program unless it is said to be (throws InputError with the first findings), runs it
// and returns outputs by tensor name. `inputs` holds every tensor of role kInput with the exact
// type and shape.
[[nodiscard]] RunResult run(const isa::Program& program, const isa::Machine& machine,
                            const std::map<std::string, Tensor>& inputs, const RunOptions& options);

}  // namespace systole::sim
