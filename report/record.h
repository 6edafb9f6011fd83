// Record: everything `run` knows when it is done, and the figures derived from it. The summary and
// the JSON statistics are two views of one record.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "isa/machine.h"
#include "report/accuracy.h"
#include "sim/run.h"
#include "traces/explain/bound.h"

namespace systole::report {

struct Record {
  std::string model;         // as given, or as the program names it
  std::string model_hash;    // hex; empty for inline shapes
  std::string program_hash;  // of its instructions (isa/code_hash.h)
  std::string command_line;
  isa::Machine machine;
  std::int64_t batch = 1, batches = 1;
  std::int64_t model_macs =
      0;  // multiply-adds that the model asks for; 0 if the program knows none
  std::vector<std::int64_t> layer_macs;  // the same by layer
  std::int64_t rows = 1;                 // rows asked for; the rest of batch * batches is padding
  sim::Engine engine = sim::Engine::kCycle;
  bool timing_only = false;
  sim::Report report;
  std::optional<traces::Explanation> why;  // of the device; none where the engine keeps no time
  std::optional<Accuracy> accuracy;        // of the program's first output
  std::optional<Accuracy> float_accuracy;  // of the float32 model it was quantised from
};

// Sets record.why; what it tells of no layer's gets a name of its own.
void set_why(Record& record, traces::Explanation why);

// Figures of a run. Rates are 0 where the engine kept no time.
struct Figures {
  double seconds = 0;              // on the device, host link included
  double total_seconds = 0;        // and the priced host steps
  double rows_per_second = 0;      // by total_seconds
  double tops = 0, peak_tops = 0;  // 10^12 operations a second, a multiply-add is two; by seconds
  double array_active = 0;         // share of cycles in which a row enters the array
  std::int64_t macs = 0;           // the model's, or those executed in valid lanes and columns
  double mapping_efficiency = 0;   // share of the array's multipliers that these use meanwhile
  double mac_utilization = 0;      // the product of both: macs / (cycles * R * C)
};
[[nodiscard]] Figures figures(const Record& record);

// Cycles of each layer: its share of the critical path, or the matrix unit's where that is not
// known.
[[nodiscard]] std::vector<CycleCount> layer_cycles(const Record& record);

// Shares of a whole in tenths of a percent that add up to 1000 exactly (largest remainder method;
// earlier parts win ties). All 0 if the parts are.
[[nodiscard]] std::vector<std::int64_t> tenths_of_percent(std::span<const std::int64_t> parts);

}  // namespace systole::report
