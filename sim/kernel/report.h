// Report: what a run counted, for the whole and for each layer and unit.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"

namespace systole::sim {

// Classes of matrix-unit cycles (docs/counters.md), in order of precedence: rows of stalls.def.
enum class Stall : std::uint8_t {
#define SYSTOLE_STALL(name, text, meaning) name,
#include "sim/kernel/stalls.def"
};
inline constexpr std::size_t kStallCount = 0
#define SYSTOLE_STALL(name, text, meaning) +1
#include "sim/kernel/stalls.def"
    ;
[[nodiscard]] std::string_view stall_name(Stall stall);
[[nodiscard]] std::string_view stall_meaning(Stall stall);

// Counters of a run or of one layer within it. Cycles of the matrix unit by class add up to
// `cycles`.
struct Counters {
  std::array<CycleCount, kStallCount> matrix{};  // by Stall; the sum is `cycles`
#define SYSTOLE_COUNTER(Type, member, group, unit, meaning) Type member{};
#include "sim/kernel/counters.def"
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

}  // namespace systole::sim
