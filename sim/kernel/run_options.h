// How a program is run: the engine, and what it tells whom on the way.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "sim/kernel/accumulator_writes.h"
#include "sim/kernel/causes.h"
#include "sim/kernel/probe.h"

namespace systole::sim {

// Rows of engines.def.
enum class Engine : std::uint8_t {
#define SYSTOLE_ENGINE(name, text, meaning) name,
#include "sim/kernel/engines.def"
};
inline constexpr std::size_t kEngineCount = 0
#define SYSTOLE_ENGINE(name, text, meaning) +1
#include "sim/kernel/engines.def"
    ;
[[nodiscard]] std::string_view engine_name(Engine engine);
[[nodiscard]] std::string_view engine_meaning(Engine engine);

struct RunOptions {
  Engine engine = Engine::kCycle;
  bool timing_only = false;  // no values are computed; outputs are absent
  bool verified = false;     // the program was verified for a machine as large: not done again
  Probe* probe = nullptr;    // may be null
  Causes* causes = nullptr;  // engine kCycle: records why each moment was not earlier; may be null
  AccumulatorObserver* writes = nullptr;  // told of every accumulator write; may be null
  std::uint64_t shuffle_seed = 0;  // not 0: order of processes within a cycle is shuffled by it
  std::function<void(double)> progress;  // fraction done, called now and then; may be empty
};

}  // namespace systole::sim
