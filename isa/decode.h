// Decoding: how long the sequencer takes for an instruction, by which it runs and the compiler
// predicts it.
#pragma once

#include <cstdint>
#include <variant>

#include "isa/insn.h"
#include "isa/machine.h"

namespace systole::isa {

// Cycles from the decode of an instruction to that of the next, if nothing blocks. One that waits
// for all units is decoded when they are done, and takes a cycle.
[[nodiscard]] inline std::int64_t decode_cycles(const Insn& insn, const Machine& machine) {
  const bool barrier =
      std::holds_alternative<Interrupt>(insn) || std::holds_alternative<Halt>(insn);
  return barrier ? 1 : machine.sequencer_decode_cycles;
}

}  // namespace systole::isa
