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

// What a far step's unit is in bytes; the step of host addresses, and the one with these bytes.
inline constexpr std::int64_t kFarStep = std::int64_t{1} << 22;
[[nodiscard]] std::int64_t host_step(const StepBy& step);
[[nodiscard]] StepBy step_of_host(std::int64_t bytes);

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

// The body of a repeat: instructions [begin, end), executed `count` times.
struct Body {
  std::size_t begin = 0, end = 0;
  std::int64_t count = 0;
};

// For whoever proves something of all repetitions from a few. Like for_each_executed; but after
// each repetition i (from 0) that has at least three more behind it, settled(body, i) says whether
// the others are like it: then all but the last two are left out. False if more than `most`
// instructions would have to be visited.
template <typename Visit, typename Settled>
bool for_each_unsettled(const std::vector<Insn>& code, std::int64_t most, Visit&& visit,
                        Settled&& settled) {
  bool going = true;
  const auto counted = [&](std::size_t pc, const Insn& insn) {
    going = --most >= 0 && visit(pc, insn);
    return going;
  };
  for (std::size_t pc = 0; pc < code.size() && going; ++pc) {
    const auto* repeat = std::get_if<Repeat>(&code[pc]);
    if (repeat == nullptr) {
      counted(pc, code[pc]);
      continue;
    }
    const Body body{pc + 1, pc + 1 + static_cast<std::size_t>(repeat->length), repeat->count};
    for (std::int64_t i = 0; i < body.count && going; ++i) {
      visit_body(code, body.begin, body.end, i, counted);
      if (going && i + 3 < body.count && settled(body, i)) i = body.count - 3;
    }
    pc = body.end - 1;
  }
  return most >= 0;
}

}  // namespace systole::isa
