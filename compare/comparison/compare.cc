// Runs the targets one after the other, never two at a time, batch size by batch size, so that at
// most one workload is in memory.
#include "compare/comparison/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "compare/comparison/layers.h"
#include "compare/comparison/scenarios.h"
#include "compare/comparison/summary.h"
#include "isa/suggest.h"

namespace systole::compare {
namespace {

constexpr const char* kHost = "cpu:host";
constexpr const char* kOnnxRuntime = "cpu:onnxruntime";

const Device* device_of(const std::string& target) {
  const auto colon = target.find(':');
  if (colon == std::string::npos) return nullptr;
  const Device* device = find_device(target.substr(colon + 1));
  const std::string family = target.substr(0, colon);
  const bool fits =
      device != nullptr && (family == "gpu" ? device->family == Family::kGpu
                                            : family == "cpu" && device->family == Family::kCpu);
  return fits ? device : nullptr;
}

class Comparer {
 public:
  explicit Comparer(const CompareRequest& request)
      : request_(request),
        context_{result_, {}, request.measure, request.what_if, request.progress} {
    machines_.push_back(&request.machine);
    for (const isa::Machine& more : request.more_machines) machines_.push_back(&more);
    for (const std::string& target : request.targets) {
      if (std::ranges::find(targets_, target) == targets_.end()) targets_.push_back(target);
    }
  }

  Comparison run();

 private:
  void check_targets() const;
  [[nodiscard]] const isa::Machine* machine_of(const std::string& target) const;
  void describe(const Workload& first);
  void add(const std::string& target, Workload& workload);
  [[nodiscard]] Work work() const;
  [[nodiscard]] bool checks_values(const Workload& workload) const;

  const CompareRequest& request_;
  std::vector<std::string> targets_;  // each once
  std::vector<const isa::Machine*> machines_;
  std::string published_name_;  // by which published figures know the model
  Comparison result_;
  TargetContext context_;
};

Comparison Comparer::run() {
  check_targets();
  result_.targets = request_.targets;
  for (const std::int64_t batch : request_.batches) {
    Workload workload(request_.source, batch);
    result_.work[batch] = workload.work();
    if (batch == request_.batches.front()) {
      describe(workload);
      for (const MeasurementFile& file : request_.measurements) require_work(file, work());
    }
    for (const std::string& target : targets_) add(target, workload);
  }
  for (const std::string& target : targets_) {
    if (target.starts_with("paper:")) add_published(context_, target, published_name_);
  }
  for (const MeasurementFile& file : request_.measurements)
    add_measurements(context_, file, work());
  set_layers(result_);
  set_rows(result_);
  result_.summary = summarise(result_.rows);
  return std::move(result_);
}

void Comparer::check_targets() const {
  for (const std::string& target : targets_) {
    if (machine_of(target) == nullptr) require_target(target);
  }
}

const isa::Machine* Comparer::machine_of(const std::string& target) const {
  const auto found = std::ranges::find_if(
      machines_, [&](const isa::Machine* machine) { return target == "tpu:" + machine->name; });
  return found == machines_.end() ? nullptr : *found;
}

void Comparer::describe(const Workload& first) {
  Comparison& r = result_;
  r.model = first.loaded().name;
  r.model_hash = first.loaded().hash;
  const compiler::Graph* floating = first.graph("fp32");
  if (first.has_float_model() && floating != nullptr) r.model_hash = floating->hash;
  for (const isa::Machine* machine : machines_) {
    r.machine += (r.machine.empty() ? "" : ", ") + machine->name;
    r.machine_toml += (r.machine_toml.empty() ? "" : "\n") + isa::to_toml(*machine);
  }
  const auto sizes = r.model.starts_with("mlp:") ? std::nullopt : perceptron_text(first.work());
  published_name_ = sizes.value_or(r.model);
  r.host = cpu_name();
  r.date = utc_now();
  r.command = request_.command;
  r.version = request_.version;
  r.libraries = host_libraries();
  r.macs = first.work().macs() / first.work().batch;
  r.operations = first.work().operations() / first.work().batch;
  r.p99_limit = request_.p99_limit;
  context_.precisions = request_.precisions;
  if (!context_.precisions.empty()) return;
  context_.precisions = {"int8"};
  if (floating != nullptr) context_.precisions.insert(context_.precisions.end(), {"fp32", "bf16"});
}

// Values are simulated once: at the first batch size, or with labels at the last, which takes the
// fewest batches for all rows.
bool Comparer::checks_values(const Workload& workload) const {
  const bool labelled = !workload.labels().empty();
  return workload.batch() == (labelled ? request_.batches.back() : request_.batches.front());
}

void Comparer::add(const std::string& target, Workload& workload) {
  for (const std::string& precision : context_.precisions) {
    Comparison& r = result_;
    r.intensities[precision][workload.batch()] =
        workload.work().intensity(precision_bytes(precision));
  }
  if (const isa::Machine* machine = machine_of(target)) {
    simulate_target(context_, *machine, workload, checks_values(workload));
  } else if (target == kHost) {
    measure_host(context_, workload);
  } else if (target == kOnnxRuntime) {
    measure_onnxruntime(context_, request_.onnxruntime, workload);
  } else if (const Device* device = device_of(target)) {
    model_target(context_, *device, workload);
  }
}

Work Comparer::work() const {
  return {result_.model, result_.model_hash, request_.batches, context_.precisions};
}

}  // namespace

std::vector<std::string> fixed_targets() {
  std::vector<std::string> names = {kHost, kOnnxRuntime};
  for (const Device& device : devices()) {
    names.push_back((device.family == Family::kGpu ? "gpu:" : "cpu:") + device.name);
  }
  const auto published = published_targets();
  names.insert(names.end(), published.begin(), published.end());
  return names;
}

void require_target(const std::string& target) {
  const std::vector<std::string> known = fixed_targets();
  if (std::ranges::find(known, target) != known.end()) return;
  throw InputError("--targets",
                   fmt::format("no target '{}'{}", target, isa::did_you_mean(target, known)),
                   fmt::format("tpu:MACHINE, {}", fmt::join(known, ", ")));
}

Comparison compare_model(const CompareRequest& request) { return Comparer(request).run(); }

}  // namespace systole::compare
