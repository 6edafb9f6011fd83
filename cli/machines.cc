// systole machines: the presets, or every parameter of one machine.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/commands.h"
#include "cli/model_options.h"

namespace systole::cli {
namespace {

void list_machines() {
  for (const std::string& name : isa::machine_names()) {
    const isa::Machine m = isa::load_machine(name);
    fmt::print("{:<16} {:>4} x {:<4} {:>5.0f} MHz {:>7.4g} TOPS  {}\n", name, m.r(), m.c(),
               static_cast<double>(m.clock_hertz) / 1e6, 2.0 * m.peak_macs_per_second() / 1e12,
               m.text);
  }
}

void show_machine(const isa::Machine& machine) {
  fmt::print("{}: {}\n\n", machine.name, machine.text);
  const std::vector<isa::ParameterView> views = isa::parameters(machine);
  std::size_t key = 0, value = 0, range = 0;
  for (const isa::ParameterView& p : views) {
    key = std::max(key, p.key.size());
    value = std::max(value, p.value.size());
    range = std::max(range, p.range.size());
  }
  for (const isa::ParameterView& p : views) {
    fmt::print("{:<{}}  {:>{}} {:<7}  {:<{}}  {}\n", p.key, key, p.value, value, p.unit, p.range,
               range, p.text);
  }
}

}  // namespace

void add_machines(CLI::App& app, const std::string& /*command_line*/) {
  CLI::App* command = app.add_subcommand("machines", "lists machines, or one machine's parameters");
  const auto options = std::make_shared<MachineOptions>();
  command->add_option("NAME|FILE", options->machine, "a preset or a .toml file");
  add_repeatable(*command, "--set", options->sets, "changes one parameter; may be repeated")
      ->type_name("KEY=VALUE");
  command->footer("Example:\n  systole machines\n  systole machines tpu_v1 --set array.rows=128");
  command->callback([options] {
    if (options->machine.empty() && options->sets.empty()) return list_machines();
    show_machine(resolve_machine(*options));
  });
}

}  // namespace systole::cli
