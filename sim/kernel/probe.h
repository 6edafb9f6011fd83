// Probe: what a simulation tells the outside while it runs. Sinks (traces/) implement it.
//
// A slice is a unit doing or awaiting one thing for a range of cycles; slices of one unit never
// overlap and, with idle time, add up to the run's cycles (law 2). A counter is a level over time.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/units.h"

namespace systole::sim {

// One slice or host step. Strings live as long as the call.
struct Slice {
  std::string_view track;  // unit name ("matrix", "dma_in" ...) or "host"
  std::string_view name;   // instruction mnemonic or stall class
  std::string_view cls;    // "busy", or the stall class
  std::string_view layer;  // layer name, "(none)" outside layers
  CyclePoint begin, end;   // [begin, end)
  std::int64_t insn = -1;  // index into program.code, -1 if none
  std::int64_t rows = -1;  // rows or bytes moved, -1 if not applicable
};

class Probe {
 public:
  virtual ~Probe() = default;
  virtual void slice(const Slice& slice) = 0;
  // The level of `name` is `value` from cycle `at` on ("weight_fifo.tiles",
  // "unified_buffer.rows_in_use").
  virtual void counter(std::string_view name, CyclePoint at, std::int64_t value) = 0;
};

}  // namespace systole::sim
