// tpu:<machine>: the workload compiled and simulated.
//
// One batch alone, from a cold start with every parameter loaded, is the latency; what one more
// batch takes in a program of many is the period (completions.h). Both are run again on the machine
// with a link that takes no time: the device without it.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/named_error.h"
#include "compare/model/device_model.h"
#include "compare/targets/completions.h"
#include "compare/targets/data_flow.h"
#include "compare/targets/targets.h"
#include "compiler/compile.h"
#include "report/profile.h"
#include "report/timed.h"
#include "report/why.h"
#include "sim/run.h"

namespace systole::compare {
namespace {

struct KnownError {
  const char* machine;
  double percent;
  const char* source;
};
constexpr auto kErrors = std::to_array<KnownError>({
#define SYSTOLE_ERROR(machine, percent, source) {machine, percent, source},
#include "compare/targets/errors.def"
});

// Nothing for a machine nobody has validated, or one whose parameters were changed.
void set_error(const isa::Machine& machine, Series& names) {
  const auto* const known = std::ranges::find_if(
      kErrors, [&](const KnownError& e) { return isa::load_machine(e.machine) == machine; });
  if (known == kErrors.end()) return;
  names.error_percent = known->percent;
  names.error_source = known->source;
}

// What a machine computes the workload in: integers where both have them, else bfloat16.
std::string precision_on(const isa::Machine& machine, const Workload& workload) {
  const bool floats = machine.array_operands == isa::Operands::kBf16 ||
                      (machine.array_operands == isa::Operands::kBoth && !workload.has_integers());
  return floats ? "bf16" : "int8";
}

// The graph as loaded, for the compiler. Throws InputError: there are no floats of these integers.
const compiler::Graph& graph_in(const Workload& workload, const std::string& precision) {
  if (precision == "int8") return workload.loaded();
  const compiler::Graph* const floats = workload.graph(precision);
  if (floats != nullptr) return *floats;
  throw InputError(workload.file(), "has no float form", "a float model: the machine has no int8");
}

isa::Program program_of(const Workload& workload, const isa::Machine& machine, std::int64_t batches,
                        bool values) {
  return in_file(workload.file(), [&] {
    return compiler::compile(graph_in(workload, precision_on(machine, workload)), machine,
                             {.batches = batches, .timing_only = !values});
  });
}

// The same machine beside a host whose every byte is there at once.
isa::Machine without_link(isa::Machine machine) {
  constexpr std::int64_t kAtOnce = 100'000'000'000'000;
  machine.link_in_bytes_per_second = machine.link_out_bytes_per_second = kAtOnce;
  machine.link_latency = 1;
  machine.sequencer_delivery = isa::Delivery::kPreloaded;
  return machine;
}

// Where a batch's time goes, layer by layer, of a record of so many batches.
std::vector<PointLayer> layers_of(const report::Record& record, std::int64_t batches) {
  const double cycle = 1.0 / static_cast<double>(record.machine.clock_hertz * batches);
  const auto add = [&](std::vector<TimePart>& parts, std::string_view name, CycleCount cycles) {
    if (cycles == CycleCount(0)) return;
    parts.push_back({std::string(name), cycle * static_cast<double>(cycles.value)});
  };
  const std::vector<CycleCount> cycles = report::layer_cycles(record);
  const traces::CriticalPath& path = record.why->path;
  std::vector<PointLayer> layers;
  for (std::size_t i = 0; i < record.report.layers.size(); ++i) {
    const sim::LayerReport& of = record.report.layers[i];
    PointLayer layer{.name = of.name, .op = of.kind};
    layer.seconds = cycle * static_cast<double>(cycles[i].value);
    for (std::size_t r = 0; path.whole && i < path.layers.size() && r < sim::kResourceCount; ++r) {
      add(layer.parts, sim::kResources[r].name, path.layers[i][r]);
    }
    for (std::size_t s = 0; s < sim::kStallCount; ++s) {
      add(layer.stalls, sim::stall_name(static_cast<sim::Stall>(s)), of.counters.matrix[s]);
    }
    if (layer.seconds > 0.0 || !layer.stalls.empty()) layers.push_back(std::move(layer));
  }
  return layers;
}

// A workload's programs, and their runs.
class Simulation {
 public:
  Simulation(const Workload& workload, const isa::Machine& machine, bool what_if)
      : workload_(workload), machine_(machine), device_(without_link(machine)), what_if_(what_if) {}

  [[nodiscard]] Point point() {
    report::WhyOptions how{.what_if = what_if_};
    const report::Record alone = report::timed_record(program(1), machine_, how);
    const sim::Report& one = alone.report;
    const Period period = find_period(completions_on(machine_));
    batches_ = period.batches;
    unsettled_ = period.unsettled;
    const sim::Report many = std::move(last_);
    const double more = static_cast<double>(batches_ - 1);
    Point point;
    point.batch = workload_.batch();
    point.cold = true;
    point.latency.device = run(program(1), device_, nullptr).device_seconds;
    point.latency.host = one.host_seconds;
    point.latency.total = one.device_seconds + one.host_seconds;
    point.period.device = seconds(find_period(completions_on(device_)).cycles);
    point.period.host = (many.host_seconds - one.host_seconds) / more;
    point.period.total = seconds(period.cycles) + point.period.host;
    const std::int64_t fewer = batches_ / 2;
    report::Record more_batches = alone;
    more_batches.report = report::added(run(program(fewer), machine_, nullptr), many);
    how.verified = true;  // all of them have run
    more_batches.why = report::explain_more(program(fewer), program(batches_), machine_, how);
    set_bound(*more_batches.why, point.bound, point.why);
    set_bound(*alone.why, point.bound_alone, point.why_alone);
    if (more_batches.why->path.whole) {
      point.profile = traces::divided(report::profile_of(more_batches), batches_ - fewer);
    }
    point.profile_alone = report::profile_of(alone);
    point.layers_alone = !point.profile;
    const report::Record& shown = point.profile ? more_batches : alone;
    const std::int64_t batches = point.profile ? batches_ - fewer : 1;
    point.layers = layers_of(shown, batches);
    point.flow = machine_flow(machine_, shown.report.total, batches);
    return point;
  }

