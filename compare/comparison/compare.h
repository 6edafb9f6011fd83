// Compare: one model at several batch sizes on simulated, measured, modelled and published targets.
//
// Every figure carries its kind. End to end runs from input bytes in host memory to output bytes in
// host memory, link included. docs/comparison.md gives the rules that every report obeys and the
// schema.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compare/comparison/comparison.h"
#include "compare/targets/targets.h"
#include "compare/targets/workload.h"
#include "isa/machine.h"

namespace systole::compare {

struct CompareRequest {
  Source source;
  std::vector<std::int64_t> batches;        // at least one, ascending
  isa::Machine machine;                     // of tpu:<machine>
  std::vector<isa::Machine> more_machines;  // of further tpu: targets
  std::vector<std::string>
      targets;  // "tpu:tpu_v1", "cpu:host", "gpu:h100", "paper:k80" ...; twice is once
  std::vector<std::string> precisions;  // empty: those the model has (its integers, its floats)
  MeasureOptions measure = quick_options(0.2);
  bool what_if = true;  // whether what bounds a machine is found by running again
  std::vector<MeasurementFile> measurements;
  OnnxRuntime onnxruntime;
  double p99_limit = 0.007;      // seconds; TPU v1's paper holds its services to 7 ms
  std::string command, version;  // for the record
  std::function<void(const std::string&)> progress;  // told what is being done; may be empty
};

// Throws InputError: a target nobody knows, a measurement file of other work, inputs that are not
// whole batches, a model that does not load. What a known target cannot do is in
// Comparison::absent.
[[nodiscard]] Comparison compare_model(const CompareRequest& request);

// Throws InputError, with the nearest that there is, if `target` is no target of fixed_targets().
void require_target(const std::string& target);
// "gpu:h100" ...: every target that is no simulated machine.
[[nodiscard]] std::vector<std::string> fixed_targets();

// --- reports ---

// The table of scenarios, or of every batch and setting too; then summary, rules and what is
// absent.
[[nodiscard]] std::string table_text(const Comparison& comparison, bool all_rows);
// One line per row, with a heading.
[[nodiscard]] std::string csv_text(const Comparison& comparison);
// The whole report; it shows the plots of `plots` (file names), if there are any.
[[nodiscard]] std::string markdown_text(const Comparison& comparison,
                                        const std::vector<std::string>& plots);
// The same as one HTML file that needs nothing else. What it shows is in the JSON within it: the
// report's, but for the samples of measurements.
[[nodiscard]] std::string page_html(const Comparison& comparison);
// The rules at the top of every report, a line each.
[[nodiscard]] const std::vector<std::string>& rules();

// The files that a report may have.
inline constexpr std::array kReportFiles = {"report.html",    "comparison.json",
                                            "comparison.csv", "comparison.md",
                                            "roofline.svg",   "latency_throughput.svg"};
// A report's files, by name. Plots are drawn by gnuplot; `missing` says so if there are none.
struct Report {
  std::map<std::string, std::string> files;
  std::optional<std::string> missing;
};
[[nodiscard]] Report report(const Comparison& comparison);

}  // namespace systole::compare
