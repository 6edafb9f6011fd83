// Layout of the explanation (story in explanation.h).
#include "report/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/clean.h"
#include "base/json_text.h"
#include "base/page.h"
#include "report/host_time.h"
#include "report/summary.h"
#include "report/why_json.h"

namespace systole::report {
namespace {

using Json = nlohmann::ordered_json;
using sim::Resource;

double ratio(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

LayerWaste waste_of(const Record& record, std::size_t layer) {
  const sim::LayerReport& report = record.report.layers[layer];
  const auto& matrix = report.counters.matrix;
  LayerWaste waste;
  waste.layer = layer;
  waste.name = report.name;
  waste.cycles = layer_cycles(record)[layer];
  const std::int64_t active = matrix[static_cast<std::size_t>(sim::Stall::kActive)].value;
  const std::int64_t pes = record.machine.pe_count();
  const bool known = layer < record.layer_macs.size() && record.model_macs > 0;
  const std::int64_t macs = known ? record.layer_macs[layer] : report.counters.macs_useful;
  const CycleCount needed(macs / (pes * record.machine.array_units));
  waste.wasted = std::max(CycleCount(0), waste.cycles - needed);
  waste.active = ratio(active, std::accumulate(matrix.begin(), matrix.end(), CycleCount(0)).value);
  waste.lanes = ratio(macs, active * pes);
  traces::ByResource waits = record.why->path.layers[layer];
  waits[index(Resource::kArray)] = CycleCount(0);
  waste.wait = traces::largest(waits);
  waste.wait_share = ratio(waits[index(waste.wait)].value, waste.cycles.value);
  return waste;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }

std::string path_table(const traces::CriticalPath& path) {
  std::string text = "Critical path: every cycle by what it went to (also: on a chain as long):\n";
  std::vector<Resource> order;
  for (std::size_t r = 0; r < sim::kResourceCount; ++r) order.push_back(static_cast<Resource>(r));
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](Resource r) { return path.by_resource[index(r)]; });
  for (const Resource r : order) {
    const CycleCount cycles = path.by_resource[index(r)], also = path.also[index(r)];
    if (cycles == CycleCount(0) && also == CycleCount(0)) continue;
    text +=
        fmt::format("  {:<18}{:>14} {:>7}{}\n", sim::info(r).name, grouped(cycles.value),
                    percent(path.share(r)),
                    also == CycleCount(0) ? "" : fmt::format("   also {}", grouped(also.value)));
  }
  return text;
}

std::string units_table(const Record& record) {
  std::string text = "Busy cycles of each unit:\n";
  const std::int64_t cycles = record.report.total.cycles.value;
  for (const sim::UnitReport& unit : record.report.units) {
    text += fmt::format("  {:<18}{:>14} {:>7}\n", unit.unit, grouped(unit.busy.value),
                        percent(ratio(unit.busy.value, cycles)));
  }
  return text;
}

std::string waste_table(const Record& record, std::size_t most) {
  const std::vector<LayerWaste> layers = layers_by_waste(record);
  const std::size_t shown = std::min(most, layers.size());
  std::string text = fmt::format(
      "Layers by waste, the cycles beyond their multiply-adds at full rate{}:\n"
      "  {:<18}{:>11}{:>11} {:>7} {:>7}  {}\n",
      shown < layers.size() ? fmt::format(" ({} of {})", shown, layers.size()) : "", "", "cycles",
      "wasted", "active", "lanes", "beside the array");
  for (std::size_t i = 0; i < shown; ++i) {
    const LayerWaste& l = layers[i];
    text += fmt::format("  {:<18}{:>11}{:>11} {:>7} {:>7}  {} {:.0f} %\n", clean(l.name, 17),
                        grouped(l.cycles.value), grouped(l.wasted.value), percent(l.active),
                        percent(l.lanes), sim::info(l.wait).name, 100.0 * l.wait_share);
  }
  return text;
}

std::string change_of(const traces::Change& change) {
  const bool halves = std::ranges::all_of(change.resources, [](Resource resource) {
    return sim::info(resource).kind == sim::ResourceKind::kLatency;
  });
  std::vector<std::string> parts;
  for (const std::string& key : traces::change_keys(change)) {
    parts.push_back(key + (halves ? "=0.5x" : "=2x"));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

constexpr std::size_t kChangeWidth = 51, kLongestChange = 300;

std::string changes_table(const Record& record, const std::vector<Asked>& asked) {
  std::string text = fmt::format("{:<54}{:>12}{:>12}\n",
                                 "The device's time, with the same program:", "predicted", "found");
  std::string apart, total;
  for (const ChangeRow& row : change_rows(record, asked)) {
    // A long change has its figures in a line below.
    std::string change = clean(row.text, kLongestChange);
    std::string line;
    if (change.size() > kChangeWidth) {
      line = "  " + wrapped(change, 2, 4) + "\n";
      change.clear();
    }
    line += fmt::format("  {:<{}}{:>12}{:>12}\n", change, kChangeWidth + 1, saving(row.predicted),
                        saving(row.found));
    (row.recompiled ? apart : row.of_total ? total : text) += line;
  }
  if (!apart.empty()) text += "with another program, compiled for the changed machine:\n" + apart;
  if (!total.empty()) text += "The run's time, with the host's own steps:\n" + total;
  return text;
}

// The machine on which a change of resources was tried.
isa::Machine changed_by(const traces::Change& change, isa::Machine machine) {
  for (const Resource resource : change.resources) machine = sim::relieved(machine, resource);
  return machine;
}

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

}  // namespace

std::vector<ChangeRow> change_rows(const Record& record, const std::vector<Asked>& asked) {
  std::vector<ChangeRow> rows;
  std::vector<traces::Change> changes = record.why->changes;
  if (record.why->bound.verdict == traces::Verdict::kPair) {
    changes.push_back(record.why->bound.changes.front());
  }
  for (const traces::Change& change : changes) {
    const isa::Machine machine = changed_by(change, record.machine);
    if (std::ranges::find(asked, machine, &Asked::machine) != asked.end()) continue;
    const bool asks = sim::info(change.resources.front()).kind == sim::ResourceKind::kPace;
    const std::string key = change_of(change);
    rows.push_back({asks ? traces::change_text(change) + " (no parameter of a machine)" : key, key,
                    change.predicted, change.found});
  }
  for (const Asked& one : asked) {
    rows.push_back({one.change, one.change, one.predicted, one.found, one.recompiled,
                    other_host(record.machine, one.machine)});
  }
  std::ranges::stable_sort(rows, std::greater<>(), [](const ChangeRow& row) {
    return row.found.value_or(row.predicted.value_or(0.0));
  });
  return rows;
}

std::string saving(const std::optional<double>& gain) {
  if (!gain) return "-";
  if (std::abs(*gain) < 0.0005) return "0.0 %";
  return fmt::format("{}{:.1f} %", *gain >= 0.0 ? "-" : "+", 100.0 * std::abs(*gain));
}

Json changes_json(const std::vector<ChangeRow>& changes) {
  Json json = Json::array();
  for (const ChangeRow& row : changes) {
    json.push_back({{"change", row.change},
                    {"predicted_gain", or_null(row.predicted)},
                    {"gain", or_null(row.found)},
                    {"recompiled", row.recompiled},
                    {"of", row.of_total ? "total" : "device"}});
  }
  return json;
}

std::vector<LayerWaste> layers_by_waste(const Record& record) {
  std::vector<LayerWaste> layers;
  for (std::size_t i = 0; i < record.report.layers.size(); ++i) {
    LayerWaste waste = waste_of(record, i);
    if (waste.cycles > CycleCount(0)) layers.push_back(std::move(waste));
  }
  std::ranges::stable_sort(layers, std::greater<>(), &LayerWaste::wasted);
  return layers;
}

std::string explanation_text(const Record& record, const std::vector<Asked>& asked) {
  constexpr std::size_t kMostLayers = 10;
  return heading(record) + "\n" + path_table(record.why->path) + "\n" + units_table(record) + "\n" +
         waste_table(record, kMostLayers) + "\n" + changes_table(record, asked);
}

Json explanation_document(const Record& record, const std::vector<Asked>& asked) {
  const traces::Explanation& why = *record.why;
  Json json = bound_json(record);
  json["model"] = record.model;
  json["machine"] = record.machine.name;
  json["cycles"] = record.report.total.cycles.value;
  json["recorded_cycles"] = why.path.cycles.value;
  json["path"] = path_json(why.path.by_resource);
  json["layers"] = Json::array();
  for (const LayerWaste& l : layers_by_waste(record)) {
    json["layers"].push_back({{"name", l.name},
                              {"cycles", l.cycles.value},
                              {"wasted", l.wasted.value},
                              {"active", l.active},
                              {"lanes", l.lanes},
                              {"wait", sim::info(l.wait).name},
                              {"wait_share", l.wait_share}});
  }
  json["what_if"] = changes_json(change_rows(record, asked));
  return json;
}

std::string explanation_json(const Record& record, const std::vector<Asked>& asked) {
  return json_text(explanation_document(record, asked));
}

}  // namespace systole::report
