// Rungs v6e and v3: products of a real TPU, operands and result in its memory, beside the machine's
// time for them and a plain formula.
//
// The machine's time is a run of memory_product (compiler/lower), timing only; its machine file has
// published, derived and assumed figures, none of them fitted. The formula is the larger of two
// times, also without a fitted number: all multiply-adds at the peak rate, and each operand's and
// the result's bytes once at the peak bandwidth. What neither has is what a real program costs
// before it starts, and what its compiler does not reach.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "base/diag.h"
#include "base/source.h"
#include "base/terminal.h"
#include "compare/model/fit.h"
#include "compiler/lower/memory_product.h"
#include "sim/run.h"
#include "validate/validation.h"

namespace systole::validate {
namespace {

constexpr double kMicro = 1e6;

// What a rung compares.
struct Chip {
  const char* machine;
  const char* data;  // rows that come along
  const char* title;
};

double formula_seconds(const isa::Machine& machine, const compare::Product& p) {
  const auto m = static_cast<double>(p.m), k = static_cast<double>(p.k),
             n = static_cast<double>(p.n);
  const double bytes = 2.0 * (m * k + k * n + m * n);
  return std::max(m * k * n / machine.peak_macs_per_second(),
                  bytes / static_cast<double>(machine.dram_bytes_per_second));
}

// Nothing where the machine has no room for the product.
std::optional<double> machine_seconds(const isa::Machine& machine, const compare::Product& p) {
  isa::Program program;
  try {
    program = compiler::memory_product(machine, {p.m, p.k, p.n});
  } catch (const InputError&) {
    return std::nullopt;
  }
  sim::RunOptions options;
  options.timing_only = true;
  return machine.seconds(sim::run(program, machine, {}, options).report.total.cycles);
}

double error_percent(double modelled, double measured) {
  return 100.0 * (modelled - measured) / measured;
}

// Mean absolute errors of the rows of a group.
struct Group {
  std::int64_t rows = 0;
  double machine = 0.0, formula = 0.0;

  void add(double machine_error, double formula_error) {
    ++rows;
    machine += std::abs(machine_error);
    formula += std::abs(formula_error);
  }
  [[nodiscard]] double mean(double sum) const {
    return rows == 0 ? 0.0 : sum / static_cast<double>(rows);
  }
};

const char* group_of(const compare::Product& p) {
  if (p.m == 1) return "m = 1";
  if (p.m < 256) return "m = 2 to 255";
  return "m = 256 and more";
}

ValidationTable new_cases(const Chip& chip) {
  return {"cases",
          chip.title,
          {{"m", "m"},
           {"k", "k"},
           {"n", "n"},
           {"measured_us", "measured us", 2},
           {"machine_us", "machine us", 2},
           {"error_percent", "error %", 1},
           {"formula_us", "formula us", 2},
           {"formula_error_percent", "formula error %", 1}},
          {}};
}

ValidationTable group_table(const std::map<std::string, Group>& groups) {
  ValidationTable table{"groups",
                        "Mean absolute errors by rows of the first operand",
                        {{"group", "group"},
                         {"rows", "rows"},
                         {"error_percent", "machine %", 1},
                         {"formula_error_percent", "formula %", 1}},
                        {}};
  for (const auto& [name, group] : groups) {
    table.rows.push_back({{"group", name},
                          {"rows", group.rows},
                          {"error_percent", group.mean(group.machine)},
                          {"formula_error_percent", group.mean(group.formula)}});
  }
  return table;
}

Validation validate(const Chip& chip, const ValidateRequest& request) {
  const Progress progress("validating");
  const isa::Machine machine = isa::load_machine(chip.machine);
  const std::string path = request.data.empty() ? data_path(chip.data) : request.data;
  ValidationTable cases = new_cases(chip);
  std::map<std::string, Group> groups;
  Group all;
  std::int64_t without_room = 0;
  for (const compare::ProductRow& row : compare::read_product_rows(path)) {
    const compare::Product& p = row.product;
    const double formula = formula_seconds(machine, p);
    const double formula_error = error_percent(formula, row.seconds);
    nlohmann::ordered_json json{{"m", p.m},
                                {"k", p.k},
                                {"n", p.n},
                                {"measured_us", row.seconds * kMicro},
                                {"machine_us", nullptr},
                                {"error_percent", nullptr},
                                {"formula_us", formula * kMicro},
                                {"formula_error_percent", formula_error}};
    if (const auto seconds = machine_seconds(machine, p)) {
      const double error = error_percent(*seconds, row.seconds);
      json["machine_us"] = *seconds * kMicro;
      json["error_percent"] = error;
      groups[group_of(p)].add(error, formula_error);
      all.add(error, formula_error);
    } else {
      ++without_room;
    }
    cases.rows.push_back(std::move(json));
  }
  Validation result;
  result.tables = {std::move(cases), group_table(groups)};
  result.figures = {{"mean_error_percent", all.mean(all.machine)},
                    {"formula_mean_error_percent", all.mean(all.formula)}};
  result.notes = {
      fmt::format("machine {}, whose figures are published, derived or assumed (machines/{}.toml); "
                  "nothing in it, in the program or in the formula was fitted to these rows",
                  machine.name, chip.machine),
      "formula: the larger of all multiply-adds at the peak rate and all operands' bytes, once, at "
      "the peak bandwidth",
      "of operands in bfloat16, which begin and end in the chip's memory"};
  if (without_room > 0)
    result.notes.push_back(
        fmt::format("{} row(s) for which the machine has no room", without_room));
  return result;
}

}  // namespace

Validation validate_v6e(const ValidateRequest& request) {
  return validate({"tpu_v6e", "compare/model/data/tpu_v6e_gemm.csv",
                   "Products of 16-bit floats on one TPU v6e"},
                  request);
}

Validation validate_v3(const ValidateRequest& request) {
  return validate({"tpu_v3", "compare/model/data/tpu_v3_gemm.csv",
                   "Products of 16-bit floats on one core of a TPU v3"},
                  request);
}

}  // namespace systole::validate
