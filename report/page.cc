// What the page is told, and where in it.
#include "report/page.h"

#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/source.h"
#include "report/array_example_json.h"
#include "report/timeline.h"
#include "report/timeline_json.h"
#include "sim/kernel/waits.h"

namespace systole::report {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kDataMark = "@SYSTOLE_DATA@";

Json by_resource_json(const traces::ByResource& cycles) {
  Json json = Json::array();
  for (std::size_t r = 0; r < sim::kResourceCount; ++r) {
    if (cycles[r] == CycleCount(0)) continue;
    json.push_back({{"resource", sim::kResources[r].name}, {"cycles", cycles[r].value}});
  }
  return json;
}

// Every class of the stall table, those without cycles too, each with what it went to.
Json stalls_json(const Record& record) {
  std::vector<std::int64_t> cycles;
  for (const CycleCount c : record.report.total.matrix) cycles.push_back(c.value);
  const std::vector<std::int64_t> tenths = tenths_of_percent(cycles);
  Json json = Json::array();
  for (std::size_t i = 0; i < sim::kStallCount; ++i) {
    const auto stall = static_cast<sim::Stall>(i);
    json.push_back({{"name", sim::stall_name(stall)},
                    {"meaning", sim::stall_meaning(stall)},
                    {"cycles", cycles[i]},
                    {"tenths_of_percent", tenths[i]},
                    {"roots", by_resource_json(record.why->path.roots[i])}});
  }
  return json;
}

Json units_json(const Record& record) {
  Json json = Json::array();
  for (const sim::UnitReport& unit : record.report.units) {
    Json waits = Json::array();
    for (const auto& [name, cycles] : unit.waits) {
      if (cycles > CycleCount(0)) waits.push_back({{"name", name}, {"cycles", cycles.value}});
    }
    json.push_back({{"unit", unit.unit},
                    {"busy", unit.busy.value},
                    {"idle", unit.idle.value},
                    {"waits", waits}});
  }
  return json;
}

// The layers of the explanation, in its order: what it leaves out of when and what they are.
Json layers_json(const Record& record) {
  Json json = Json::array();
  for (const LayerWaste& waste : layers_by_waste(record)) {
    const sim::LayerReport& layer = record.report.layers.at(waste.layer);
    json.push_back({{"layer", waste.layer},
                    {"kind", layer.kind},
                    {"first", layer.first.value},
                    {"last", layer.last.value},
                    {"path", by_resource_json(record.why->path.layers.at(waste.layer))}});
  }
  return json;
}

Json resources_json() {
  Json json = Json::array();
  for (const sim::ResourceInfo& resource : sim::kResources) {
    json.push_back({{"name", resource.name}, {"meaning", resource.meaning}});
  }
  return json;
}

// What units other than the matrix unit wait for, beside syncs.
Json waits_json() {
  Json json = Json::array();
  for (const sim::WaitInfo& wait : sim::kWaits) {
    json.push_back({{"name", wait.name}, {"meaning", wait.meaning}});
  }
  return json;
}

// The path as a lane of a timeline, whose slices are named by resources.
Timeline path_timeline(const Record& record) {
  constexpr std::size_t kMostPieces = Timeline::kMost / 4;
  Timeline timeline(kMostPieces);
  for (const traces::PathPiece& piece : record.why->path.pieces) {
    const auto layer = static_cast<std::size_t>(piece.layer);
    const bool known = layer > 0 && layer < record.report.layers.size();
    timeline.slice({.track = "critical path",
                    .name = sim::info(piece.resource).name,
                    .cls = "busy",
                    .layer = known ? std::string_view(record.report.layers[layer].name) : "(none)",
                    .begin = piece.begin,
                    .end = piece.end});
  }
  return timeline;
}

Timeline unit_timeline(const isa::Program& program, const isa::Machine& machine) {
  Timeline timeline;
  sim::Causes causes;
  sim::RunOptions options;
  options.timing_only = true;
  options.probe = &timeline;
  options.causes = &causes;
  static_cast<void>(sim::run(program, machine, {}, options));
  timeline.find_causes(causes);
  return timeline;
}

}  // namespace

std::string page_text(PageTemplate page) {
  std::string text;
  for (const std::string_view piece : page) text += piece;
  return text;
}

std::string page_with_data(PageTemplate page, const Json& data) {
  std::string text = page_text(page);
  const std::size_t mark = text.find(kDataMark);
  SYSTOLE_CHECK(mark != std::string::npos, "the page has no place for data");
  return text.replace(mark, kDataMark.size(), script_text(data));
}

Json page_json(const Record& record, const std::vector<Asked>& asked, const isa::Program& program) {
  const isa::Machine& machine = record.machine;
  return {{"version", program_version()},
          {"command", record.command_line},
          {"clock_hertz", machine.clock_hertz},
          {"rows", machine.r()},
          {"columns", machine.c()},
          {"matrix_units", machine.array_units},
          {"batch", record.batch},
          {"batches", record.batches},
          {"device_seconds", record.report.device_seconds},
          {"host_seconds", record.report.host_seconds},
          {"explain", explanation_document(record, asked)},
          {"stalls", stalls_json(record)},
          {"units", units_json(record)},
          {"layers", layers_json(record)},
          {"resources", resources_json()},
          {"waits", waits_json()},
          {"path", timeline_json(path_timeline(record))},
          {"timeline", timeline_json(unit_timeline(program, machine))},
          {"array", array_example_json(array_example())}};
}

std::string script_text(const Json& json) {
  std::string text;
  for (const char c : json_text(json, -1)) {
    switch (c) {
      case '<':
        text += "\\u003c";
        break;
      case '>':
        text += "\\u003e";
        break;
      case '&':
        text += "\\u0026";
        break;
      default:
        text += c;
    }
  }
  return text;
}

std::string page_html(const Record& record, const std::vector<Asked>& asked,
                      const isa::Program& program) {
  return page_with_data(kRunPage, page_json(record, asked, program));
}

}  // namespace systole::report
