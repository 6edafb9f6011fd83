// SCALE-Sim's reports of a run: COMPUTE_REPORT.csv, BANDWIDTH_REPORT.csv and
// DETAILED_ACCESS_REPORT.csv, with its columns (simulator.py and single_layer_sim.py of
// scalesim-project/SCALE-Sim), one row a layer in which the matrix unit worked.
//
// A layer's time starts with the shift of its first tile, R cycles before its first row is
// injected, and its total is the cycles from there until its last sum is readable: two more than
// SCALE-Sim counts (docs/scalesim.md). Cycle numbers in the rows count from that start. An IFMAP
// access is an element that enters the array, a filter access a weight shifted in, an OFMAP access
// a sum that leaves; DRAM accesses are the bytes that cross the link or leave weight memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "isa/program.h"
#include "traces/sinks/sink.h"

namespace systole::traces {

// When a stream was at work and how many words it moved.
struct Stream {
  CyclePoint begin, end;   // [begin, end); end 0: never
  std::int64_t words = 0;  // elements, or bytes of a DRAM stream

  void add(CyclePoint from, CyclePoint to, std::int64_t count);
};

// One layer of a run, in cycles of the run.
struct ScaleSimLayer {
  std::string name;
  Stream ifmap, filter, ofmap;                 // array side
  Stream ifmap_dram, filter_dram, ofmap_dram;  // memory side
  std::int64_t folds = 0;                      // tiles switched to
  std::int64_t fold_rows = 0;                  // of the latest fold
  std::int64_t macs = 0;                       // useful ones
  CycleCount unstalled;                        // what the folds take if nothing waits
  double utilization = 0;                      // sum over the folds of SCALE-Sim's compute util

  [[nodiscard]] CyclePoint start() const { return filter.begin; }
  [[nodiscard]] CycleCount cycles() const { return ofmap.end - start(); }
  [[nodiscard]] CycleCount stalls() const { return cycles() - unstalled; }
};

// Listens to a run and keeps one ScaleSimLayer per layer of the program.
class ScaleSimLayers : public sim::Probe {
 public:
  // The program, whose layers and operands are read, outlives this.
  explicit ScaleSimLayers(const isa::Program& program);

  [[nodiscard]] bool wants_counter() const override { return false; }
  void slice(const sim::Slice& slice) override;
  void counter(std::string_view, CyclePoint, std::int64_t) override {}

  // The layers in which the matrix unit worked, in the program's order.
  [[nodiscard]] std::vector<ScaleSimLayer> layers() const;

 private:
  void pass(ScaleSimLayer& layer, const isa::Matmul& insn, CyclePoint begin);
  void weights(ScaleSimLayer& layer, const isa::ReadWeights& insn, const sim::Slice& slice) const;

  const isa::Program& program_;
  std::vector<std::int64_t> layer_of_;  // by index into the code
  std::vector<ScaleSimLayer> layers_;   // by layer of the program
};

// The text of each report.
struct ScaleSimReports {
  std::string compute, bandwidth, access;
};
[[nodiscard]] ScaleSimReports scalesim_reports(const std::vector<ScaleSimLayer>& layers,
                                               const isa::Machine& machine);

}  // namespace systole::traces
