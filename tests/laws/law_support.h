// What the laws share: running a random case, and a probe that keeps what it is told.
#pragma once

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
  std::uint64_t shuffle_seed = 0;
  sim::Probe* probe = nullptr;
};

inline sim::RunResult run(const RandomCase& c, const How& how) {
  sim::RunOptions options;
  options.engine = how.engine;
  options.timing_only = how.timing_only;
  options.shuffle_seed = how.shuffle_seed;
  options.probe = how.probe;
  return sim::run(c.program, c.machine, c.inputs, options);
}

// Slices as told, with their strings copied.
struct RecordedSlice {
  std::string track, name, cls, layer;
  CyclePoint begin, end;
};
class RecordingProbe : public sim::Probe {
 public:
  void slice(const sim::Slice& s) override {
    slices.push_back({std::string(s.track), std::string(s.name), std::string(s.cls),
                      std::string(s.layer), s.begin, s.end});
  }
  void counter(std::string_view name, CyclePoint at, std::int64_t value) override {
    levels[std::string(name)].emplace_back(at, value);
  }
  std::vector<RecordedSlice> slices;
  std::map<std::string, std::vector<std::pair<CyclePoint, std::int64_t>>> levels;
};

}  // namespace systole::laws
