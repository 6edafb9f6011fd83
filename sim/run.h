// Run: program + inputs + machine -> outputs + report, on a chosen engine.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "base/units.h"
#include "isa/program.h"
#include "sim/kernel/probe.h"
#include "sim/unit/accumulator_writes.h"

namespace systole::sim {

// How a program is run: rows of engines.def.
enum class Engine : std::uint8_t {
#define SYSTOLE_ENGINE(name, text, meaning) name,
#include "sim/engines.def"
};
inline constexpr std::size_t kEngineCount = 0
#define SYSTOLE_ENGINE(name, text, meaning) +1
#include "sim/engines.def"
    ;
[[nodiscard]] std::string_view engine_name(Engine engine);
[[nodiscard]] std::string_view engine_meaning(Engine engine);

struct RunOptions {
  Engine engine = Engine::kCycle;
  bool timing_only = false;               // no values are computed; outputs are absent
  Probe* probe = nullptr;                 // may be null
  AccumulatorObserver* writes = nullptr;  // told of every accumulator write; may be null
  std::uint64_t shuffle_seed = 0;  // not 0: order of processes within a cycle is shuffled by it
  std::function<void(double)> progress;  // fraction done, called now and then; may be empty
};

// Classes of matrix-unit cycles (docs/counters.md), in order of precedence: rows of stalls.def.
enum class Stall : std::uint8_t {
#define SYSTOLE_STALL(name, text, meaning) name,
#include "sim/stalls.def"
};
inline constexpr std::size_t kStallCount = 0
#define SYSTOLE_STALL(name, text, meaning) +1
#include "sim/stalls.def"
    ;
[[nodiscard]] std::string_view stall_name(Stall stall);
[[nodiscard]] std::string_view stall_meaning(Stall stall);

// Counters of a run or of one layer within it. Cycles of the matrix unit by class add up to
// `cycles`.
struct Counters {
  std::array<CycleCount, kStallCount> matrix{};  // by Stall; the sum is `cycles`
#define SYSTOLE_COUNTER(Type, member, group, unit, meaning) Type member{};
#include "sim/counters.def"
};

// busy, waits by name, idle of one unit; sums to the run's cycles.
struct UnitReport {
  std::string unit;
  CycleCount busy, idle;
  std::vector<std::pair<std::string, CycleCount>> waits;
};

struct LayerReport {
  std::string name, kind;
  Counters counters;
  CyclePoint first, last;  // first and last cycle in which one of its instructions was at work
};

struct HostReport {
  std::string name, op;
  double seconds = 0;  // priced (machine parameters host.*)
  Bytes bytes;
};

struct Report {
  Counters total;
  std::vector<LayerReport> layers;
  std::vector<UnitReport> units;
  std::vector<HostReport> host;
  double device_seconds = 0, host_seconds = 0;
  double wall_seconds = 0;  // of the simulator itself
};

struct RunResult {
  std::map<std::string, Tensor> outputs;  // empty with timing_only
  Report report;                          // func fills only instruction, MAC and byte counts
};

// Verifies the program (throws InputError with the first findings), runs it and returns outputs by
// tensor name. `inputs` holds every tensor of role kInput with the exact type and shape.
[[nodiscard]] RunResult run(const isa::Program& program, const isa::Machine& machine,
                            const std::map<std::string, Tensor>& inputs, const RunOptions& options);

}  // namespace systole::sim
