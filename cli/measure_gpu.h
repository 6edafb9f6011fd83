// systole measure gpu.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace systole::cli {

// Adds the subcommand to `measure`.
void add_measure_gpu(CLI::App& measure, const std::string& command_line);

}  // namespace systole::cli
