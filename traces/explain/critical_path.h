// Critical path: the chain of causes that ends with the run's last completion.
//
// From the last completion back, always to the cause that was met last; of causes that were met in
// the same cycle the first in the table of resources (sim/kernel/resources.def) carries the path.
// Its pieces lie end to end, so every cycle of the run is in exactly one of them, and shares by
// resource and by layer add up to the whole. `also` counts the cycles in which a resource lies on
// some chain that is just as long. The roots of a class of the matrix unit's stall table are what
// the chain to the end of each of its gaps went through meanwhile.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/units.h"
#include "sim/kernel/causes.h"

namespace systole::traces {

using ByResource = std::array<CycleCount, sim::kResourceCount>;

struct PathPiece {
  CyclePoint begin, end;  // [begin, end)
  sim::Resource resource{};
  std::int64_t layer = 0;  // of the work, or what it leads to; 0 only in a program without layers
};

struct CriticalPath {
  CycleCount cycles;                 // of the run, or of its recorded part
  bool whole = true;                 // all of the run was recorded
  std::vector<PathPiece> pieces;     // in order of time; no two that follow could be one
  ByResource by_resource{};          // adds up to `cycles`
  ByResource also{};                 // beyond by_resource
  std::vector<ByResource> layers;    // by layer and resource
  std::vector<CycleCount> by_layer;  // their sums, which add up to `cycles`
  std::array<ByResource, sim::kStallCount> roots{};  // of each class of the stall table

  [[nodiscard]] double share(sim::Resource resource) const {
    return cycles == CycleCount(0) ? 0.0
                                   : static_cast<double>(by_resource[index(resource)].value) /
                                         static_cast<double>(cycles.value);
  }
};

// The resource with the most cycles; control if there are none.
[[nodiscard]] sim::Resource largest(const ByResource& cycles);

// What the chain to `moment` went through since `since`: why what began then was not earlier.
[[nodiscard]] ByResource chain_to(const sim::Causes& causes, sim::Moment moment, CyclePoint since);

// `layers` is how many the program has, at least one being counted.
[[nodiscard]] CriticalPath critical_path(const sim::Causes& causes, std::size_t layers);

// The part of a path in [begin, end); ties and roots are the whole's, in proportion.
[[nodiscard]] CriticalPath part_of(const CriticalPath& path, CyclePoint begin, CyclePoint end);

}  // namespace systole::traces
