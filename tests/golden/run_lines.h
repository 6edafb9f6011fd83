// What the record says about a program, and about what a run of it counted and gave.
#pragma once

#include <string>
#include <vector>

#include "isa/program.h"
#include "sim/run.h"

namespace systole::golden {

// Instructions, images, host memory; each layer's multiply-adds and predicted cycles.
[[nodiscard]] std::vector<std::string> program_lines(const isa::Program& program);

// Cycles, stall table, counts, bytes, units, layers, host steps. Rows that hold nothing but zeros
// are left out, so that a new kind of unit, wait or class that nobody uses changes nothing here.
[[nodiscard]] std::vector<std::string> report_lines(const sim::Report& report);

// Cycles of the matrix unit by class, and bytes by where they went: " active=4 drain=53".
[[nodiscard]] std::string stalls_text(const sim::Counters& counters);
[[nodiscard]] std::string bytes_text(const sim::Counters& counters);

// What every engine knows: bytes moved and work done; outputs by digest.
[[nodiscard]] std::vector<std::string> value_lines(const sim::RunResult& result);

}  // namespace systole::golden
