// VCD: the registers of the systolic array as waveforms (IEEE 1364-2005, 18), for GTKWave.
//
// A clock and, for each PE, its registers as array_planes.def lists them. A cycle is 1 ns, or what
// it takes (trace_time.h, but in picoseconds); the clock rises at its begin, and from there on the
// registers show what the cycle left in them. Only changes are written, against a copy of the last
// values.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "traces/sinks/sink.h"

namespace systole::traces {

// Throws InputError where the run does not tell its registers, or they are too many to look at.
void check_vcd(const std::string& path, const TraceInfo& info);

class VcdTrace : public Sink {
 public:
  VcdTrace(std::ostream& out, const TraceInfo& info);

  [[nodiscard]] bool wants_slice() const override { return false; }
  [[nodiscard]] bool wants_counter() const override { return false; }
  [[nodiscard]] bool wants_array() const override { return true; }
  void array(CyclePoint at, const sim::ArrayView& view) override;
  void finish(CycleCount total) override;

 private:
  void declare(const TraceInfo& info);
  // The clock of all cycles from the next one on, up to `end`.
  void tick_until(CyclePoint end);
  void rise(CyclePoint at);
  [[nodiscard]] std::int64_t picoseconds(CyclePoint at, std::int64_t halves = 0) const;

  std::ostream& out_;
  std::int64_t rows_, columns_;
  std::int64_t clock_hertz_;
  bool begun_ = false;
  CyclePoint next_;                 // whose clock is not yet written
  std::vector<std::int32_t> last_;  // by signal
};

}  // namespace systole::traces
