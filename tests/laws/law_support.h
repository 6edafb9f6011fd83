// What the laws share: running a random case, and a probe that keeps what it is told.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "sim/kernel/probe.h"
#include "sim/run.h"
#include "tests/support/random_program.h"

namespace systole::laws {

// How a case is run; sim::RunOptions with a default for every member.
struct How {
  sim::Engine engine = sim::Engine::kCycle;
  bool timing_only = false;
  sim::Causes* causes = nullptr;
  std::uint64_t shuffle_seed = 0;
  sim::Probe* probe = nullptr;
  sim::AccumulatorObserver* writes = nullptr;
};

inline sim::RunResult run(const RandomCase& c, const How& how) {
  sim::RunOptions options;
  options.engine = how.engine;
  options.timing_only = how.timing_only;
  options.shuffle_seed = how.shuffle_seed;
  options.probe = how.probe;
  options.writes = how.writes;
  options.causes = how.causes;
  return sim::run(c.program, c.machine, c.inputs, options);
}

// The values' counters: what both engines can know.
inline void expect_same_work(const sim::Counters& a, const sim::Counters& b) {
  EXPECT_EQ(a.instructions, b.instructions);
  EXPECT_EQ(a.macs_useful, b.macs_useful);
  EXPECT_EQ(a.macs_padded, b.macs_padded);
  EXPECT_EQ(a.passes, b.passes);
  EXPECT_EQ(a.tiles, b.tiles);
  EXPECT_EQ(a.accumulator_wraps, b.accumulator_wraps);
  EXPECT_EQ(a.host_in, b.host_in);
  EXPECT_EQ(a.host_out, b.host_out);
  EXPECT_EQ(a.weights_read, b.weights_read);
  EXPECT_EQ(a.ub_read, b.ub_read);
  EXPECT_EQ(a.ub_written, b.ub_written);
}

inline void expect_same_outputs(const sim::RunResult& a, const sim::RunResult& b) {
  ASSERT_EQ(a.outputs.size(), b.outputs.size());
  for (const auto& [name, tensor] : a.outputs) {
    ASSERT_TRUE(b.outputs.contains(name)) << name;
    EXPECT_EQ(tensor.shape, b.outputs.at(name).shape) << name;
    EXPECT_TRUE(tensor.data == b.outputs.at(name).data) << "values of " << name << " differ";
  }
}

inline void expect_same_times(const sim::Report& a, const sim::Report& b) {
  EXPECT_EQ(a.total.cycles, b.total.cycles);
  EXPECT_EQ(a.total.matrix, b.total.matrix);
  EXPECT_EQ(a.total.raw_any, b.total.raw_any);
  EXPECT_EQ(a.total.input_any, b.total.input_any);
  ASSERT_EQ(a.units.size(), b.units.size());
  for (std::size_t u = 0; u < a.units.size(); ++u) {
    EXPECT_EQ(a.units[u].busy, b.units[u].busy) << a.units[u].unit;
    EXPECT_EQ(a.units[u].idle, b.units[u].idle) << a.units[u].unit;
    EXPECT_EQ(a.units[u].waits, b.units[u].waits) << a.units[u].unit;
  }
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    EXPECT_EQ(a.layers[i].counters.matrix, b.layers[i].counters.matrix) << a.layers[i].name;
    EXPECT_EQ(a.layers[i].first, b.layers[i].first) << a.layers[i].name;
    EXPECT_EQ(a.layers[i].last, b.layers[i].last) << a.layers[i].name;
  }
}

// Slices as told, with their strings copied.
struct RecordedSlice {
  std::string track, name, cls, layer;
  CyclePoint begin, end;
  std::int64_t insn = -1;
};
class RecordingProbe : public sim::Probe {
 public:
  void slice(const sim::Slice& s) override {
    slices.push_back({std::string(s.track), std::string(s.name), std::string(s.cls),
                      std::string(s.layer), s.begin, s.end, s.insn});
  }
  void counter(std::string_view name, CyclePoint at, std::int64_t value) override {
    levels[std::string(name)].emplace_back(at, value);
  }
  std::vector<RecordedSlice> slices;
  std::map<std::string, std::vector<std::pair<CyclePoint, std::int64_t>>> levels;
};

}  // namespace systole::laws
