// Probe: what a simulation tells the outside while it runs. Sinks (traces/) implement it.
//
// A slice is a unit doing or awaiting one thing for a range of cycles; slices of one unit never
// overlap and, with idle time, add up to the run's cycles (law 2). A counter is a level over time.
#pragma once

#include <array>
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

// One register of every PE: rows of array_planes.def.
enum class Plane : std::uint8_t {
#define SYSTOLE_PLANE(name, text, bits, meaning) name,
#include "sim/array_planes.def"
};
struct PlaneInfo {
  std::string_view name;
  int bits;
  std::string_view meaning;
};
inline constexpr auto kPlanes = std::to_array<PlaneInfo>({
#define SYSTOLE_PLANE(name, text, bits, meaning) {text, bits, meaning},
#include "sim/array_planes.def"
});

// The registers of the systolic array at the end of a cycle.
class ArrayView {
 public:
  virtual ~ArrayView() = default;
  [[nodiscard]] virtual std::int64_t rows() const = 0;
  [[nodiscard]] virtual std::int64_t columns() const = 0;
  // The register of PE(r, c), 0 <= r < rows(), 0 <= c < columns().
  [[nodiscard]] virtual std::int32_t value(Plane plane, std::int64_t r, std::int64_t c) const = 0;
};

class Probe {
 public:
  virtual ~Probe() = default;
  // Whether counter() is to be called: levels cost more than slices do.
  [[nodiscard]] virtual bool wants_counters() const { return true; }
  virtual void slice(const Slice& slice) = 0;
  // The level of `name` is `value` from cycle `at` on ("weight_fifo.tiles",
  // "unified_buffer.rows_in_use").
  virtual void counter(std::string_view name, CyclePoint at, std::int64_t value) = 0;

  // Whether array() is to be called; asked once.
  [[nodiscard]] virtual bool wants_array() const { return false; }
  // Register engine only: what cycle `at` left in the array's registers, in order of time. In
  // cycles left out no register changed. The view is good during the call.
  virtual void array(CyclePoint at, const ArrayView& view) {
    static_cast<void>(at);
    static_cast<void>(view);
  }
};

}  // namespace systole::sim
