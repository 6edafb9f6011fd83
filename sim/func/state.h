// State: everything an instruction can read or write, as the oracle keeps it, and exec(), one
// overload per instruction.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "base/diag.h"
#include "base/storage.h"
#include "isa/insn.h"
#include "isa/machine.h"
#include "isa/precisions.h"
#include "isa/registers.h"
#include "sim/kernel/report.h"

namespace systole::sim::func {

// A weight tile's valid part: k rows of n values, zero points subtracted, in 9 bits; or the bits of
// bfloat16.
struct Tile {
  std::int64_t k = 0, n = 0;
  std::vector<std::int16_t> values;
};

// What each matrix unit has of its own (T11).
struct MatrixState {
  Storage<isa::Sum> accumulators;  // rows of C
  std::deque<Tile> fifo;           // tiles read and not yet active, oldest first
  Tile active;                     // the tile that passes use
};

struct State {
  const isa::Machine& machine;
  Counters& counters;
  std::function<void(std::int64_t)> host_stage;  // runs one
  bool has_values;                               // false: only count
  std::span<std::uint8_t> host;                  // bytes
  Storage<std::uint8_t> memory;                  // bytes of a device memory that is written
  std::span<const std::uint8_t> weights;         // of one that is not, from address 0
  Storage<std::uint8_t> unified_buffer;          // bytes, rows of machine.unified_buffer_row_bytes
  Storage<std::uint8_t> params;                  // bytes, rows of C x 32 bit
  std::vector<MatrixState> matrix;               // by instance
  std::vector<isa::Registers> registers;         // by unit

  // Bytes of the device's memory.
  [[nodiscard]] std::span<const std::uint8_t> memory_bytes() const {
    if (!machine.memory_is_writable()) return weights;
    return {memory.data(), memory.size()};
  }
  // The matrix unit that an instruction names.
  template <typename Insn>
  [[nodiscard]] MatrixState& matrix_of(const Insn& insn) {
    return matrix.at(static_cast<std::size_t>(insn.instance));
  }

  [[nodiscard]] const isa::Registers& registers_of(isa::Unit unit) const {
    return registers.at(isa::index(unit));
  }
};

// `count` elements of a memory from `begin` on. The verifier has proved that they are inside.
template <typename Memory>
auto slice(Memory& memory, std::int64_t begin, std::int64_t count) {
  SYSTOLE_CHECK(
      begin >= 0 && count >= 0 && begin + count <= static_cast<std::int64_t>(memory.size()),
      "[{}, {}) of {} elements", begin, begin + count, memory.size());
  return std::span(memory).subspan(static_cast<std::size_t>(begin),
                                   static_cast<std::size_t>(count));
}

void exec(const isa::Interrupt& insn, State& state);
void exec(const isa::ReadHost& insn, State& state);
void exec(const isa::ReadParams& insn, State& state);
void exec(const isa::WriteHost& insn, State& state);
void exec(const isa::ReadWeights& insn, State& state);
void exec(const isa::ReadTile& insn, State& state);
void exec(const isa::Matmul& insn, State& state);
void exec(const isa::Convolve& insn, State& state);
void exec(const isa::Activate& insn, State& state);
void exec(const isa::ActivatePool& insn, State& state);
void exec(const isa::Vector& insn, State& state);
void exec(const isa::Pool& insn, State& state);
void exec(const isa::Copy& insn, State& state);
void exec(const isa::Set& insn, State& state);
void exec(const isa::Load& insn, State& state);
void exec(const isa::Store& insn, State& state);

// Nothing to compute: order in time, and marks for the reader.
inline void exec(const isa::Nop&, State&) {}
inline void exec(const isa::Tag&, State&) {}
inline void exec(const isa::Sync&, State&) {}

// The flow of instructions is the oracle's own loop.
inline void exec(const isa::Halt&, State&) {}
inline void exec(const isa::Repeat&, State&) {}
inline void exec(const isa::StepBy&, State&) {}

}  // namespace systole::sim::func
