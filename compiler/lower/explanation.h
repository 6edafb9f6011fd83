// Explanation: why a program is as it is: each layer's mapping and what limits it, each segment's
// share of the unified buffer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace systole::compiler {

// A layer's predicted cycles (those up to the end of each of its passes, from the end of the pass
// before), how long each resource is busy for it, and the bytes it moves.
struct LayerPrediction {
  std::int64_t cycles = 0;
  std::int64_t matrix = 0;   // passes inject
  std::int64_t shift = 0;    // tiles shift in
  std::int64_t weights = 0;  // weight memory
  std::int64_t activation = 0;
  std::int64_t vector = 0;
  std::int64_t link_in = 0, link_out = 0;
  std::int64_t reads = 0, writes = 0;  // shared ports of the unified buffer

  std::int64_t weight_bytes = 0;
  std::int64_t host_bytes = 0;  // both ways, parameters included

  // The resource that is busy longest.
  [[nodiscard]] std::string_view bound() const;
};

struct LayerPlan {
  std::int64_t layer = 0;  // index into the program's layers
  std::string mapping;     // "convolve 3 x 3 stride 2, 2 x 4 tiles, weights read 7 times"
  std::int64_t tiles = 0;  // weight tiles, 0 for work of the vector unit
  std::string residency;   // what crosses the host link; empty if all stays in the buffer
  LayerPrediction predicted;
};

struct SegmentNote {
  std::int64_t jobs = 0, items = 0;  // jobs, and samples in each
  std::int64_t bands = 1;            // of each sample's lines, one a job
  std::int64_t jobs_at_once = 1;     // whose values are in the unified buffer together
  std::int64_t operations = 0;       // that the phase holds
  std::int64_t ub_rows = 0;          // of all phases
};

struct Explanation {
  std::vector<LayerPlan> layers;  // what runs on the device, in order
  std::vector<SegmentNote> segments;
};

}  // namespace systole::compiler
