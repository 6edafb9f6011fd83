// systole measure: runs a model on a real processor and keeps what was measured.

#include "cli/commands.h"
#include "cli/measure_cpu.h"
#include "cli/measure_gpu.h"

namespace systole::cli {

void add_measure(Command app, const std::string& command_line) {
  Command command =
      app.add_subcommand("measure", "runs a model on a real processor and writes what it measured");
  command.require_subcommand();
  command.footer(
      "Example:\n  systole measure cpu fashion_mlp --batch 64 --seconds 0.1 -o mlp_cpu.json");
  add_measure_cpu(command, command_line);
  add_measure_gpu(command, command_line);
}

}  // namespace systole::cli
