// See why.h.
#include "report/why.h"

#include "sim/retime.h"
#include "traces/explain/alike.h"

namespace systole::report {
namespace {

sim::Report timed(const isa::Program& program, const isa::Machine& machine, bool verified,
                  sim::Causes* causes = nullptr) {
  sim::RunOptions options;
  options.timing_only = true;
  options.verified = verified;
  options.causes = causes;
  return sim::run(program, machine, {}, options).report;
}

// A program's run with its causes.
class Recording {
 public:
  Recording(const isa::Program& program, const isa::Machine& machine, bool verified)
      : program_(program),
        machine_(machine),
        report_(timed(program, machine, verified, &causes_)) {}

  [[nodiscard]] const sim::Report& report() const { return report_; }
  [[nodiscard]] bool may_run_again(const WhyOptions& options) const {
    return options.what_if && report_.wall_seconds < options.longest_seconds && !causes_.full();
  }
  [[nodiscard]] traces::CriticalPath path() const {
    return traces::critical_path(causes_, program_.layers.size());
  }
  // The same with alike layers' times alike.
  [[nodiscard]] traces::CriticalPath path_by_layer() const {
    traces::CriticalPath all = path();
    traces::set_apart(all, traces::alike_layers(program_));
    return all;
  }
  [[nodiscard]] CycleCount retimed(const isa::Machine& changed) const {
    return sim::retimed_cycles(causes_, sim::retime(causes_, machine_, changed));
  }
  [[nodiscard]] std::optional<double> predicted(const isa::Machine& changed) const {
    return sim::predicted_gain(causes_, machine_, changed);
  }
  [[nodiscard]] CycleCount rerun(const isa::Machine& changed) const {
    return timed(program_, changed, true).total.cycles;
  }

 private:
  const isa::Program& program_;
  const isa::Machine& machine_;
  sim::Causes causes_;
  sim::Report report_;
};

}  // namespace

traces::Explanation explain(const isa::Program& program, const isa::Machine& machine,
                            const WhyOptions& options) {
  const Recording run(program, machine, options.verified);
  traces::Simulator simulator;
  simulator.retime = [&](const isa::Machine& changed) { return run.retimed(changed); };
  if (run.may_run_again(options)) {
    simulator.rerun = [&](const isa::Machine& changed) { return run.rerun(changed); };
  }
  traces::Explanation why =
      traces::explain(run.path_by_layer(), machine, simulator, options.reruns);
  for (const isa::Machine& changed : options.asked) why.asked.push_back(run.predicted(changed));
  why.device_seconds = run.report().device_seconds;
  why.host_seconds = run.report().host_seconds;
  return why;
}

traces::Explanation explain_more(const isa::Program& fewer, const isa::Program& more,
                                 const isa::Machine& machine, const WhyOptions& options) {
  const Recording first(fewer, machine, options.verified);
  const Recording both(more, machine, options.verified);
  traces::Simulator simulator;
  simulator.retime = [&](const isa::Machine& changed) {
    return both.retimed(changed) - first.retimed(changed);
  };
  if (first.may_run_again(options) && both.may_run_again(options)) {
    simulator.rerun = [&](const isa::Machine& changed) {
      return both.rerun(changed) - first.rerun(changed);
    };
  }
  traces::CriticalPath path = both.path();
  const CycleCount added = path.cycles - first.path().cycles;
  const CyclePoint begin((path.cycles - added).value / 2);
  traces::Explanation why = traces::explain(traces::part_of(path, begin, begin + added), machine,
                                            simulator, options.reruns);
  why.device_seconds = both.report().device_seconds - first.report().device_seconds;
  why.host_seconds = both.report().host_seconds - first.report().host_seconds;
  return why;
}

}  // namespace systole::report
