// Rung gpu: the models of GPUs against measured tables (compare/model/data, sources in the files):
// products, convolutions, softmax, layer norm and layers of Llama, by device, precision and kind.
//
// Of the shared tables a row was fitted on if the SHA-256 of its fields before the time is even,
// and is unseen otherwise. With --data FILE the rows of any table of the same columns are compared;
// those that are no shared row are unseen. Rung h100 is the same on the products of one H100.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "base/source.h"
#include "base/terminal.h"
#include "compare/model/gpu_fit.h"
#include "validate/validation.h"

namespace systole::validate {
namespace {

using compare::GpuKind;
using compare::GpuRow;
using compare::GpuTable;
using Json = nlohmann::ordered_json;

// Mean errors of one group, of the rows fitted on and of the others.
struct Group {
  double fitted = 0.0, unseen = 0.0, bias = 0.0;  // sums; the bias is of the unseen rows
  std::int64_t fitted_rows = 0, unseen_rows = 0;

  void add(double error, bool seen) {
    (seen ? fitted : unseen) += std::abs(error);
    (seen ? fitted_rows : unseen_rows) += 1;
    if (!seen) bias += error;
  }
  [[nodiscard]] Json mean(double sum, std::int64_t rows) const {
    return rows == 0 ? Json(nullptr) : Json(sum / static_cast<double>(rows));
  }
  [[nodiscard]] std::int64_t rows() const { return fitted_rows + unseen_rows; }
  [[nodiscard]] double all() const { return (fitted + unseen) / static_cast<double>(rows()); }
};

struct Goal {
  const char* name;
  double percent;
  bool (*holds)(const GpuRow& row);
};
bool is_norm(const GpuRow& row) {
  return row.kind == GpuKind::kSoftmax || row.kind == GpuKind::kLayerNorm;
}
// What was to be reached on unseen rows, as means of groups.
constexpr auto kGoals = std::to_array<Goal>({
    {"fp32 products", 15.0,
     [](const GpuRow& r) { return r.source == "NeuSight" && r.kind == GpuKind::kProduct; }},
    {"H100 and B200 products", 15.0, [](const GpuRow& r) { return r.source == "XLA"; }},
    {"H100 bf16", 8.0, [](const GpuRow& r) { return r.device == "h100" && r.precision == "bf16"; }},
    {"Llama layers", 20.0, [](const GpuRow& r) { return r.source == "Vidur"; }},
    {"DeepBench products", 20.0,
     [](const GpuRow& r) { return r.source == "DeepBench" && r.kind == GpuKind::kProduct; }},
    {"convolution", 25.0, [](const GpuRow& r) { return r.kind == GpuKind::kConvolution; }},
    {"softmax and layer norm", 20.0,
     [](const GpuRow& r) { return r.source == "NeuSight" && is_norm(r); }},
    {"A100 operations", 20.0, [](const GpuRow& r) { return r.source == "LLMCompass"; }},
});

std::set<std::string> fitted_keys() {
  std::set<std::string> keys;
  for (const GpuTable& table : compare::shared_gpu_tables()) {
    for (const GpuRow& row : table.rows) {
      if (row.fitted_on) keys.insert(row.source + "," + row.key);
    }
  }
  return keys;
}

// Groups by name, in the order in which they come.
class Groups {
 public:
  Group& operator[](const std::string& name) {
    const auto found = std::ranges::find(groups_, name, &Named::first);
    if (found != groups_.end()) return found->second;
    groups_.emplace_back(name, Group{});
    return groups_.back().second;
  }
  using Named = std::pair<std::string, Group>;
  [[nodiscard]] const std::vector<Named>& all() const { return groups_; }
  void sort() { std::ranges::sort(groups_, {}, &Named::first); }

