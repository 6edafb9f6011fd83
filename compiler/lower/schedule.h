// What lowering is asked for and what it gives: the schedule, the options, the program with its
// explanation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/lower/explanation.h"
#include "isa/program.h"

namespace systole::compiler {

// Scheduling policies (rows of schedules.def).
enum class Schedule : std::uint8_t {
#define SYSTOLE_SCHEDULE(name, text, meaning) name,
#include "compiler/lower/schedules.def"
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
  // Passes and instructions of a segment beyond which equal jobs become a repeat (roll.h). Below,
  // code is as the machine takes it anyway.
  std::int64_t unrolled = std::int64_t{1} << 16;
};

struct Compiled {
  isa::Program program;
  Explanation explanation;
};

}  // namespace systole::compiler
