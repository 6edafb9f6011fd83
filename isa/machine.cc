// Machine: everything the loader, --set, listings and checks need is derived from machine.def.
//
// Each row becomes one Row of a table: how to read the parameter from a TOML value or from text,
// how to print it, and where it lives in Machine. Every function below walks that table.
#include "isa/machine.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <set>

#include "base/clean.h"
#include "base/diag.h"
#include "base/files.h"
#include "base/source.h"
#include "isa/file_kind.h"
#include "isa/machine_name.h"
#include "isa/precisions.h"
#include "isa/quantity.h"
#include "isa/scalesim_config.h"
#include "isa/suggest.h"
#include "isa/text.h"
#include "isa/toml_depth.h"

namespace systole::isa {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxMachineFile = 1 << 20;
constexpr const char* kSet = "--set";  // what an assignment comes from

template <typename Enum>
struct Names;
template <>
struct Names<WeightLoad> {
  static constexpr std::array<std::string_view, 3> kAll = {"through", "chain", "single"};
};
template <>
struct Names<Operands> {
  static constexpr std::array<std::string_view, 3> kAll = {"integers", "bf16", "both"};
};
template <>
struct Names<DramKind> {
  static constexpr std::array<std::string_view, 2> kAll = {"simple", "banked"};
};
template <>
struct Names<MemoryHolds> {
  static constexpr std::array<std::string_view, 2> kAll = {"weights", "everything"};
};
template <>
struct Names<Delivery> {
  static constexpr std::array<std::string_view, 2> kAll = {"link", "preloaded"};
};

// One parameter. An integer has names.empty(); a choice is kept as the position of its name.
struct Row {
  std::string_view section, name, unit, text;
  std::int64_t min, max;
  std::vector<std::string_view> names;
  std::int64_t (*get)(const Machine&);
  void (*set)(Machine&, std::int64_t);

