// Compile: Graph -> verified IR -> passes -> lowering -> schedule -> Program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/explanation.h"
#include "compiler/frontend/load.h"
#include "compiler/ir/graph.h"
#include "isa/machine.h"
#include "isa/program.h"

namespace systole::compiler {

// Scheduling policies (rows of schedules.def).
enum class Schedule : std::uint8_t {
#define SYSTOLE_SCHEDULE(name, text, meaning) name,
#include "compiler/schedules.def"
};
struct ScheduleInfo {
  std::string_view name, text;
};
[[nodiscard]] const std::vector<ScheduleInfo>& schedules();
// Throws InputError listing the names.
[[nodiscard]] Schedule schedule_named(const std::string& name);

struct CompileOptions {
  std::int64_t batches = 1;  // how many batches of the graph's batch the program computes
  bool timing_only = false;  // weights and constants need no values; float models are taken as int8
  std::string schedule = "overlap";
};

// Throws InputError naming node, operator and reason: not lowered, float on an int8 machine (shows
// the quantize command), larger than the machine.
[[nodiscard]] isa::Program compile(const Graph& graph, const isa::Machine& machine,
                                   const CompileOptions& options);

struct Compiled {
  isa::Program program;
  Explanation explanation;
};
// The same, and why the program is as it is.
[[nodiscard]] Compiled compile_explained(const Graph& graph, const isa::Machine& machine,
                                         const CompileOptions& options);

}  // namespace systole::compiler
