// The instructions' values, one exec() each: the meaning that isa/opcodes.def gives in words. Those
// of the matrix, the activation and the vector unit have files of their own beside this one.
#include <algorithm>

#include "base/units.h"
#include "sim/func/lanes.h"

namespace systole::sim::func {

void exec(const isa::Interrupt& i, State& s) { s.host_stage(i.stage); }

void exec(const isa::ReadHost& i, State& s) {
  s.counters.host_in += Bytes(i.rows * i.bytes);
  s.counters.ub_written += Bytes(i.rows * i.bytes);
  if (!s.has_values) return;
  for (std::int64_t row = 0; row < i.rows; ++row) {
    const auto from = slice(s.host, i.host + row * i.stride, i.bytes);
    std::ranges::copy(from, ub_row(s, i.ub, i.lane, i.bytes, row).begin());
  }
}

void exec(const isa::WriteHost& i, State& s) {
  s.counters.host_out += Bytes(i.rows * i.bytes);
  s.counters.ub_read += Bytes(i.rows * i.bytes);
  if (!s.has_values) return;
  for (std::int64_t row = 0; row < i.rows; ++row) {
    const auto to = slice(s.host, i.host + row * i.stride, i.bytes);
    std::ranges::copy(ub_row(s, i.ub, i.lane, i.bytes, row), to.begin());
  }
}

void exec(const isa::ReadParams& i, State& s) {
  const std::int64_t bytes = i.rows * s.machine.param_row_bytes();
  s.counters.host_in += Bytes(bytes);
  if (!s.has_values) return;
  const auto to = slice(s.params, i.param * s.machine.param_row_bytes(), bytes);
  std::ranges::copy(slice(s.host, i.host, bytes), to.begin());
}

void exec(const isa::Load& i, State& s) {
  s.counters.memory_read += Bytes(i.rows * i.bytes);
  s.counters.ub_written += Bytes(i.rows * i.bytes);
  if (!s.has_values) return;
  for (std::int64_t row = 0; row < i.rows; ++row) {
    const auto from = slice(s.memory, i.dram + row * i.stride, i.bytes);
    std::ranges::copy(from, ub_row(s, i.ub, i.lane, i.bytes, row).begin());
  }
}

void exec(const isa::Store& i, State& s) {
  s.counters.memory_written += Bytes(i.rows * i.bytes);
  s.counters.ub_read += Bytes(i.rows * i.bytes);
  if (!s.has_values) return;
  for (std::int64_t row = 0; row < i.rows; ++row) {
    const auto to = slice(s.memory, i.dram + row * i.stride, i.bytes);
    std::ranges::copy(ub_row(s, i.ub, i.lane, i.bytes, row), to.begin());
  }
}

}  // namespace systole::sim::func
