// systole measure gpu.
#pragma once

#include <string>

#include "cli/command_line.h"

namespace systole::cli {

// Adds the subcommand to `measure`.
void add_measure_gpu(Command measure, const std::string& command_line);

}  // namespace systole::cli
