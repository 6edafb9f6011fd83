// systole validate: one command for every rung of the validation ladder.
#include "cli/validate.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "base/clean.h"
#include "base/diag.h"
#include "base/json_text.h"
#include "base/source.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "isa/suggest.h"

namespace systole::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Rung {
  std::string_view name, text;
  bool takes_data;
  Validation (*run)(const ValidateRequest&);
};
constexpr auto kRungs = std::to_array<Rung>({
    {"rtl", "the matrix unit in SystemVerilog, every accumulator write in its cycle", false,
     validate_rtl},
    {"onnx", "ONNX's own operator tests (Debian: libonnx-testdata)", true, validate_onnx},
    {"ort", "stored outputs of ONNX Runtime on quantised models, by class of equality", true,
     validate_ort},
    {"paper", "TPU v1's published counters (Jouppi et al., ISCA 2017, Table 3)", true,
     validate_paper},
    {"h100", "the GPU model on measured products of a real H100, rows it was not fitted on", true,
     validate_h100},
    {"host", "the CPU model fitted on this computer, on products it was not fitted on", true,
     validate_host},
    {"scalesim", "SCALE-Sim's weight-stationary cycles, layer by layer", false, validate_scalesim},
});

struct Options {
  std::string rung, data;
  bool json = false;
};

std::string rung_names() {
  std::string names;
  for (const Rung& rung : kRungs) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", rung.name);
  }
  return names;
}

const Rung& rung_named(const std::string& name) {
  const auto* const rung =
      std::find_if(kRungs.begin(), kRungs.end(), [&](const Rung& r) { return r.name == name; });
  if (rung == kRungs.end()) {
    std::vector<std::string> known;
    for (const Rung& r : kRungs) known.emplace_back(r.name);
    throw InputError("rung " + name, "no such rung" + isa::did_you_mean(name, known),
                     "one of " + rung_names());
  }
  return *rung;
}

std::string cell_text(const Json& value, int decimals) {
  if (value.is_null()) return "-";
  if (value.is_string()) return markdown_cell(value.get<std::string>());
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  return fmt::format("{:.{}f}", value.get<double>(), decimals);
}

std::string table_text(const ValidationTable& table) {
  std::vector<std::size_t> widths;
  for (const ValidationColumn& column : table.columns) {
    std::size_t width = column.heading.size();
    for (const Json& row : table.rows) {
      width = std::max(width, width_of(cell_text(row.at(column.key), column.decimals)));
    }
    widths.push_back(width);
  }
  std::string head = "|", rule = "|", body;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    head += fmt::format(" {:<{}} |", table.columns[i].heading, widths[i]);
    rule += std::string(widths[i] + 2, '-') + "|";
  }
  for (const Json& row : table.rows) {
    body += "|";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const Json& value = row.at(table.columns[i].key);
      const std::string text = cell_text(value, table.columns[i].decimals);
      const bool left = value.is_string();
      body += left ? fmt::format(" {:<{}} |", text, widths[i])
                   : fmt::format(" {:>{}} |", text, widths[i]);
    }
    body += "\n";
  }
  return fmt::format("{}\n\n{}\n{}\n{}\n", clean(table.title), head, rule, body);
}

std::string tally_text(const ValidationTally& tally) {
  std::string text = fmt::format("passed {}, failed {}", tally.passed, tally.failed);
  for (const auto& [reason, count] : tally.skipped) {
    text += fmt::format(", skipped {} ({})", count, clean(reason));
  }
  return text + "\n";
}

void validate(const Options& o) {
  const Rung& rung = rung_named(o.rung);
  if (!o.data.empty() && !rung.takes_data) {
    throw InputError("--data", fmt::format("rung {} takes no data", rung.name), "no --data");
  }
  const Validation result = rung.run({o.data});
  fmt::print("{}", o.json ? validation_json(o.rung, result) : validation_text(result));
  if (result.tally && result.tally->failed > 0) {
    throw InputError("validate " + o.rung, fmt::format("{} case(s) failed", result.tally->failed),
                     "none");
  }
}

}  // namespace

std::string validation_text(const Validation& validation) {
  std::string text;
  for (const ValidationTable& table : validation.tables) text += table_text(table);
  if (validation.tally) text += tally_text(*validation.tally);
  for (const auto& [key, value] : validation.figures) {
    std::string words = key;
    std::replace(words.begin(), words.end(), '_', ' ');
    text += fmt::format("{}: {:.2f}\n", words, value);
  }
  for (const std::string& note : validation.notes) text += "- " + markdown_cell(note) + "\n";
  return text;
}

std::string validation_json(const std::string& rung, const Validation& validation) {
  Json json{{"rung", rung}, {"version", program_version()}};
  if (validation.tally) {
    json["passed"] = validation.tally->passed;
    json["failed"] = validation.tally->failed;
    json["skipped"] = validation.tally->skipped;
  }
  for (const auto& [key, value] : validation.figures) json[key] = value;
  for (const ValidationTable& table : validation.tables) json[table.key] = table.rows;
  json["notes"] = validation.notes;
  return json_text(json);
}

void add_validate(CLI::App& app, const std::string& /*command_line*/) {
  std::string rungs = "Rungs:\n";
  for (const Rung& rung : kRungs) {
    const std::string name = fmt::format("  {:<10}", rung.name);
    rungs += name + wrapped(std::string(rung.text), name.size(), name.size()) + "\n";
  }
  CLI::App* command =
      app.add_subcommand("validate", "compares the simulator with what it did not make itself");
  const auto o = std::make_shared<Options>();
  command->add_option("RUNG", o->rung, "one of " + rung_names())->required();
  command->add_option("--data", o->data, "measured rows to compare with, for rungs that take them")
      ->type_name("FILE");
  command->add_flag("--json", o->json, "prints the tables as JSON");
  command->footer(rungs + "Example:\n  systole validate scalesim");
  command->callback([o] { validate(*o); });
}

}  // namespace systole::cli
