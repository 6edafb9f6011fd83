// systole measure gpu.
#pragma once

#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace systole::cli {

// Adds the subcommand to `measure`.
void add_measure_gpu(CLI::App& measure, const std::string& command_line);

}  // namespace systole::cli