  [[nodiscard]] std::string key() const { return std::string(section) + "." + std::string(name); }
  [[nodiscard]] bool is_choice() const { return !names.empty(); }
  [[nodiscard]] std::string range() const {
    if (is_choice()) return fmt::format("{}", fmt::join(names, ", "));
    return fmt::format("{} to {}", min, max);
  }
  [[nodiscard]] std::string value_text(const Machine& machine) const {
    const std::int64_t value = get(machine);
    return is_choice() ? std::string(names.at(static_cast<std::size_t>(value)))
                       : std::to_string(value);
  }
  // Throws InputError unless the value is within the row's range.
  void set_checked(Machine& machine, std::int64_t value, const std::string& where) const {
    if (value < min || value > max) {
      throw InputError(where, fmt::format("{} = {} is out of range", key(), value),
                       fmt::format("{} {}", range(), unit));
    }
    set(machine, value);
  }
  void set_name(Machine& machine, std::string_view word, const std::string& where) const {
    const auto found = std::find(names.begin(), names.end(), word);
    if (found == names.end()) {
      const std::vector<std::string> known(names.begin(), names.end());
      throw InputError(where, fmt::format("{} = \"{}\"{}", key(), word, did_you_mean(word, known)),
                       "one of " + range());
    }
    set(machine, found - names.begin());
  }
};

std::vector<Row> make_rows() {
  std::vector<Row> rows;
#define SYSTOLE_INT(section, name, unit, default_value, min, max, text)                \
  rows.push_back({#section,                                                            \
                  #name,                                                               \
                  unit,                                                                \
                  text,                                                                \
                  min,                                                                 \
                  max,                                                                 \
                  {},                                                                  \
                  [](const Machine& m) -> std::int64_t { return m.section##_##name; }, \
                  [](Machine& m, std::int64_t value) { m.section##_##name = value; }});
#define SYSTOLE_CHOICE_PARAM(section, name, Enum, default_value, text)                 \
  rows.push_back(                                                                      \
      {#section,                                                                       \
       #name,                                                                          \
       "",                                                                             \
       text,                                                                           \
       0,                                                                              \
       std::ssize(Names<Enum>::kAll) - 1,                                              \
       {Names<Enum>::kAll.begin(), Names<Enum>::kAll.end()},                           \
       [](const Machine& m) { return static_cast<std::int64_t>(m.section##_##name); }, \
       [](Machine& m, std::int64_t value) { m.section##_##name = static_cast<Enum>(value); }});
#include "isa/machine.def"
  return rows;
}

const std::vector<Row>& rows() {
  static const std::vector<Row> table = make_rows();
  return table;
}

InputError unknown_parameter(std::string_view key, const std::string& where) {
  std::vector<std::string> known;
  for (const Row& row : rows()) known.push_back(row.key());
  return InputError(where, fmt::format("unknown parameter '{}'", key),
                    such_as(key, known, "one that `systole machines tpu_v1` lists"));
}

// The row with this key; throws InputError that names the nearest known key.
const Row& row_of(std::string_view key, const std::string& where) {
  for (const Row& row : rows()) {
    if (row.key() == key) return row;
  }
  throw unknown_parameter(key, where);
}

// Where a TOML value stands: "file:line".
std::string place(const std::string& where, const toml::node& node) {
  return fmt::format("{}:{}", where, node.source().begin.line);
}

std::string read_text(const toml::node& node, std::string_view key, const std::string& where) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  throw InputError(place(where, node), fmt::format("{} is not text", key), "a string in quotes");
}

// An integer, or a real number that is one (1.5e9).
std::optional<std::int64_t> whole_number(const toml::node& node) {
  if (const auto real = node.value_exact<double>()) {
    return parse_quantity(fmt::format("{}", *real), "");
  }
  return node.value_exact<std::int64_t>();
}

void read_parameter(Machine& machine, const std::string& key, const toml::node& node,
                    const std::string& where) {
  const std::string at = place(where, node);
  const Row& row = row_of(key, at);
  if (row.is_choice()) return row.set_name(machine, read_text(node, key, where), at);
  const auto written = node.value_exact<std::string>();
  const auto value = written ? parse_quantity(*written, row.unit) : whole_number(node);
  if (!value) {
    const bool factor = written && written->ends_with('x');
    const char* const hint = factor ? "; a factor such as 2x is for --set" : "";
    const std::string what = written ? fmt::format(" = \"{}\"", *written) : " is not an integer";
    throw InputError(at, key + what, fmt::format("{} {}{}", row.range(), row.unit, hint));
  }
  row.set_checked(machine, *value, at);
}

void read_section(Machine& machine, std::string_view section, const toml::node& node,
                  const std::string& where) {
  const toml::table* table = node.as_table();
  if (table == nullptr) throw unknown_parameter(section, place(where, node));
  for (const auto& [name, value] : *table) {
    read_parameter(machine, std::string(section) + "." + std::string(name.str()), value, where);
  }
}

std::optional<fs::path> preset_file(const std::string& name) {
  const fs::path file = fs::path(data_path("machines")) / (name + ".toml");
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return std::nullopt;
  return file;
}

bool is_file_name(const std::string& name) {
  const std::string_view unpacked = unpacked_name(name);
  return name.find('/') != std::string::npos || has_ending(unpacked, ".toml") ||
         has_ending(unpacked, ".cfg");
}

bool parse_number(std::string_view text, double& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// "123" or "1.5GHz", or "2x" relative to the present value.
std::int64_t parse_value(const Row& row, const Machine& machine, std::string_view text) {
  if (const auto value = parse_quantity(text, row.unit)) return *value;
  double factor = 0;
  if (text.ends_with('x') && parse_number(text.substr(0, text.size() - 1), factor) && factor > 0) {
    const double scaled = std::round(static_cast<double>(row.get(machine)) * factor);
    if (scaled <= static_cast<double>(row.max)) return static_cast<std::int64_t>(scaled);
  }
  throw InputError(std::string(kSet), fmt::format("{} = {}", row.key(), text),
                   fmt::format("{} {}, or a factor such as 2x", row.range(), row.unit));
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

void require(bool holds, const Machine& machine, const char* what, const char* expected) {
  if (!holds) throw InputError("machine " + machine.name, what, expected);
}

// Whatever a refresh interrupts can go on before the next one.
void validate_banks(const Machine& machine) {
  require(machine.dram_row_bytes % machine.dram_burst_bytes == 0, machine,
          "dram.row_bytes is not a whole number of bursts", "a multiple of dram.burst_bytes");
  const std::int64_t refresh = machine.dram_trp + machine.dram_trfc;
  const std::int64_t burst = machine.dram_trcd + machine.dram_burst_picoseconds();
  require(machine.dram_trefi > refresh + std::max(machine.dram_tras, burst), machine,
          "no burst fits between two refreshes of the weight memory",
          "dram.trefi > trp + trfc + max(tras, trcd + a burst at dram.bytes_per_second)");
}

std::string read_file_text(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path, kMaxMachineFile);
  return {bytes.begin(), bytes.end()};
}

// Whether a TOML text has blank lines and comments only.
bool is_empty(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::size_t first = text.substr(0, end).find_first_not_of(" \t\r");
    if (first != std::string_view::npos && text[first] != '#') return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

// A file's values, and its name and base as they are written there.
Machine read_machine(std::string_view text, const std::string& where);

// The preset as its file has it; nothing if there is none.
std::optional<Machine> preset(const std::string& name) {
  const auto file = is_file_name(name) ? std::nullopt : preset_file(name);
  if (!file) return std::nullopt;
  Machine machine = read_machine(read_file_text(file->string()), file->string());
  machine.name = name;
  return machine;
}

// The preset that a file begins with.
Machine read_base(const toml::node& node, const std::string& where) {
  const std::string name = read_text(node, "base", where);
  if (auto machine = preset(name)) {
    machine->base = name;
    machine->name.clear();
    return *std::move(machine);
  }
  const std::vector<std::string> known = machine_names();
  throw InputError(place(where, node),
                   fmt::format("base = \"{}\"{}", name, did_you_mean(name, known)),
                   fmt::format("one of {}", fmt::join(known, ", ")));
}

// What stands behind the '=' of a line (from 1) and wants quotes, and what that is: people write
// 1.5GHz and everything without them. Nothing if it is neither.
struct Unquoted {
  std::string text, what;
};
Unquoted unquoted(std::string_view text, std::size_t line) {
  while (--line > 0) text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
  text = text.substr(0, std::min(text.find_first_of("#\r\n"), text.size()));
  text.remove_prefix(std::min(text.find('=') + 1, text.size()));
  text = trimmed(text);
  const std::size_t unit = text.find_first_not_of("0123456789._ ");
  const auto letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  const bool quantity = unit != 0 && unit != std::string_view::npos && letter(text[unit]) &&
                        text.substr(unit) != "x";  // a factor, in quotes or not
  if (quantity) return {std::string(text), "a value with its unit"};
  const auto in_word = [&](char c) { return letter(c) || c == '_' || (c >= '0' && c <= '9'); };
  const bool is_word = !text.empty() && letter(text.front()) && std::ranges::all_of(text, in_word);
  return is_word ? Unquoted{std::string(text), "text"} : Unquoted{};
}

Machine read_machine(std::string_view text, const std::string& where) {
  check_toml_depth(text, where);
  Machine machine;
  machine.name.clear();
  try {
    const toml::table root = toml::parse(text, where);
    if (const toml::node* base = root.get("base")) machine = read_base(*base, where);
    for (const auto& [key, node] : root) {
      if (key.str() == "base") continue;
      if (key.str() == "name") {
        machine.name = read_text(node, "name", where);
      } else if (key.str() == "text") {
        machine.text = clean(read_text(node, "text", where));
      } else {
        read_section(machine, key.str(), node, where);
      }
    }
  } catch (const toml::parse_error& error) {
    const std::size_t line = error.source().begin.line;
    const auto [bare, what] = unquoted(text, line);
    throw InputError(
        fmt::format("{}:{}", where, line),
        bare.empty() ? std::string(error.description()) : bare + " is no TOML value",
        bare.empty() ? "a TOML file" : fmt::format("\"{}\": {} stands in quotes", bare, what));
  }
  return machine;
}

// Whose values were changed no longer is what its text says.
void describe_changes(Machine& machine, const Machine& origin) {
  if (machine != origin && machine.text == origin.text) {
    machine.text = "changed from " + origin.name;
  }
}

// Names a machine that was read. What claims to be a preset is called by how it differs from it, as
// is, behind its own name, what begins with one: by its values, which may have been edited since a
// name was written.
void set_name(Machine& machine, const std::string& own_name) {
  const std::string name = clean(own_name.empty() ? machine.base : own_name);
  const std::string claimed = name.substr(0, name.find(" + "));
  const auto origin = claimed.empty() ? std::make_optional<Machine>() : preset(claimed);
  if (origin) {
    machine.name = changed_name(origin->name, *origin, machine);
    machine.base.clear();
    if (machine != *origin) machine.origin = std::make_shared<const Machine>(*origin);
    describe_changes(machine, *origin);
    return;
  }
  machine.name = bounded_name(name);
  if (machine.base.empty()) return;
  const Machine base = preset(machine.base).value();
  machine.name = fmt::format("{} ({})", bounded_name(name.substr(0, name.find(" ("))),
                             changed_name(machine.base, base, machine));
  describe_changes(machine, base);
}

Machine load_unchanged(const std::string& name_or_file) {
  if (const auto machine = preset(name_or_file)) {
    validate(*machine);
    return *machine;
  }
  std::error_code error;
  if (!is_file_name(name_or_file) && !fs::is_regular_file(name_or_file, error)) {
    throw InputError("machine " + name_or_file,
                     "no such machine" + did_you_mean(name_or_file, machine_names()),
                     fmt::format("a .toml file or one of {}", fmt::join(machine_names(), ", ")));
  }
  const FileKind kind = file_kind(name_or_file);
  if (kind == FileKind::kProgram || kind == FileKind::kProgramText || kind == FileKind::kOnnx) {
    throw InputError(name_or_file, kind == FileKind::kOnnx ? "is a model" : "is a program",
                     "a machine: a .toml or .cfg file, or a name that `systole machines` lists");
  }
  const std::string text = read_file_text(name_or_file);
  if (is_empty(text)) {
    throw InputError(name_or_file, "says nothing", "name, base or parameters of a machine");
  }
  const std::string stem = fs::path(name_or_file).stem().string();
  if (kind != FileKind::kScaleSimConfig) return machine_from_toml(text, name_or_file, stem);
  Machine machine = machine_from_scalesim(text, name_or_file, load_unchanged("scale_sim_ws"));
  set_name(machine, machine.name);
  validate(machine);
  return machine;
}

}  // namespace

Machine machine_from_toml(std::string_view text, const std::string& where,
                          const std::string& own_name) {
  Machine machine = read_machine(text, where);
  set_name(machine, machine.name.empty() ? own_name : machine.name);
  validate(machine);
  return machine;
}

Machine load_machine(const std::string& name_or_file) {
  constexpr std::string_view kPlus = " + ";
  std::size_t at = name_or_file.find(kPlus);
  std::error_code error;
  if (at == std::string::npos || fs::exists(name_or_file, error)) {
    return load_unchanged(name_or_file);
  }
  Machine machine = load_unchanged(name_or_file.substr(0, at));
  while (at != std::string::npos) {
    const std::size_t begin = at + kPlus.size();
    at = name_or_file.find(kPlus, begin);
    set_parameter(machine, name_or_file.substr(begin, at - begin));
  }
  validate(machine);
  return machine;
}

void set_parameter(Machine& machine, const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos) {
    throw InputError(kSet, fmt::format("'{}' has no '='", assignment),
                     "key=value, such as array.rows=128");
  }
  const std::string_view key = trimmed(std::string_view(assignment).substr(0, equals));
  const std::string_view value = trimmed(std::string_view(assignment).substr(equals + 1));
  const Row& row = row_of(key, kSet);
  Machine changed = machine;
  if (row.is_choice()) {
    row.set_name(changed, value, kSet);
  } else {
    row.set_checked(changed, parse_value(row, machine, value), kSet);
  }
  if (!changed.origin) changed.origin = std::make_shared<const Machine>(machine);
  changed.name = changed_name(changed.origin->name, *changed.origin, changed);
  changed.text = changed.origin->text;
  describe_changes(changed, *changed.origin);
  machine = std::move(changed);
}

void validate(const Machine& machine) {
  require(machine.unified_buffer_bytes >= machine.unified_buffer_row_bytes, machine,
          "unified_buffer.bytes holds no row", "at least unified_buffer.row_bytes");
  require(machine.ub_rows() <= std::int64_t{1} << 24, machine,
          "the unified buffer has more than 2^24 rows, which no instruction can address",
          "a larger unified_buffer.row_bytes or a smaller unified_buffer.bytes");
  require(machine.dram_bytes >= tile_bytes(machine), machine, "dram.bytes holds no weight tile",
          "at least array.rows * array.columns bytes");
  const std::int64_t lanes = machine.array_operands == Operands::kIntegers ? 0 : 2 * machine.r();
  require(machine.unified_buffer_row_bytes >= lanes, machine,
          "unified_buffer.row_bytes holds no row of bf16, which enters the array in a cycle",
          "at least 2 * array.rows");
  if (machine.dram_kind == DramKind::kBanked) validate_banks(machine);
}

std::vector<std::string> machine_names() {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(data_path("machines"), error)) {
    if (entry.path().extension() == ".toml") names.insert(entry.path().stem().string());
  }
  return {names.begin(), names.end()};
}

std::vector<ParameterView> parameters(const Machine& machine) {
  std::vector<ParameterView> views;
  for (const Row& row : rows()) {
    views.push_back({row.key(), std::string(row.unit), row.value_text(machine), row.range(),
                     std::string(row.text)});
  }
  return views;
}

std::vector<std::pair<std::string, std::string>> heading(const Machine& machine) {
  std::vector<std::pair<std::string, std::string>> lines = {{"name", quote(machine.name)},
                                                            {"text", quote(machine.text)}};
  const bool as_its_file = machine.origin == nullptr;  // what was set since is in the name alone
  if (as_its_file && !machine.base.empty()) lines.emplace_back("base", quote(machine.base));
  return lines;
}

std::string to_toml(const Machine& machine) {
  std::string out;
  for (const auto& [key, value] : heading(machine)) out += fmt::format("{} = {}\n", key, value);
  std::string_view section;
  for (const Row& row : rows()) {
    if (row.section != section) out += fmt::format("\n[{}]\n", row.section);
    section = row.section;
    const std::string value = row.value_text(machine);
    out += fmt::format("{} = {}\n", row.name, row.is_choice() ? quote(value) : value);
  }
  return out;
}

}  // namespace systole::isa
