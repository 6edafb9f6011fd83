// Expand: the instructions of a program in the order in which the sequencer executes them.
//
// `repeat` runs its body `count` times; in repetition i each address operand of an instruction that
// a `step` precedes is i steps further, by its space. The structure (bodies inside the program, no
// nesting) must have been checked.
#pragma once

#include <cstdint>
#include <vector>

#include "isa/insn.h"

namespace systole::isa {

// `insn` as repetition number `i` (from 0) executes it.
[[nodiscard]] Insn stepped(Insn insn, const StepBy& step, std::int64_t i);

// One repetition of a body; returns false as soon as `visit` does.
template <typename Visit>
bool visit_body(const std::vector<Insn>& code, std::size_t begin, std::size_t end, std::int64_t i,
                Visit&& visit) {
  const StepBy* step = nullptr;
  for (std::size_t pc = begin; pc < end; ++pc) {
    const auto* next_step = std::get_if<StepBy>(&code[pc]);
    if (next_step == nullptr) {
      const bool moves = step != nullptr && i > 0;
      if (!visit(pc, moves ? stepped(code[pc], *step, i) : code[pc])) return false;
    }
    step = next_step;
  }
  return true;
}

// Calls visit(index into code, instruction) for everything executed, repeats expanded and left out
// themselves, until it returns false.
template <typename Visit>
void for_each_executed(const std::vector<Insn>& code, Visit&& visit) {
  for (std::size_t pc = 0; pc < code.size(); ++pc) {
    const auto* repeat = std::get_if<Repeat>(&code[pc]);
    if (repeat == nullptr) {
      if (!visit(pc, code[pc])) return;
      continue;
    }
    const std::size_t end = pc + 1 + static_cast<std::size_t>(repeat->length);
    for (std::int64_t i = 0; i < repeat->count; ++i) {
      if (!visit_body(code, pc + 1, end, i, visit)) return;
    }
    pc = end - 1;
  }
}

}  // namespace systole::isa
