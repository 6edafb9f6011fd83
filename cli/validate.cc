// systole validate: one command for every rung of the validation ladder.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <sstream>
#include <string_view>

#include "base/clean.h"
#include "base/diag.h"
#include "base/json_text.h"
#include "base/page.h"
#include "base/source.h"
#include "cli/commands.h"
#include "isa/suggest.h"
#include "validate/validation.h"

namespace systole::cli {
namespace {

struct Options {
  std::string rung, data;
  bool json = false;
};

void run_rung(const Options& o) {
  const validate::Rung& rung = validate::rung_named(o.rung);
  if (!o.data.empty() && !rung.takes_data) {
    throw InputError("--data", fmt::format("rung {} takes no data", rung.name), "no --data");
  }
  const validate::Validation result = rung.run({o.data});
  fmt::print(
      "{}", o.json ? validate::validation_json(o.rung, result) : validate::validation_text(result));
  if (result.tally && result.tally->failed > 0) {
    throw InputError("validate " + o.rung, fmt::format("{} case(s) failed", result.tally->failed),
                     "none");
  }
}

}  // namespace

void add_validate(Command app, const std::string& /*command_line*/) {
  std::string rungs = "Rungs:\n";
  for (const validate::Rung& rung : validate::rungs()) {
    const std::string name = fmt::format("  {:<10}", rung.name);
    rungs += name + wrapped(std::string(rung.text), name.size(), name.size()) + "\n";
  }
  Command command =
      app.add_subcommand("validate", "compares the simulator with what it did not make itself");
  const auto o = std::make_shared<Options>();
  command.add_option("RUNG", o->rung, "one of " + validate::rung_names()).required();
  command.add_option("--data", o->data, "measured rows to compare with, for rungs that take them")
      .type_name("FILE");
  command.add_flag("--json", o->json, "prints the tables as JSON");
  command.footer(rungs + "Example:\n  systole validate scalesim");
  command.callback([o] { run_rung(*o); });
}

}  // namespace systole::cli
