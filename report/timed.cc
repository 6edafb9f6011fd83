// See timed.h.
#include "report/timed.h"

#include <algorithm>

#include "isa/code_hash.h"

namespace systole::report {

Record timed_record(const isa::Program& program, const isa::Machine& machine, const WhyOptions& how,
                    sim::Engine engine) {
  Record record;
  record.model = program.model;
  record.model_hash = program.model_hash;
  record.program_hash = isa::code_hash(program);
  record.machine = machine;
  record.batch = program.batch;
  record.batches = program.batches;
  record.rows = record.batch * record.batches;
  for (const isa::Layer& layer : program.layers) {
    record.model_macs += layer.macs;
    record.layer_macs.push_back(layer.macs);
  }
  record.engine = engine;
  record.timing_only = true;
  sim::RunOptions options;
  options.engine = engine;
  options.timing_only = true;
  record.report = sim::run(program, machine, {}, options).report;
  WhyOptions again = how;
  again.verified = true;
  set_why(record, explain(program, machine, again));
  return record;
}

namespace {

void subtract(const sim::Counters& fewer, sim::Counters& from) {
  for (std::size_t i = 0; i < sim::kStallCount; ++i) from.matrix[i] -= fewer.matrix[i];
#define SYSTOLE_COUNTER(Type, member, group, unit, meaning) from.member -= fewer.member;
#include "sim/kernel/counters.def"
}

}  // namespace

sim::Report added(const sim::Report& fewer, const sim::Report& more) {
  sim::Report report = more;
  subtract(fewer.total, report.total);
  for (std::size_t i = 0; i < std::min(more.layers.size(), fewer.layers.size()); ++i) {
    subtract(fewer.layers[i].counters, report.layers[i].counters);
  }
  report.device_seconds -= fewer.device_seconds;
  report.host_seconds -= fewer.host_seconds;
  return report;
}

}  // namespace systole::report
