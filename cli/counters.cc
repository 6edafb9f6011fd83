// systole counters: what every class, counter and wait means, printed from the tables that define
// them.
#include <fmt/core.h>

#include "cli/commands.h"
#include "sim/counter_doc.h"

namespace systole::cli {

void add_counters(Command app, const std::string& /*command_line*/) {
  Command command = app.add_subcommand(
      "counters", "prints what every stall class and counter means, as Markdown");
  command.footer("Example:\n  systole counters");
  command.callback([] { fmt::print("{}", sim::counters_markdown()); });
}

}  // namespace systole::cli
