// Rungs v6e and v3: products, and of v6e blocks, of a real TPU, operands and result in its memory,
// beside the machine's time for them and a plain formula.
//
// The machine's time is a run of a program for the row (tpu_rows.h), timing only. Some figures of
// tpu_v6e's machine file were fitted on a part of the rows that come along, none of tpu_v3's. The
// formula is the larger of two times, without a fitted number: all multiply-adds at the peak rate,
// and each operand's and the result's bytes once at the peak bandwidth. Beside what was fitted
// stands a formula of as many fitted numbers (tpu_formula.h), too.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/diag.h"
#include "base/source.h"
#include "base/terminal.h"
#include "validate/tpu_fit.h"
#include "validate/tpu_formula.h"
#include "validate/tpu_rows.h"
#include "validate/validation.h"

namespace systole::validate {
namespace {

constexpr double kMicro = 1e6;

// What a rung compares.
struct Chip {
  const char* machine;
  std::vector<const char*> data;  // rows that come along
  const char* fit;                // the names of those that the machine was fitted on; null: none
  const char* title;
};

double formula_seconds(const isa::Machine& machine, const TpuRow& row) {
  return std::max(row.macs() / machine.peak_macs_per_second(),
                  row.bytes() / static_cast<double>(machine.dram_bytes_per_second));
}

// Nothing where the machine has no room for the row.
std::optional<double> machine_seconds(const isa::Machine& machine, const TpuRow& row) {
  try {
    return tpu_seconds(machine, row);
  } catch (const InputError&) {
    return std::nullopt;
  }
}

double error_percent(double modelled, double measured) {
  return 100.0 * (modelled - measured) / measured;
}

// Whether the chip takes as much longer as one more reading of a weight, to 4 % of its time: the
// measured compiler copied one, or read it again.
bool is_copied(const isa::Machine& machine, const TpuRow& row, double seconds) {
  constexpr double kLeast = 0.08, kNear = 0.04;
  const double excess = row.seconds - seconds;
  if (excess < kLeast * row.seconds) return false;
  const std::vector<double> weights = row.weight_bytes();
  return std::ranges::any_of(weights, [&](double bytes) {
    const double reading = bytes / static_cast<double>(machine.delivered_bytes_per_second());
    return std::abs(excess - reading) < kNear * row.seconds;
  });
}

// Mean absolute errors of the rows of a group.
struct Group {
  std::int64_t rows = 0;
  double machine = 0.0, formula = 0.0, fitted = 0.0;

  void add(double machine_error, double formula_error, double fitted_error) {
    ++rows;
    machine += std::abs(machine_error);
    formula += std::abs(formula_error);
    fitted += std::abs(fitted_error);
  }
  [[nodiscard]] double mean(double sum) const {
    return rows == 0 ? 0.0 : sum / static_cast<double>(rows);
  }
};

std::string group_of(const TpuRow& row) {
  if (row.op != "gemm") return row.op;
  if (row.dims[0] == 1) return "m = 1";
  return row.dims[0] < 256 ? "m = 2 to 255" : "m = 256 and more";
}

ValidationTable new_cases(const Chip& chip) {
  return {"cases",
          chip.title,
          {{"row", "row"},
           {"fitted", "fitted on"},
           {"measured_us", "measured us", 2},
           {"machine_us", "machine us", 2},
           {"error_percent", "error %", 1},
           {"formula_us", "formula us", 2},
           {"formula_error_percent", "formula error %", 1}},
          {}};
}

ValidationTable group_table(const char* key, const char* title,
                            const std::map<std::string, Group>& groups, bool fitted) {
  ValidationTable table{key,
                        title,
                        {{"group", "group"},
                         {"rows", "rows"},
                         {"error_percent", "machine %", 1},
                         {"formula_error_percent", "formula %", 1}},
                        {}};
  if (fitted) table.columns.push_back({"fitted_formula_error_percent", "fitted formula %", 1});
  for (const auto& [name, group] : groups) {
    nlohmann::ordered_json row{{"group", name},
                               {"rows", group.rows},
                               {"error_percent", group.mean(group.machine)},
                               {"formula_error_percent", group.mean(group.formula)}};
    if (fitted) row["fitted_formula_error_percent"] = group.mean(group.fitted);
    table.rows.push_back(std::move(row));
  }
  return table;
}

// What has been found so far.
struct Found {
  ValidationTable cases;
  std::map<std::string, Group> groups,
      seen;  // by what is alike; by operation and whether fitted on
  Group all;
  std::int64_t without_room = 0;
  TpuFormula fit;  // of as many numbers as the machine's
  std::vector<std::string> copied = {};

