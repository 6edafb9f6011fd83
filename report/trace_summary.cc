// See trace_summary.h. Percentages of a unit add up to 100.0.
#include "report/trace_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clean.h"
#include "base/json_text.h"
#include "base/page.h"
#include "report/pieces.h"
#include "report/record.h"
#include "report/summary.h"
#include "report/why_json.h"

namespace systole::report {
namespace {

using Json = nlohmann::ordered_json;
using traces::Cycles;
using traces::kBusy;
using traces::LayerTimes;
using traces::RootLink;
using traces::TraceSummary;
using traces::TraceWait;
using traces::UnitTimes;
using Roots = std::vector<std::vector<RootLink>>;

double percent(CycleCount part, CycleCount whole) {
  if (whole.value == 0) return 0.0;
  return 100.0 * static_cast<double>(part.value) / static_cast<double>(whole.value);
}

std::string title(const TraceSummary& summary) {
  std::string text = summary.info.model.empty() ? "A run" : clean(summary.info.model);
  if (!summary.info.machine.empty()) text += " on " + clean(summary.info.machine);
  text += fmt::format(": {} cycles", grouped(summary.cycles.value));
  if (summary.info.clock_hertz > 0) {
    const auto hertz = static_cast<double>(summary.info.clock_hertz);
    text += fmt::format(" at {:g} MHz = {:.4g} us", hertz / 1e6,
                        static_cast<double>(summary.cycles.value) * 1e6 / hertz);
  }
  text = wrapped(text, 0, 2) + "\n";
  if (summary.info.part.empty()) return text;
  return text +
         wrapped("Only a part of it was kept: " + clean(summary.info.part) +
                     ". What was left out counts as idle.",
                 0, 2) +
         "\n";
}

// A unit's classes with cycles, work first and idleness last.
std::string unit_lines(const UnitTimes& unit) {
  std::vector<Cycles> states = {{std::string(kBusy), unit.busy}};
  states.insert(states.end(), unit.waits.begin(), unit.waits.end());
  std::ranges::stable_sort(states.begin() + 1, states.end(), std::ranges::greater{},
                           &Cycles::second);
  states.emplace_back("idle", unit.idle);
  std::vector<std::int64_t> cycles;
  for (const auto& [state, count] : states) cycles.push_back(count.value);
  const std::vector<std::int64_t> shares = tenths_of_percent(cycles);
  std::string text, name = clean(unit.unit, 14);
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (cycles[i] == 0 && i > 0) continue;
    text += fmt::format("  {:<14} {:<20}{:>15} {:>3}.{} %", name, clean(states[i].first, 19),
                        grouped(cycles[i]), shares[i] / 10, shares[i] % 10);
    if (i == 0 && unit.bytes > 0) text += fmt::format("  {} bytes", grouped(unit.bytes));
    text += "\n";
    name.clear();
  }
  return text;
}

std::string wait_line(const TraceWait& wait, const std::vector<RootLink>& roots) {
  std::vector<std::string> pieces = {
      fmt::format("{} {}, {} cycle{} at {} (layer {})", clean(wait.unit, 16), clean(wait.cls, 20),
                  grouped(wait.cycles().value), wait.cycles() == CycleCount(1) ? "" : "s",
                  grouped(wait.begin.value), clean(wait.layer, 24))};
  for (const RootLink& link : roots) {
    std::string piece = fmt::format("<- {} {} {:.0f} %", clean(link.unit, 16),
                                    clean(link.state, 20), percent(link.cycles, wait.cycles()));
    if (link.state != "idle" && link.idle > link.cycles) {
      piece += fmt::format(", idle {:.0f} %", percent(link.idle, wait.cycles()));
    }
    pieces.push_back(piece);
  }
  return "  " + wrapped_pieces(pieces, 2, 6) + "\n";
}

std::string longest_waits(const TraceSummary& summary, const Roots& roots) {
  if (summary.longest.empty()) return {};
  std::string text =
      "\nLongest waits, and what the unit that each was for mostly did meanwhile (<-):\n";
  for (std::size_t i = 0; i < summary.longest.size(); ++i) {
    text += wait_line(summary.longest[i], roots.at(i));
  }
  return text;
}

// What a layer's busiest unit did, and what most of its waiting was for.
struct LayerRow {
  std::string unit;
  CycleCount busy, all;
  Cycles wait;
};

LayerRow row_of(const LayerTimes& layer, const std::vector<UnitTimes>& units) {
  LayerRow best;
  for (std::size_t u = 0; u < layer.by_unit.size(); ++u) {
    LayerRow row;
    row.unit = units[u].unit;
    for (const auto& [cls, cycles] : layer.by_unit[u]) {
      row.all += cycles;
      if (cls == kBusy) {
        row.busy = cycles;
      } else if (cycles > row.wait.second) {
        row.wait = {cls, cycles};
      }
    }
    if (best.unit.empty() || row.busy > best.busy) best = row;
  }
  return best;
}

std::string layer_table(const TraceSummary& summary) {
  std::string text = fmt::format(
      "\nLayers in order of time: the unit that works most for each, its cycles of\n"
      "work, and what it waits for most, of its cycles for the layer:\n"
      "  {:<18}{:>11}{:>11}  {:<11}{:>10} {}\n",
      "layer", "from", "to", "unit", "busy", "waits for");
  for (const LayerTimes& layer : summary.layers) {
    const LayerRow row = row_of(layer, summary.units);
    std::string wait;
    if (row.wait.second > CycleCount(0)) {
      const double share = percent(row.wait.second, row.all);
      wait = fmt::format(" {} {} %", clean(row.wait.first, 16),
                         share < 0.5 ? "<1" : fmt::format("{:.0f}", share));
    }
    std::string line = fmt::format("  {:<18}{:>11}{:>11}  {:<11}{:>10}", clean(layer.layer, 17),
                                   grouped(layer.first.value), grouped(layer.last.value),
                                   clean(row.unit, 11), grouped(row.busy.value));
    const bool fits = line.size() + wait.size() <= kPageWidth;
    text += line + (fits ? wait : "\n" + std::string(40, ' ') + wait) + "\n";
  }
  return text;
}

Json if_known(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json units_json(const TraceSummary& summary) {
  Json units = Json::object();
  for (const UnitTimes& unit : summary.units) {
    Json waits = Json::object();
    for (const auto& [name, cycles] : unit.waits) waits[key_of(name)] = cycles.value;
    units[unit.unit] = {{"busy", unit.busy.value},
                        {"waits", waits},
                        {"idle", unit.idle.value},
                        {"bytes", unit.bytes}};
  }
  return units;
}

Json layers_json(const TraceSummary& summary) {
  Json layers = Json::array();
  for (const LayerTimes& layer : summary.layers) {
    Json units = Json::object();
    for (std::size_t u = 0; u < layer.by_unit.size(); ++u) {
      if (layer.by_unit[u].empty()) continue;
      Json waits = Json::object();
      std::int64_t busy = 0;
      for (const auto& [cls, cycles] : layer.by_unit[u]) {
        if (cls == kBusy) {
          busy = cycles.value;
        } else {
          waits[key_of(cls)] = cycles.value;
        }
      }
      units[summary.units[u].unit] = {{"busy", busy}, {"waits", waits}};
    }
    layers.push_back({{"name", layer.layer},
                      {"first_cycle", layer.first.value},
                      {"end_cycle", layer.last.value},
                      {"units", units}});
  }
  return layers;
}

Json longest_json(const TraceSummary& summary, const Roots& roots) {
  Json waits = Json::array();
  for (std::size_t i = 0; i < summary.longest.size(); ++i) {
    const TraceWait& wait = summary.longest[i];
    Json links = Json::array();
    for (const RootLink& link : roots.at(i)) {
      links.push_back({{"unit", link.unit},
                       {"state", key_of(link.state)},
                       {"cycles", link.cycles.value},
                       {"idle", link.idle.value}});
    }
    waits.push_back({{"unit", wait.unit},
                     {"wait", key_of(wait.cls)},
                     {"layer", wait.layer},
                     {"cycle", wait.begin.value},
                     {"cycles", wait.cycles().value},
                     {"roots", links}});
  }
  return waits;
}

}  // namespace

std::string trace_text(const TraceSummary& summary, const Roots& roots, bool layers) {
  std::string text = title(summary) + "Cycles of each unit, each in one class:\n";
  for (const UnitTimes& unit : summary.units) text += unit_lines(unit);
  text += longest_waits(summary, roots);
  if (layers) text += layer_table(summary);
  return text;
}

std::string trace_json(const TraceSummary& summary, const Roots& roots) {
  const std::int64_t hertz = summary.info.clock_hertz;
  return json_text({{"model", if_known(summary.info.model)},
                    {"machine", if_known(summary.info.machine)},
                    {"clock_hertz", hertz > 0 ? Json(hertz) : Json(nullptr)},
                    {"part", if_known(summary.info.part)},
                    {"cycles", summary.cycles.value},
                    {"units", units_json(summary)},
                    {"longest", longest_json(summary, roots)},
                    {"layers", layers_json(summary)}});
}

}  // namespace systole::report
