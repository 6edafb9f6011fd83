// tpu:<machine>: the workload compiled and simulated.
//
// Steady state is what further batches add: the time of 1 + n back-to-back batches less that of 1,
// over n. One batch alone, from a cold start with every parameter loaded, is the first inference,
// and an upper bound of a warm one.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "compare/bound.h"
#include "compare/targets.h"
#include "compiler/compile.h"
#include "sim/run.h"

namespace systole::compare {
namespace {

constexpr std::int64_t kSteadyBatches = 10;  // that the increment is taken over
constexpr std::int64_t kFewBatches = 2;      // where as many do not fit a program

struct KnownError {
  const char* machine;
  double percent;
  const char* source;
};
constexpr auto kErrors = std::to_array<KnownError>({
#define SYSTOLE_ERROR(machine, percent, source) {machine, percent, source},
#include "compare/errors.def"
});

// Nothing for a machine nobody has validated, or one whose parameters were changed.
void set_error(const isa::Machine& machine, Series& names) {
  const auto* const known =
      std::ranges::find_if(kErrors, [&](const KnownError& e) { return machine.name == e.machine; });
  if (known == kErrors.end() || isa::load_machine(known->machine) != machine) return;
  names.error_percent = known->percent;
  names.error_source = known->source;
}

isa::Program program_of(const Workload& workload, const isa::Machine& machine, std::int64_t batches,
                        bool values) {
  return compiler::compile(workload.loaded(), machine,
                           {.batches = batches, .timing_only = !values});
}

sim::Report timing_of(const Workload& workload, const isa::Machine& machine, std::int64_t batches) {
  sim::RunOptions options;
  options.timing_only = true;
  return sim::run(program_of(workload, machine, batches, false), machine, {}, options).report;
}

struct Steady {
  sim::Report one, many;
  double batches = 1.0;  // that `many` has beyond `one`
};

Steady steady_state(const Workload& workload, const isa::Machine& machine) {
  Steady steady;
  steady.one = timing_of(workload, machine, 1);
  std::int64_t batches = kSteadyBatches;
  try {
    steady.many = timing_of(workload, machine, 1 + batches);
  } catch (const InputError&) {  // a program of that length is refused
    batches = kFewBatches;
    steady.many = timing_of(workload, machine, 1 + batches);
  }
  steady.batches = static_cast<double>(batches);
  return steady;
}

Point point_from(const Steady& steady, std::int64_t batch) {
  const sim::Report &one = steady.one, &many = steady.many;
  Point point;
  point.batch = batch;
  point.alone = one.device_seconds + one.host_seconds;
  point.first = point.alone;
  point.device = (many.device_seconds - one.device_seconds) / steady.batches;
  point.host = (many.host_seconds - one.host_seconds) / steady.batches;
  point.period = point.device + point.host;
  const Bound bound = device_bound(added_cycles(many.total, one.total));
  point.bound = point.host > bound.share * point.device ? "host" : bound.name;
  const Bound alone = device_bound(one.total);
  point.bound_alone = one.host_seconds > alone.share * one.device_seconds ? "host" : alone.name;
  return point;
}

// Runs all rows with values: the outputs' check and, with labels, the accuracy.
void check_values(const TargetContext& context, const isa::Machine& machine, Workload& workload,
                  Series& series) {
  const compiler::Graph& graph = *workload.graph("int8");
  context.say(fmt::format("simulating {} with values", machine.name));
  const bool labelled = !workload.labels().empty();
  const std::int64_t batches = labelled ? workload.input_batches() : 1;
  const isa::Program program = program_of(workload, machine, batches, true);
  std::map<std::string, Tensor> inputs = workload.all_inputs();
  for (auto& [name, tensor] : inputs) {
    if (tensor.shape.empty()) continue;
    const auto each = tensor.data.size() / static_cast<std::size_t>(workload.input_batches());
    tensor.data.resize(each * static_cast<std::size_t>(batches));
    tensor.shape[0] = tensor.shape[0] / workload.input_batches() * batches;
  }
  const auto outputs = sim::run(program, machine, inputs, {}).outputs;
  OutputCheck check;
  check.reference = "reference evaluator";
  for (const compiler::ValueId id : graph.outputs) {
    const Tensor& expected = workload.expected("int8", id);
    const Tensor& all = outputs.at(graph.value(id).name);
    Tensor first(expected.type, expected.shape);
    std::copy_n(all.data.begin(), first.data.size(), first.data.begin());
    check.metric = expected.type == DType::kFloat32 ? "absolute difference" : "bytes";
    add_to_check(check, first, expected);
  }
  series.points.back().check = check;
  if (!labelled) return;
  const Tensor& scores = outputs.at(graph.value(graph.outputs[0]).name);
  series.accuracy = static_cast<double>(count_right(scores, workload.labels())) /
                    static_cast<double>(workload.labels().size());
}

}  // namespace

void simulate_target(const TargetContext& context, const isa::Machine& machine, Workload& workload,
                     bool values) {
  const std::string target = "tpu:" + machine.name;
  if (!context.wants("int8")) return context.absent(target, "int8", "only int8 is simulated");
  context.say(fmt::format("simulating {} at batch {}", machine.name, workload.batch()));
  try {
    const Steady steady = steady_state(workload, machine);
    Series names;
    names.target = target;
    names.kind = kSimulated;
    names.device = machine.text;
    names.precision = "int8";
    names.peak = 2.0 * machine.peak_macs_per_second();
    names.bandwidth = static_cast<double>(machine.dram_bytes_per_second);
    set_error(machine, names);
    Series& series = context.series(names);
    series.points.push_back(point_from(steady, workload.batch()));
    if (!workload.has_integers()) {
      context.note(fmt::format(
          "{} int8: timing alone, as the float model was never calibrated (--calibrate DATA)",
          target));
    } else if (!workload.can_check()) {
      context.note(
          fmt::format("{} int8: batches of more than 4 G multiply-adds are not checked", target));
    }
    if (values && workload.has_integers() && workload.can_check()) {
      check_values(context, machine, workload, series);
    }
  } catch (const InputError& error) {
    context.absent(target, "int8", fmt::format("batch {}: {}", workload.batch(), error.what()));
  }
}

}  // namespace systole::compare
