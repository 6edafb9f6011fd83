// See why.h.
#include "report/why.h"

#include "sim/retime.h"

namespace systole::report {
namespace {

// A recorded run that takes longer is not run again unless that is asked for by more re-runs.
constexpr double kLongRunSeconds = 1.0;

sim::Report timed(const isa::Program& program, const isa::Machine& machine, sim::Causes* causes) {
  sim::RunOptions options;
  options.timing_only = true;
  options.causes = causes;
  return sim::run(program, machine, {}, options).report;
}

}  // namespace

traces::Explanation explain(const isa::Program& program, const isa::Machine& machine,
                            const WhyOptions& options) {
  sim::Causes causes;
  const sim::Report recorded = timed(program, machine, &causes);
  traces::Simulator simulator;
  simulator.retime = [&](const isa::Machine& changed) {
    return sim::retimed_cycles(causes, sim::retime(causes, machine, changed));
  };
  if (options.what_if && recorded.wall_seconds < kLongRunSeconds && !causes.full()) {
    simulator.rerun = [&](const isa::Machine& changed) {
      return timed(program, changed, nullptr).total.cycles;
    };
  }
  return traces::explain(traces::critical_path(causes, program.layers.size()), machine, simulator,
                         options.reruns);
}

}  // namespace systole::report
