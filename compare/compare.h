// Compare: one model and batch on the simulated machine and, measured, on this host's CPU.
//
// Every figure carries its kind (simulated or measured). End to end runs from input bytes in host
// memory to output bytes in host memory: link and host work of the simulated machine included (host
// work is priced by the machine's host.* parameters), quantise and softmax of the CPU included.
// Steady state of the simulated machine is the increment per batch of back-to-back batches. A ratio
// stands only between rows of one scenario and of one precision, or of two that both keep 99 % of
// the fp32 accuracy on labelled data. docs/comparison.md gives the rules and the file's schema.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "compare/measurement.h"
#include "compiler/ir/graph.h"
#include "isa/machine.h"

namespace systole::compare {

struct CompareRequest {
  compiler::Graph quantised;                   // as loaded: QDQ, QLinear or inline
  std::optional<compiler::Graph> float_graph;  // adds fp32 rows
  isa::Machine machine;
  Tensor inputs;  // [rows, ...], rows a multiple of the batch, of the graphs' input type
  std::vector<std::int64_t> labels;                  // class per row, or empty
  double seconds = 2.0;                              // measuring time of each row
  std::string command;                               // for the record
  std::function<void(const std::string&)> progress;  // told what is being done; may be empty
};

// One line of the table. Seconds are per batch.
struct Row {
  std::string target;                // "tpu:tpu_v1", "cpu:host"
  std::string kind;                  // "simulated" or "measured"
  std::string scenario;              // "steady state" or "first inference"
  std::string precision;             // "int8" or "fp32"
  int threads = 0;                   // 0: not a matter of threads
  double latency_seconds = 0.0;      // end to end
  std::optional<Interval> interval;  // of latency_seconds, measured rows only
  double device_seconds = 0.0;  // simulated: cycles, link included; measured: the multiplications
  double host_seconds = 0.0;    // simulated: priced host work; measured: the rest
  double throughput = 0.0;      // samples a second
  std::optional<double> ratio;  // latency over the first row's: how many times as long
  std::optional<double> accuracy;  // share of rows whose largest output is the label
  OutputCheck check;
};

struct Comparison {
  std::string model, model_hash, machine, device, date, command;
  std::int64_t batch = 1;
  std::vector<Row> rows;                  // the simulated machine's steady state first
  std::vector<Measurement> measurements;  // one per measured row, in order
  std::string summary;                    // one sentence that follows from the rows
};

// Throws InputError: inputs that are not whole batches of the graph's input, a graph that does not
// compile for the machine or that is no chain of layers.
[[nodiscard]] Comparison compare_model(const CompareRequest& request);

// The sentence under the table. It names neither side the faster where the interval holds 1.
[[nodiscard]] std::string summarise(const Comparison& comparison);

void print_table(const Comparison& comparison, std::ostream& out);
[[nodiscard]] nlohmann::ordered_json to_json(const Comparison& comparison);

}  // namespace systole::compare
