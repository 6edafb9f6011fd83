// One instruction as a repetition executes it. Out of line for the same reason as insn.cc.
#include "isa/expand.h"

namespace systole::isa {
namespace {

// What `step` adds to an address operand of `space` each time.
std::int64_t step_in(const StepBy& step, Space space) {
  switch (space) {
#define SYSTOLE_SPACE(name, step_name, place, size, tracked) \
  case Space::name:                                          \
    return step.step_name + (Space::name == Space::kHost ? step.host_far * kFarStep : 0);
#include "isa/spaces.def"
    case Space::kNone:
      return 0;
  }
  return 0;
}

}  // namespace

std::int64_t host_step(const StepBy& step) { return step_in(step, Space::kHost); }

StepBy step_of_host(std::int64_t bytes) {
  const std::int64_t far = bytes / kFarStep;
  return {.host = bytes - far * kFarStep, .host_far = far};
}

Insn stepped(Insn insn, const StepBy& step, std::int64_t i) {
  const auto advance = [&](std::string_view, Operand kind, std::int64_t& value) {
    value += i * step_in(step, info(kind).space);
  };
  std::visit([&](auto& one) { one.for_each(advance); }, insn);
  return insn;
}

}  // namespace systole::isa
