// systole isa: the instruction set, printed from the tables that define it.
#include <fmt/core.h>

#include "cli/commands.h"
#include "isa/isa_doc.h"

namespace systole::cli {

void add_isa(Command app, const std::string& /*command_line*/) {
  Command command = app.add_subcommand("isa", "prints the instruction set as Markdown");
  command.footer("Example:\n  systole isa");
  command.callback([] { fmt::print("{}", isa::isa_markdown()); });
}

}  // namespace systole::cli
