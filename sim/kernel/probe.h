// Probe: what a simulation tells the outside while it runs. Sinks (traces/) implement it.
//
// A slice is a unit doing or awaiting one thing for a range of cycles; slices of one unit never
// overlap and, with idle time, add up to the run's cycles (law 2). A counter is a level over time.
// A life is one executed instruction from dispatch to completion; a repeated one has one each time.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/units.h"

namespace systole::sim {

// One slice or host step. Strings live as long as the call.
struct Slice {
  std::string_view track;   // unit name ("matrix", "dma_in" ...) or "host"
  std::string_view name;    // instruction mnemonic, or what is awaited (the same as cls)
  std::string_view cls;     // "busy", or the wait or stall class
  std::string_view layer;   // layer name, "(none)" outside layers
  CyclePoint begin, end;    // [begin, end)
  std::int64_t insn = -1;   // index into program.code, -1 if none
  std::int64_t rows = -1;   // rows that the instruction moves, -1 if not applicable
  std::int64_t bytes = -1;  // bytes that the slice moves, -1 if not applicable
  // Which of its unit's the instruction at work is (Life::ordinal), -1 of decoding and waiting.
  std::int64_t ordinal = -1;
};

// One executed instruction. Cycles are the run's.
struct Life {
  std::string_view unit, name, layer;
  std::int64_t insn = -1;    // index into program.code
  std::int64_t serial = 0;   // how many lives were dispatched before, of all units
  std::int64_t ordinal = 0;  // which of its unit's it is, from 1: sent[U] after its dispatch (T10)
  CyclePoint dispatched;     // it enters its unit's queue
  CyclePoint head;           // first cycle at the queue's head
  CyclePoint start;          // it leaves the queue
  CyclePoint completed;      // last write readable and last read taken; others see it a cycle later
  // Whose completion the last sync that kept it waiting needed; no unit if none did.
  std::string_view awaited_unit;
  std::int64_t awaited_ordinal = 0;
};

// One register of every PE: rows of array_planes.def.
enum class Plane : std::uint8_t {
#define SYSTOLE_PLANE(name, text, bits, meaning) name,
#include "sim/kernel/array_planes.def"
};
struct PlaneInfo {
  std::string_view name;
  int bits;
  std::string_view meaning;
};
inline constexpr auto kPlanes = std::to_array<PlaneInfo>({
#define SYSTOLE_PLANE(name, text, bits, meaning) {text, bits, meaning},
#include "sim/kernel/array_planes.def"
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
#define SYSTOLE_PROBE_EVENT(name, wanted, parameters, arguments)       \
  [[nodiscard]] virtual bool wants_##name() const { return (wanted); } \
  virtual void name parameters {}
#include "sim/kernel/probe_events.def"
};

}  // namespace systole::sim
