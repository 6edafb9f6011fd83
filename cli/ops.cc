// systole ops: the ONNX operators that are read, from the table that reads them.
#include <fmt/format.h>

#include "cli/commands.h"
#include "compiler/frontend/onnx_ops.h"

namespace systole::cli {

void add_ops(CLI::App& app, const std::string& /*command_line*/) {
  CLI::App* command = app.add_subcommand("ops", "lists the ONNX operators that are read");
  command->footer("Example:\n  systole ops");
  command->callback([] {
    fmt::print("{:<40}{:<10}{}\n", "operator", "versions", "accepted");
    for (const compiler::OnnxOperator& op : compiler::onnx_operators()) {
      const std::string dot = op.domain.empty() ? "" : ".";
      fmt::print("{:<40}{:<10}{}\n", fmt::format("{}{}{}", op.domain, dot, op.name),
                 fmt::format("{}-{}", op.first, op.newest), op.accepts);
    }
  });
}

}  // namespace systole::cli
