// The oracle's loop: decode in order, expand repeats, run each instruction to its end.
#include "sim/func/oracle.h"

#include <algorithm>

#include "isa/expand.h"
#include "isa/footprint.h"
#include "sim/func/state.h"

namespace systole::sim {
namespace {

using func::State;

void run_one(const isa::Insn& insn, State& state) {
  ++state.counters.instructions;
  std::visit([&](const auto& i) { func::exec(i, state); }, insn);
}

void run_body(std::span<const isa::Insn> body, std::int64_t iteration, State& state) {
  isa::StepBy step;
  for (const isa::Insn& insn : body) {
    SYSTOLE_CHECK(!std::holds_alternative<isa::Repeat>(insn), "a repeat inside a repeat");
    run_one(isa::stepped(insn, step, iteration), state);
    const auto* next = std::get_if<isa::StepBy>(&insn);
    step = next != nullptr ? *next : isa::StepBy{};
  }
}

// Runs the repeat at `pc`; returns the index of the first instruction after its body.
std::size_t run_repeat(const isa::Repeat& repeat, std::span<const isa::Insn> code, std::size_t pc,
                       State& state) {
  const auto length = static_cast<std::size_t>(repeat.length);
  SYSTOLE_CHECK(length <= code.size() - pc - 1, "a repeat body that leaves the program");
  const auto body = code.subspan(pc + 1, length);
  for (std::int64_t i = 0; i < repeat.count; ++i) run_body(body, i, state);
  return pc + 1 + length;
}

void allocate(State& state, const isa::Footprint& touched) {
  const isa::Machine& m = state.machine;
  state.unified_buffer = {touched.ub_rows * m.unified_buffer_row_bytes, "unified buffer"};
  for (func::MatrixState& one : state.matrix) {
    one.accumulators = {touched.accumulator_rows * m.c(), "accumulators"};
  }
  if (m.memory_is_writable()) {
    const std::int64_t bytes = std::max(touched.memory_bytes, std::ssize(state.weights));
    state.memory = {bytes, "the device's memory"};
    std::ranges::copy(state.weights, state.memory.begin());
  }
  state.params = {touched.parameter_rows * m.param_row_bytes(), "parameter memory"};
}

}  // namespace

void execute(const isa::Program& program, const isa::Machine& machine, HostMemory& memory,
             Counters& counters, std::vector<HostReport>& report) {
  const auto host_stage = [&](std::int64_t stage) { memory.run_stage(stage, machine, report); };
  State state{
      .machine = machine,
      .counters = counters,
      .host_stage = host_stage,
      .has_values = memory.has_values(),
      .host = memory.bytes(),
      .memory = {},
      .weights = program.weights,
      .unified_buffer = {},
      .params = {},
      .matrix = std::vector<func::MatrixState>(static_cast<std::size_t>(machine.array_units)),
      .registers = std::vector<isa::Registers>(isa::unit_slots(machine))};
  if (state.has_values) allocate(state, isa::footprint(program, machine));
  const std::span<const isa::Insn> code = program.code;
  host_stage(0);
  for (std::size_t pc = 0; pc < code.size();) {
    const isa::Insn& insn = code[pc];
    run_one(insn, state);
    if (std::holds_alternative<isa::Halt>(insn)) break;
    if (const auto* repeat = std::get_if<isa::Repeat>(&insn)) {
      pc = run_repeat(*repeat, code, pc, state);
      continue;
    }
    ++pc;
  }
  host_stage(isa::kFinalStage);
}

}  // namespace systole::sim
