// Keys keep the order in which they are written here.
#include "report/stats.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/source.h"
#include "report/why_json.h"

namespace systole::report {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t number(std::int64_t value) { return value; }
template <typename Tag>
std::int64_t number(Quantity<Tag> value) {
  return value.value;
}

// The counters of one group (sim/kernel/counters.def).
void add_group(Json& json, const sim::Counters& counters, std::string_view wanted) {
#define SYSTOLE_COUNTER(Type, member, group, unit, meaning) \
  if (wanted == (group)) json[#member] = number(counters.member);
#include "sim/kernel/counters.def"
}

Json counters_json(const sim::Counters& counters) {
  Json matrix;
  for (std::size_t i = 0; i < sim::kStallCount; ++i) {
    matrix[key_of(sim::stall_name(static_cast<sim::Stall>(i)))] = counters.matrix[i].value;
  }
  Json json{{"matrix", matrix}};
  add_group(json, counters, "counters");
  return json;
}

Json bytes_json(const sim::Counters& counters) {
  Json json;
  add_group(json, counters, "bytes");
  return json;
}

// Of the critical path; nothing where it is not known.
Json layer_path_json(const Record& record, std::size_t layer) {
  const bool known = record.why && layer < record.why->path.layers.size();
  return known ? path_json(record.why->path.layers[layer]) : Json(nullptr);
}

Json layers_json(const Record& record) {
  const std::vector<CycleCount> cycles = layer_cycles(record);
  Json layers = Json::array();
  for (std::size_t i = 0; i < record.report.layers.size(); ++i) {
    const sim::LayerReport& layer = record.report.layers[i];
    layers.push_back({{"name", layer.name},
                      {"kind", layer.kind},
                      {"cycles", cycles[i].value},
                      {"first_cycle", layer.first.value},
                      {"last_cycle", layer.last.value},
                      {"path", layer_path_json(record, i)},
                      {"instructions", layer.counters.instructions},
                      {"counters", counters_json(layer.counters)},
                      {"bytes", bytes_json(layer.counters)}});
  }
  return layers;
}

Json units_json(const sim::Report& report) {
  Json units;
  for (const sim::UnitReport& unit : report.units) {
    Json waits = Json::object();
    for (const auto& [name, cycles] : unit.waits) waits[key_of(name)] = cycles.value;
    units[unit.unit] = {{"busy", unit.busy.value}, {"waits", waits}, {"idle", unit.idle.value}};
  }
  return units;
}

Json host_json(const sim::Report& report) {
  Json steps = Json::array();
  for (const sim::HostReport& step : report.host) {
    steps.push_back({{"name", step.name},
                     {"op", step.op},
                     {"seconds", step.seconds},
                     {"bytes", step.bytes.value}});
  }
  return {{"kind", "priced"}, {"seconds", report.host_seconds}, {"steps", steps}};
}

Json machine_json(const isa::Machine& machine) {
  Json values;
  for (const isa::ParameterView& p : isa::parameters(machine)) values[p.key] = p.value;
  return {{"name", machine.name}, {"parameters", values}};
}

Json accuracy_json(const std::optional<Accuracy>& accuracy) {
  if (!accuracy) return nullptr;
  return {
      {"correct", accuracy->correct}, {"total", accuracy->total}, {"percent", accuracy->percent()}};
}

Json header_json(const Record& record) {
  const sim::Counters& total = record.report.total;
  const Figures f = figures(record);
  const bool timed = record.engine != sim::Engine::kFunc;
  const auto if_timed = [&](auto value) { return timed ? Json(value) : Json(nullptr); };
  return {{"model", record.model},
          {"model_hash", record.model_hash},
          {"program_hash", record.program_hash},
          {"engine", sim::engine_name(record.engine)},
          {"timing_only", record.timing_only},
          {"batch", record.batch},
          {"batches", record.batches},
          {"rows", record.rows},
          {"cycles", if_timed(total.cycles.value)},
          {"seconds", if_timed(f.seconds)},
          {"total_seconds", if_timed(f.total_seconds)},
          {"rows_per_second", if_timed(f.rows_per_second)},
          {"macs", f.macs},
          {"instructions", total.instructions},
          {"mac_utilization", if_timed(f.mac_utilization)},
          {"array_active", if_timed(f.array_active)},
          {"mapping_efficiency", if_timed(f.mapping_efficiency)},
          {"tops", if_timed(f.tops)},
          {"peak_tops", f.peak_tops}};
}

}  // namespace

std::string stats_json(const Record& record) {
  Json json = header_json(record);
  json.update(bound_json(record));
  json["accuracy"] = accuracy_json(record.accuracy);
  json["float_accuracy"] = accuracy_json(record.float_accuracy);
  json["counters"] = counters_json(record.report.total);
  json["path"] = record.why ? path_json(record.why->path.by_resource) : Json(nullptr);
  json["units"] = units_json(record.report);
  json["layers"] = layers_json(record);
  json["bytes"] = bytes_json(record.report.total);
  json["energy_joules"] = nullptr;
  json["host_fallback"] = host_json(record.report);
  json["simulator"] = {{"wall_seconds", record.report.wall_seconds},
                       {"command", record.command_line}};
  json["machine"] = machine_json(record.machine);
  json["version"] = program_version();
  return json_text(json);
}

}  // namespace systole::report