  // What a reader should know of how the period was found; nothing if it is as the rule says.
  [[nodiscard]] std::string remark() const {
    std::string text;
    if (batches_ != kBatches) {
      text = fmt::format("batch {}: the period is of batches {} to {} of one program, ",
                         workload_.batch(), batches_ / 2 + 1, batches_);
      text += batches_ > kBatches ? "as a program of 16 has not settled"
                                  : "as a longer program is refused";
    }
    if (unsettled_ <= kSettled) return text;
    text += text.empty() ? fmt::format("batch {}: ", workload_.batch()) : "; ";
    return text +
           fmt::format("the first half of these differ by {:.1f} % from all", 100.0 * unsettled_);
  }

 private:
  const isa::Program& program(std::int64_t batches) {
    const auto found = programs_.find(batches);
    if (found != programs_.end()) return found->second;
    return programs_.emplace(batches, program_of(workload_, machine_, batches, false))
        .first->second;
  }
  sim::Report run(const isa::Program& program, const isa::Machine& machine, sim::Probe* probe) {
    sim::RunOptions options;
    options.timing_only = true;
    options.verified = !verified_.insert(&program).second;
    options.probe = probe;
    return sim::run(program, machine, {}, options).report;
  }
  RunBatches completions_on(const isa::Machine& machine) {
    return [this, &machine](std::int64_t batches) {
      const isa::Program& of_all = program(batches);
      CompletionProbe probe(of_all, machine);
      last_ = run(of_all, machine, &probe);
      return probe.completions();
    };
  }
  [[nodiscard]] double seconds(double cycles) const {
    return cycles / static_cast<double>(machine_.clock_hertz);
  }
  static void set_bound(const traces::Explanation& why, std::string& name, std::string& text) {
    const std::vector<std::string> names = traces::bound_names(why.bound);
    name = why.by_host() ? "host" : names.empty() ? "balanced" : names.front();
    if (!why.by_host() && names.size() > 1) name += ", " + names.back();
    text = traces::bound_sentence(why);
  }

  const Workload& workload_;
  const isa::Machine& machine_;
  const isa::Machine device_;
  const bool what_if_;
  std::map<std::int64_t, isa::Program> programs_;  // by batches
  std::set<const isa::Program*> verified_;         // of these, by their first run
  sim::Report last_;                               // of a program of many batches
  std::int64_t batches_ = 0;
  double unsettled_ = 0.0;
};

// Runs all rows with values: the outputs' check and, with labels, the accuracy.
void check_values(const TargetContext& context, const isa::Machine& machine, Workload& workload,
                  Series& series) {
  const std::string& precision = series.precision;
  const compiler::Graph& graph = *workload.graph(precision);
  context.say(fmt::format("simulating {} with values", machine.name));
  const bool labelled = !workload.labels().empty();
  const std::int64_t batches = labelled ? workload.input_batches() : 1;
  const isa::Program program = program_of(workload, machine, batches, true);
  std::map<std::string, Tensor> inputs = workload.all_inputs(precision);
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
    const Tensor& expected = workload.expected(precision, id);
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
  const std::string precision = precision_on(machine, workload);
  if (!context.wants(precision))
    return context.absent(target, "", fmt::format("only {} is simulated", precision));
  context.say(fmt::format("simulating {} at batch {}", machine.name, workload.batch()));
  try {
    Simulation simulation(workload, machine, context.what_if);
    Point point = simulation.point();
    if (const std::string remark = simulation.remark(); !remark.empty()) {
      context.note(fmt::format("{} {}, {}", target, precision, remark));
    }
    Series names;
    names.target = target;
    names.kind = kSimulated;
    names.device = machine.text;
    names.precision = precision;
    names.peak = 2.0 * machine.peak_macs_per_second();
    names.bandwidth = static_cast<double>(machine.dram_bytes_per_second);
    names.link_bandwidth = static_cast<double>(machine.link_in_bytes_per_second);
    for (const isa::ParameterView& p : isa::parameters(machine)) {
      names.parameters.emplace_back(p.key, p.value);
    }
    set_error(machine, names);
    Series& series = context.series(names);
    series.points.push_back(std::move(point));
    // Inputs and results of compiled models cross the host link.
    series.points.back().intensity = workload.work().weight_intensity(precision_bytes(precision));
    const bool made_up = precision == "int8" && !workload.has_integers();
    if (made_up) {
      context.note(fmt::format(
          "{} int8: timing alone, as the float model was never calibrated (--calibrate DATA)",
          target));
    } else if (!workload.can_check()) {
      context.note(fmt::format("{} {}: batches of more than 4 G multiply-adds are not checked",
                               target, precision));
    }
    if (values && !made_up && workload.can_check())
      check_values(context, machine, workload, series);
  } catch (const InputError& error) {
    context.absent(target, precision, fmt::format("batch {}: {}", workload.batch(), error.what()));
  }
}

}  // namespace systole::compare