 private:
  std::vector<Named> groups_;
};

void add_group(const std::string& name, const Group& group, const Json& goal,
               ValidationTable& table) {
  table.rows.push_back({{"group", name},
                        {"fitted_rows", group.fitted_rows},
                        {"fitted_error_percent", group.mean(group.fitted, group.fitted_rows)},
                        {"unseen_rows", group.unseen_rows},
                        {"unseen_error_percent", group.mean(group.unseen, group.unseen_rows)},
                        {"unseen_bias_percent", group.mean(group.bias, group.unseen_rows)},
                        {"goal_percent", goal}});
}

ValidationTable new_table(const char* key, const char* title, const char* heading, bool goals) {
  ValidationTable table{key,
                        title,
                        {{"group", heading},
                         {"fitted_rows", "rows fitted"},
                         {"fitted_error_percent", "error %", 1},
                         {"unseen_rows", "rows unseen"},
                         {"unseen_error_percent", "error %", 1},
                         {"unseen_bias_percent", "bias %", 1}},
                        {}};
  if (goals) table.columns.push_back({"goal_percent", "goal %", 0});
  return table;
}

// Everything that is told of the rows.
struct Findings {
  Group all;
  Groups by_kind, by_goal;
  ValidationTable cases{"cases", "Rows", {}, {}, false};
};

void take(const GpuRow& row, bool seen, Findings& findings) {
  const compare::Device& device = *compare::find_device(row.device);
  const double error = compare::error_percent(device, row);
  findings.all.add(error, seen);
  findings.by_kind[fmt::format("{} {} {}", row.device, row.precision, row.operation)].add(error,
                                                                                          seen);
  for (const Goal& goal : kGoals) {
    if (goal.holds(row)) findings.by_goal[goal.name].add(error, seen);
  }
  findings.cases.rows.push_back({{"device", row.device},
                                 {"precision", row.precision},
                                 {"operation", row.operation},
                                 {"shape", row.shape},
                                 {"use", seen ? "fitted" : "unseen"},
                                 {"measured_us", row.seconds * 1e6},
                                 {"modelled_us", compare::modelled_seconds(device, row) * 1e6},
                                 {"error_percent", error}});
}

ValidationTable worst_of(const ValidationTable& cases) {
  constexpr std::ptrdiff_t kShown = 10;
  ValidationTable worst{"worst",
                        "The unseen rows that are farthest off",
                        {{"device", "device"},
                         {"precision", "type"},
                         {"operation", "operation"},
                         {"shape", "shape"},
                         {"measured_us", "measured us", 1},
                         {"modelled_us", "modelled us", 1},
                         {"error_percent", "error %", 0}},
                        {}};
  for (const Json& row : cases.rows) {
    if (row.at("use") == "unseen") worst.rows.push_back(row);
  }
  const auto off = [](const Json& row) {
    return std::abs(
        std::log(row.at("modelled_us").get<double>() / row.at("measured_us").get<double>()));
  };
  std::ranges::stable_sort(worst.rows, std::greater{}, off);
  if (std::ssize(worst.rows) > kShown) worst.rows.resize(kShown);
  return worst;
}

std::vector<std::string> notes_of(const std::vector<GpuTable>& tables) {
  std::vector<std::string> notes = {
      "error: mean over rows of |modelled - measured| / measured; bias: mean of the signed errors",
      "fitted: of the shared tables the rows whose fields before the time, joined by commas as "
      "they "
      "stand in the file, have an even SHA-256; unseen: all others",
      "peaks, units, caches and bandwidths are published figures, at most six figures a device are "
      "fitted (compare/model/devices.def; bench/fit_gpu makes them)"};
  for (const GpuTable& table : tables) {
    for (const auto& [reason, count] : table.skipped) {
      notes.push_back(fmt::format("{}: {} left out: {}", table.name, count, reason));
    }
  }
  return notes;
}

Validation compared(const std::vector<GpuTable>& tables) {
  const std::set<std::string> fitted = fitted_keys();
  Findings findings;
  for (const GpuTable& table : tables) {
    for (const GpuRow& row : table.rows) {
      take(row, row.fitted_on && fitted.contains(row.source + "," + row.key), findings);
    }
  }
  findings.by_kind.sort();
  Validation result;
  ValidationTable goals = new_table("by_goal", "By source", "group", true);
  for (const Goal& goal : kGoals) {
    const Group group = findings.by_goal[goal.name];
    if (group.rows() == 0) continue;
    add_group(goal.name, group, goal.percent, goals);
    result.groups.emplace_back(goal.name, group.all());
  }
  ValidationTable kinds = new_table("by_device", "By device, precision and operation",
                                    "device, type, operation", false);
  for (const auto& [name, group] : findings.by_kind.all()) {
    add_group(name, group, nullptr, kinds);
    result.groups.emplace_back(name, group.all());
  }
  const Group& all = findings.all;
  result.figures = {{"mean_error_percent", all.all()}};
  if (all.unseen_rows > 0) {
    result.figures.emplace_back("unseen_rows_mean_error_percent",
                                all.unseen / static_cast<double>(all.unseen_rows));
  }
  if (all.fitted_rows > 0) {
    result.figures.emplace_back("fitted_rows_mean_error_percent",
                                all.fitted / static_cast<double>(all.fitted_rows));
  }
  ValidationTable worst = worst_of(findings.cases);
  if (!goals.rows.empty()) result.tables.push_back(std::move(goals));
  result.tables.push_back(std::move(kinds));
  if (!worst.rows.empty()) result.tables.push_back(std::move(worst));
  result.tables.push_back(std::move(findings.cases));
  result.notes = notes_of(tables);
  return result;
}

}  // namespace

Validation validate_gpu(const ValidateRequest& request) {
  const Progress progress("validating");
  if (request.data.empty()) return compared(compare::shared_gpu_tables());
  return compared({compare::read_gpu_table(request.data)});
}

Validation validate_h100(const ValidateRequest& request) {
  const Progress progress("validating");
  return compared({compare::read_gpu_table(
      request.data.empty() ? data_path("compare/model/data/h100_gemm_bf16.csv") : request.data)});
}

}  // namespace systole::validate
