// Timed: a program's run for its cycles alone, with why they are what they are.
#pragma once

#include "isa/program.h"
#include "report/record.h"
#include "report/why.h"

namespace systole::report {

// A record of the run but for what the user called the model. Throws as sim::run does.
[[nodiscard]] Record timed_record(const isa::Program& program, const isa::Machine& machine,
                                  const WhyOptions& how, sim::Engine engine = sim::Engine::kCycle);

// What a program counts beyond one of fewer batches: sums over the run and over each layer.
[[nodiscard]] sim::Report added(const sim::Report& fewer, const sim::Report& more);

}  // namespace systole::report
