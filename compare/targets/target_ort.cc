// cpu:onnxruntime: a model file timed by ONNX Runtime, through its node package and
// compare/targets/onnxruntime.js. Where node or the package is missing the comparison says so.
#include <fmt/core.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/clean.h"
#include "base/files.h"
#include "base/json_text.h"
#include "base/read_file.h"
#include "base/temporary_file.h"
#include "compare/targets/targets.h"

namespace systole::compare {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kTarget = "cpu:onnxruntime";
constexpr int kNotInstalled = 3;  // exit code of compare/targets/onnxruntime.js
constexpr std::int64_t kMostWords = std::int64_t{1} << 20;  // of node, in bytes
constexpr int kNoCommand = 127;                             // the shell's

struct Finished {
  int code = 0;
  std::string out;
};

Finished run_shell(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {kNoCommand, {}};
  Finished finished;
  char buffer[4096];
  for (std::size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    finished.out.append(buffer, n);
  }
  const int status = pclose(pipe);
  finished.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  return finished;
}

// Without VNNI its fast products of integers saturate as oneDNN's do; it has exact ones, if asked.
bool wants_exact(const HostSetting& setting) {
  return setting.precision == "int8" && !host_isa().exact_int8;
}

Json job_of(const TemporaryFolder& exchange, const TargetContext& context, const std::string& model,
            const HostSetting& setting) {
  return {{"model", model},
          {"threads", setting.threads},
          {"seconds", context.measure.seconds},
          {"warm_ups", context.measure.warm_ups},
          {"min_samples", context.measure.min_samples},
          {"max_samples", context.measure.max_samples},
          {"exact", wants_exact(setting)},
          {"inputs", Json::array()},
          {"output", exchange.file("output")}};
}

// The first output beside the reference evaluator's.
OutputCheck check_output(Workload& workload, const std::string& precision,
                         const std::string& file) {
  const compiler::Graph& graph = *workload.graph(precision);
  const Tensor& expected = workload.expected(precision, graph.outputs[0]);
  Tensor got(expected.type, expected.shape);
  const std::vector<std::uint8_t> bytes = read_raw_file(file, got.bytes());
  if (bytes.size() != got.data.size()) {
    throw InputError(kTarget, fmt::format("an output of {} bytes", bytes.size()),
                     fmt::format("{}", got.data.size()));
  }
  got.data = bytes;
  OutputCheck check;
  check.reference = "reference evaluator";
  check.metric = got.type == DType::kFloat32 ? "absolute difference" : "bytes";
  add_to_check(check, got, expected);
  return check;
}

// The job's samples, null if node or the package is missing. Throws InputError with node's own
// words if it fails.
std::optional<Measurement> measure_one(const TargetContext& context, const OnnxRuntime& runtime,
                                       Workload& workload, const HostSetting& setting) {
  const bool integer = setting.precision == "int8";
  const TemporaryFolder exchange;
  Json job =
      job_of(exchange, context, integer ? runtime.integer_file : runtime.float_file, setting);
  const std::vector<Tensor> inputs = workload.input_tensors(setting.precision, 0);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string file = exchange.file(fmt::format("input{}", i));
    write_file(file, inputs[i].data);
    job["inputs"].push_back(
        {{"type", dtype_name(inputs[i].type)}, {"shape", inputs[i].shape}, {"file", file}});
  }
  std::string command =
      fmt::format("node {} {} 2>{}", shell_argument(runtime.script),
                  shell_argument(json_text(job, -1)), shell_argument(exchange.file("errors")));
  if (!runtime.packages.empty()) {
    command = fmt::format("NODE_PATH={} {}", shell_argument(runtime.packages), command);
  }
  const Finished finished = run_shell(command);
  if (finished.code == kNotInstalled || finished.code == kNoCommand) return std::nullopt;
  if (finished.code != 0) {
    const auto words = read_raw_file(exchange.file("errors"), kMostWords);
    throw InputError(kTarget, std::string(words.begin(), words.end()).substr(0, 200), "a run");
  }
  const Json answer = Json::parse(finished.out, nullptr, false);
  if (answer.is_discarded()) throw InputError(kTarget, "no JSON from node", "samples");
  Measurement m;
  for (const double seconds : answer.at("samples")) m.samples.push_back({seconds, seconds});
  m.libraries = {fmt::format("ONNX Runtime {}", answer.at("version").get<std::string>())};
  if (workload.can_check()) {
    m.check = check_output(workload, setting.precision, exchange.file("output"));
  }
  return m;
}

// Adds one setting's measurement; false if node or the package is missing.
bool measure_setting(const TargetContext& context, const OnnxRuntime& runtime, Workload& workload,
                     const HostSetting& setting) {
  auto m = measure_one(context, runtime, workload, setting);
  if (!m) return false;
  m->target = kTarget;
  m->device = cpu_name();
  m->driver = kernel_name();
  m->settings = {{"pinning", "none"}};
  if (wants_exact(setting)) m->settings["x64quantprecision"] = "1";
  m->model = context.result.model;
  m->model_hash = context.result.model_hash;
  m->batch = workload.batch();
  m->precision = setting.precision;
  m->threads = setting.threads;
  m->date = utc_now();
  m->command = context.result.command;
  m->warm_ups = context.measure.warm_ups;
  Series names;
  names.peak = host_peak(setting.precision, setting.threads);
  names.bandwidth = host_bandwidth(setting.threads);
  add_measurement(context, std::move(*m), names);
  return true;
}

}  // namespace

void measure_onnxruntime(const TargetContext& context, const OnnxRuntime& runtime,
                         Workload& workload) {
  for (const std::string& precision : context.precisions) {
    const bool integer = precision == "int8";
    const std::string& file = integer ? runtime.integer_file : runtime.float_file;
    if (file.empty() || (!integer && precision != "fp32")) {
      const bool no_file = runtime.integer_file.empty() && runtime.float_file.empty();
      context.absent(kTarget, precision, no_file ? "needs an ONNX file" : "no such ONNX file here");
      continue;
    }
    for (const int threads : std::set<int>{1, omp_get_num_procs()}) {
      context.say(
          fmt::format("measuring {} at batch {} with ONNX Runtime", precision, workload.batch()));
      try {
        if (measure_setting(context, runtime, workload, {precision, threads})) continue;
        return context.absent(kTarget, "", "not installed (npm package onnxruntime-node)");
      } catch (const InputError& error) {
        context.absent(kTarget, precision, error.what());
        break;  // no other number of threads helps
      }
    }
  }
}

}  // namespace systole::compare
