// From option text to a Machine and LoadOptions.
#include "cli/model_options.h"

#include <fmt/ranges.h>

#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "base/diag.h"
#include "base/files.h"
#include "base/terminal.h"
#include "cli/choices.h"
#include "cli/numbers.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "isa/file_kind.h"
#include "isa/scalesim_config.h"

namespace systole::cli {
namespace {

constexpr const char* kDefaultMachine = "tpu_v1";

// "NAME=TEXT" as its two parts; a name may have a '=' of its own, numbers and shapes have none.
std::pair<std::string, std::string_view> split_assignment(std::string_view text,
                                                          const std::string& option) {
  const std::size_t at = text.rfind('=');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) {
    throw InputError(option, fmt::format("'{}'", text), "NAME=VALUE");
  }
  return {std::string(text.substr(0, at)), text.substr(at + 1)};
}

// Which of two values is meant, nobody can tell.
[[noreturn]] void given_twice(const std::string& option) {
  throw InputError(option, "is given twice", "one value");
}

std::int64_t positive_number(std::string_view text, const std::string& option) {
  if (const auto value = parse_whole(text, 1, kMostCount)) return *value;
  throw InputError(
      option, fmt::format("'{}'", text),
      fmt::format("a whole number from 1 to {}{}", kMostCount,
                  text == "0" ? ", as tensors without elements are not computed" : ""));
}

// "1x3x224x224"
Shape parse_shape(std::string_view text, const std::string& option) {
  Shape shape;
  for (;;) {
    const std::size_t at = text.find('x');
    shape.push_back(positive_number(text.substr(0, at), option));
    if (at == std::string_view::npos) return shape;
    text.remove_prefix(at + 1);
  }
}

// "16000", "true" or "1,2.5,-3"
std::vector<double> parse_numbers(std::string_view text, const std::string& option) {
  std::vector<double> numbers;
  for (;;) {
    const std::size_t at = text.find(',');
    const std::string_view one = text.substr(0, at);
    constexpr double kMost = std::numeric_limits<double>::max();
    std::optional<double> value = parse_real(one, -kMost, kMost);
    if (one == "true" || one == "false") value = one == "true" ? 1.0 : 0.0;
    if (!value) throw InputError(option, fmt::format("'{}'", one), "a number, true or false");
    numbers.push_back(*value);
    if (at == std::string_view::npos) return numbers;
    text.remove_prefix(at + 1);
  }
}

// What a SCALE-Sim configuration says and this machine does not have.
void note_keys_without_effect(const std::string& machine) {
  if (isa::file_kind(machine) != isa::FileKind::kScaleSimConfig) return;
  const std::vector<std::uint8_t> bytes = read_file(machine);
  const auto config = isa::read_scalesim_config(
      {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, machine, isa::Machine{});
  if (config.without_effect.empty()) return;
  note(fmt::format("{}: without effect: {}", machine, fmt::join(config.without_effect, ", ")));
}

// A batch is computed as one.
std::string check_batch(const std::string& text) {
  const std::string wrong = whole_within(1, kMostBatch)(text);
  return wrong.empty() ? wrong : wrong + " rows, which one program computes together";
}

}  // namespace

std::string check_count(const std::string& text) { return whole_within(1, kMostCount)(text); }

void add_machine_options(Command app, MachineOptions& options, const std::string& text) {
  app.add_option("--machine", options.machine, text).type_name("NAME|FILE");
  app.add_option("--set", options.sets, "changes one machine parameter; may be repeated")
      .type_name("KEY=VALUE");
}

void add_shape_options(Command app, ShapeOptions& options) {
  app.add_option("--batch", options.batch, "rows computed together (the open leading dimension)")
      .check(check_batch)
      .type_name("N");
  app.add_option("--dim", options.dims, "value of a named open dimension; may be repeated")
      .type_name("NAME=N");
  app.add_option("--shape", options.shapes, "shape of an input, x=1x3x224x224; may be repeated")
      .type_name("NAME=AxB");
  app.add_option("--bind", options.binds,
                 "makes an input a constant: one number, or all of its, a,b,c; may be repeated")
      .type_name("NAME=VALUE");
}

void add_schedule_option(Command app, std::string& schedule) {
  std::string text = "scheduling policy; ";
  std::vector<std::string> names;
  for (const compiler::ScheduleInfo& info : compiler::schedules()) {
    text += fmt::format("{}{}: {}", names.empty() ? "" : "; ", info.name, info.text);
    names.emplace_back(info.name);
  }
  text += fmt::format("; default {}", names.front());
  app.add_option("--schedule", schedule, text).check(one_of(names)).type_name("NAME");
}

bool is_list(const std::string& assignment) { return assignment.find(',') != std::string::npos; }

isa::Machine resolve_machine(const MachineOptions& options, const isa::Machine& fallback) {
  isa::Machine machine = options.machine.empty() ? fallback : isa::load_machine(options.machine);
  note_keys_without_effect(options.machine);
  std::set<std::string> keys;
  for (const std::string& assignment : options.sets) {
    const std::string key = assignment.substr(0, assignment.find('='));
    if (!keys.insert(key).second) given_twice("--set " + key);
    if (is_list(assignment)) {
      throw InputError("--set " + key, fmt::format("'{}' is a list", assignment),
                       "one value; `run` and `explain` take lists");
    }
    isa::set_parameter(machine, assignment);
  }
  isa::validate(machine);
  return machine;
}

isa::Machine resolve_machine(const MachineOptions& options) {
  const bool named = !options.machine.empty();
  return resolve_machine(options, named ? isa::Machine{} : isa::load_machine(kDefaultMachine));
}

bool multiplies_floats_alone(const MachineOptions& options) {
  if (options.machine.empty()) return false;
  return isa::load_machine(options.machine).array_operands == isa::Operands::kBf16;
}

void note_units(const isa::Machine& machine) {
  if (machine.array_units == 1) return;
  note(fmt::format(
      "the compiler uses the first of {} matrix units; programs written by hand use all",
      machine.array_units));
}

compiler::LoadOptions load_options(const ShapeOptions& options) {
  compiler::LoadOptions load;
  load.batch = options.batch;
  for (const std::string& text : options.dims) {
    const auto [name, value] = split_assignment(text, "--dim");
    if (!load.dims.emplace(name, positive_number(value, "--dim " + name)).second)
      given_twice("--dim " + name);
  }
  for (const std::string& text : options.shapes) {
    const auto [name, value] = split_assignment(text, "--shape");
    if (!load.shapes.emplace(name, parse_shape(value, "--shape " + name)).second)
      given_twice("--shape " + name);
  }
  for (const std::string& text : options.binds) {
    const auto [name, value] = split_assignment(text, "--bind");
    if (!load.binds.emplace(name, parse_numbers(value, "--bind " + name)).second)
      given_twice("--bind " + name);
  }
  return load;
}

}  // namespace systole::cli
