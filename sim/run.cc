// Run: verification, host stages around the engine, outputs and report.
#include "sim/run.h"

#include <chrono>

#include "base/diag.h"
#include "isa/verify.h"
#include "sim/chip.h"
#include "sim/func/oracle.h"
#include "sim/host/host_memory.h"

namespace systole::sim {
namespace {

void require_verified(const isa::Program& program, const isa::Machine& machine) {
  const auto findings = isa::verify(program, machine);
  if (findings.empty()) return;
  std::string what = findings.front().text;
  if (findings.size() > 1) what += fmt::format(" (finding 1 of {})", findings.size());
  std::string where = program.source.file;
  if (where.empty()) where = program.model.empty() ? "program" : program.model;
  const bool says = what.find("; expected ") != std::string::npos;
  throw InputError(where, what, says ? "" : "a program in which `systole check` finds nothing");
}

void run_cycle(const isa::Program& program, const isa::Machine& machine, const RunOptions& options,
               HostMemory& host, Report& report) {
  const auto run_stage = [&](std::int64_t stage) { host.run_stage(stage, machine, report.host); };
  Chip chip(program, machine, options, host.bytes(), run_stage);
  run_stage(0);
  chip.run();
  run_stage(isa::kFinalStage);
  chip.report(report);
}

}  // namespace

RunResult run(const isa::Program& program, const isa::Machine& machine,
              const std::map<std::string, Tensor>& inputs, const RunOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  if (!options.verified) require_verified(program, machine);
  HostMemory host(program, !options.timing_only);
  if (!options.timing_only) host.load_inputs(inputs);

  RunResult result;
  Report& report = result.report;
  if (options.engine == Engine::kFunc) {
    execute(program, machine, host, report.total, report.host);
  } else {
    run_cycle(program, machine, options, host, report);
  }
  for (const HostReport& step : report.host) report.host_seconds += step.seconds;
  if (!options.timing_only) result.outputs = host.outputs();
  report.wall_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace systole::sim
