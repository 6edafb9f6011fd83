// Co-simulation: the same program on the simulator's engines and on the RTL matrix unit.
//
// What surrounds the matrix unit comes from an engine's run: when each tile is whole in the
// FIFO, and when each pass stands in the queue with its syncs passed. From there on the RTL
// decides: its sender starts a shift when shift_ready says so and a pass when switch_ready does,
// and every accumulator is written when its sum falls out of the array. Equal means equal: the
// cycle of every shift, pass and accumulator write, every value written, every accumulator at the
// end.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "isa/insn.h"
#include "rtl/cosim_case.h"
#include "rtl/matrix_model.h"
#include "sim/run.h"

namespace systole::rtl {

// What a matrix unit did in a run.
struct Behaviour {
  std::vector<CyclePoint> shifts;             // first cycle of each tile's shift
  std::vector<CyclePoint> passes;             // first cycle of each pass
  std::vector<sim::AccumulatorWrite> writes;  // by cycle, row and column
  std::vector<std::int32_t> accumulators;     // kAccumulatorRows x C at the end
  int error = 0;                              // of the RTL
};

// What reaches the matrix unit in a run, and when.
struct Script {
  struct TileFeed {
    CyclePoint whole;  // first cycle in which its shift may start
    const std::uint8_t* data;
    isa::ReadWeights insn;
    std::vector<std::int32_t> zero;  // per column; empty: all 0
  };
  struct PassFeed {
    CyclePoint ready;  // first cycle in which it could start, were it for its queue alone
    isa::Matmul insn;
  };
  isa::Machine machine;
  std::vector<TileFeed> tiles;
  std::vector<PassFeed> passes;
  const Tensor* buffer = nullptr;  // the unified buffer's rows
};

// The engines that have values and time: each is held against the RTL.
struct TimedEngine {
  sim::Engine engine;
  std::string_view name;
};
inline constexpr auto kTimedEngines = std::to_array<TimedEngine>(
    {{sim::Engine::kCycle, "cycle"}, {sim::Engine::kRegister, "register"}});

// The case on one of them: what it did, and what its matrix unit was fed with.
// The script points into the case.
struct EngineRun {
  Script script;
  Behaviour behaviour;
};
[[nodiscard]] EngineRun run_engine(const CosimCase& c, sim::Engine engine);

// A fault in every cycle of [begin, end).
struct FaultSpan {
  Fault fault;
  CyclePoint begin, end;
};

// The script on a model of its size, fresh from its factory. Throws InternalError if the model
// stops being ready.
[[nodiscard]] Behaviour run_rtl(MatrixModel& model, const Script& script,
                                const FaultSpan& fault = {});

// The first difference of each kind, one line each; none when all is equal.
[[nodiscard]] std::vector<std::string> differences(const Behaviour& engine, const Behaviour& rtl);

}  // namespace systole::rtl