  void add(const isa::Machine& machine, const TpuRow& row, bool fitted);
};

void Found::add(const isa::Machine& machine, const TpuRow& row, bool fitted) {
  const double formula = formula_seconds(machine, row);
  const double formula_error = error_percent(formula, row.seconds);
  nlohmann::ordered_json json{{"row", row.name},
                              {"fitted", fitted ? "yes" : "no"},
                              {"measured_us", row.seconds * kMicro},
                              {"machine_us", nullptr},
                              {"error_percent", nullptr},
                              {"formula_us", formula * kMicro},
                              {"formula_error_percent", formula_error}};
  if (const auto seconds = machine_seconds(machine, row)) {
    const double error = error_percent(*seconds, row.seconds);
    if (is_copied(machine, row, *seconds)) copied.push_back(row.name);
    json["machine_us"] = *seconds * kMicro;
    json["error_percent"] = error;
    const double fit_error = error_percent(fit.seconds(machine, row), row.seconds);
    groups[group_of(row)].add(error, formula_error, fit_error);
    seen[row.op + (fitted ? ", fitted on" : ", others")].add(error, formula_error, fit_error);
    all.add(error, formula_error, fit_error);
  } else {
    ++without_room;
  }
  cases.rows.push_back(std::move(json));
}

std::vector<std::string> notes_of(const Chip& chip, const isa::Machine& machine,
                                  std::int64_t without_room) {
  std::vector<std::string> notes = {
      chip.fit == nullptr
          ? fmt::format("machine {}, whose figures are published, derived or assumed "
                        "(machines/{}.toml); nothing in it was fitted to these rows",
                        machine.name, chip.machine)
          : fmt::format("machine {}, of whose figures seven were fitted to rows of these tables "
                        "(machines/{}.toml, {})",
                        machine.name, chip.machine, chip.fit),
      "formula, without a fitted number: the larger of all multiply-adds at the peak rate and all "
      "operands' bytes, once, at the peak bandwidth",
      "of operands in bfloat16, which begin and end in the chip's memory"};
  if (chip.fit != nullptr) {
    notes.emplace_back("fitted formula: of seven numbers, fitted to the same rows");
  }
  if (without_room > 0)
    notes.push_back(fmt::format("{} row(s) for which the machine has no room", without_room));
  return notes;
}

Validation validate(const Chip& chip, const ValidateRequest& request) {
  const Progress progress("validating");
  const isa::Machine machine = isa::load_machine(chip.machine);
  std::vector<std::string> paths = {request.data};
  if (request.data.empty()) {
    paths.clear();
    for (const char* data : chip.data) paths.push_back(data_path(data));
  }
  std::set<std::string> names;
  if (chip.fit != nullptr) names = read_fit_names(data_path(chip.fit));
  Found found{new_cases(chip), {}, {}, {}, 0, {}, {}};
  if (chip.fit != nullptr) found.fit = fitted_formula(machine, fit_rows(kAllMacs));
  for (const std::string& path : paths) {
    for (const TpuRow& row : read_tpu_rows(path)) found.add(machine, row, names.contains(row.name));
  }
  Validation result;
  result.tables = {std::move(found.cases),
                   group_table("groups", "Mean absolute errors by operation", found.groups, false)};
  if (chip.fit != nullptr) {
    result.tables.push_back(group_table(
        "seen", "The same, of the rows that were fitted on and the others", found.seen, true));
  }
  result.figures = {{"mean_error_percent", found.all.mean(found.all.machine)},
                    {"formula_mean_error_percent", found.all.mean(found.all.formula)}};
  result.notes = notes_of(chip, machine, found.without_room);
  if (chip.fit != nullptr && !found.copied.empty()) {
    result.notes.push_back(
        fmt::format("{} row(s) take as much longer as one more reading of a "
                    "weight, copied by the measured compiler: {}",
                    found.copied.size(), fmt::join(found.copied, "; ")));
  }
  return result;
}

}  // namespace

Validation validate_v6e(const ValidateRequest& request) {
  return validate({"tpu_v6e",
                   {"compare/model/data/tpu_v6e_gemm.csv", "compare/model/data/tpu_v6e_blocks.csv",
                    "compare/model/data/tpu_v6e_sdpa.csv"},
                   "compare/model/data/tpu_v6e_fit_rows.txt",
                   "Products and blocks in 16-bit floats on one TPU v6e"},
                  request);
}

Validation validate_v3(const ValidateRequest& request) {
  return validate({"tpu_v3",
                   {"compare/model/data/tpu_v3_gemm.csv"},
                   nullptr,
                   "Products of 16-bit floats on one core of a TPU v3"},
                  request);
}

}  // namespace systole::validate
