// systole machines: the presets, or every parameter of one machine.
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/clean.h"
#include "base/json_text.h"
#include "base/page.h"
#include "cli/commands.h"
#include "cli/model_options.h"

namespace systole::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  MachineOptions machine;
  bool json = false;
};

void print(const Json& json) { fmt::print("{}", json_text(json)); }

double peak_tops(const isa::Machine& machine) {
  return 2.0 * machine.peak_macs_per_second() / 1e12;
}

Json list_json() {
  Json list = Json::array();
  for (const std::string& name : isa::machine_names()) {
    const isa::Machine m = isa::load_machine(name);
    list.push_back({{"name", m.name}, {"text", m.text}, {"peak_tops", peak_tops(m)}});
  }
  return list;
}

Json machine_json(const isa::Machine& machine) {
  Json parameters = Json::array();
  for (const isa::ParameterView& p : isa::parameters(machine)) {
    parameters.push_back({{"key", p.key},
                          {"value", p.value},
                          {"unit", p.unit},
                          {"range", p.range},
                          {"text", p.text}});
  }
  return {{"name", machine.name},
          {"text", machine.text},
          {"peak_tops", peak_tops(machine)},
          {"parameters", parameters}};
}

void list_machines() {
  for (const std::string& name : isa::machine_names()) {
    const isa::Machine m = isa::load_machine(name);
    fmt::print("{:<16} {:>4} x {:<4} {:>5.0f} MHz {:>7.4g} TOPS\n    {}\n", clean(name), m.r(),
               m.c(), static_cast<double>(m.clock_hertz) / 1e6, peak_tops(m),
               wrapped(clean(m.text), 4, 4));
  }
}

void show_machine(const isa::Machine& machine) {
  fmt::print("{}\n\n", wrapped(clean(machine.name + ": " + machine.text), 0, 4));
  const std::vector<isa::ParameterView> views = isa::parameters(machine);
  std::size_t key = 0, value = 0;
  for (const isa::ParameterView& p : views) {
    key = std::max(key, p.key.size());
    value = std::max(value, p.value.size());
  }
  for (const isa::ParameterView& p : views) {
    fmt::print("{:<{}}  {:>{}} {:<8} ({})\n    {}\n", p.key, key, p.value, value, p.unit, p.range,
               wrapped(p.text, 4, 4));
  }
}

}  // namespace

void add_machines(Command app, const std::string& /*command_line*/) {
  Command command = app.add_subcommand("machines", "lists machines, or one machine's parameters");
  const auto o = std::make_shared<Options>();
  command.add_option("NAME|FILE", o->machine.machine, "a preset or a .toml file");
  command.add_option("--set", o->machine.sets, "changes one parameter; may be repeated")
      .type_name("KEY=VALUE");
  command.add_flag("--json", o->json, "prints JSON");
  command.footer("Example:\n  systole machines\n  systole machines tpu_v1 --set array.rows=128");
  command.callback([o] {
    if (o->machine.machine.empty() && o->machine.sets.empty()) {
      return o->json ? print(list_json()) : list_machines();
    }
    const isa::Machine machine = resolve_machine(o->machine);
    o->json ? print(machine_json(machine)) : show_machine(machine);
  });
}

}  // namespace systole::cli
