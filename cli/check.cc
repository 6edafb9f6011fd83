// systole check: proves that a program may run on a machine, or says why not.
#include <fmt/core.h>

#include <memory>

#include "base/clean.h"
#include "base/diag.h"
#include "base/page.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "formats/program_files.h"
#include "isa/verify.h"

namespace systole::cli {
namespace {

struct Options {
  std::string program;
  MachineOptions machine;
};

void check(const Options& o) {
  const isa::Program program = formats::read_program(o.program);
  const isa::Machine machine = resolve_machine(o.machine, program.machine);
  const auto findings = isa::verify(program, machine);
  for (const isa::Finding& finding : findings) fmt::print("{}\n", clean_message(finding.text));
  if (!findings.empty()) {
    throw InputError(
        o.program, fmt::format("{} on {}", counted(std::ssize(findings), "finding"), machine.name),
        "none");
  }
  fmt::print("{}: {}, may run on {}\n", clean(o.program),
             counted(std::ssize(program.code), "instruction"), clean(machine.name));
}

}  // namespace

void add_check(Command app, const std::string& /*command_line*/) {
  Command command =
      app.add_subcommand("check", "looks for bounds, races and ordering faults in a program");
  const auto o = std::make_shared<Options>();
  command.add_option("PROGRAM", o->program, "a .tpu file or program text").required();
  add_machine_options(command, o->machine,
                      "a preset, .toml or .cfg file; default: the machine it was compiled for");
  command.footer(
      "Example:\n  systole compile gemm:64,64,64 -o gemm.tpu\n"
      "  systole check gemm.tpu --machine tpu_v1");
  command.callback([o] { check(*o); });
}

}  // namespace systole::cli
