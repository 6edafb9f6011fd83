// See sweep.h.
#include "report/sweep.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/clean.h"
#include "base/json_text.h"
#include "base/page.h"
#include "report/summary.h"

namespace systole::report {
namespace {

using Json = nlohmann::ordered_json;
using Cells = std::vector<std::string>;

constexpr std::size_t kIndent = 2, kGap = 2;
constexpr std::size_t kMostTold = 3;      // resources and changes of a row
constexpr std::size_t kWidestBound = 22;  // "instruction queue, ..."

std::string percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }

std::string bound_cell(const SweepRow& row) {
  if (row.bound.by.empty()) return "balanced";
  if (row.bound.by.size() > 1) return fmt::format("{}", fmt::join(row.bound.by, ", "));
  return row.bound.by[0] + (row.bound.share ? " " + percent(*row.bound.share) : "");
}

// One figure of a row as the table and the CSV file show it.
struct Column {
  const char *heading, *csv;
  bool left;
  std::string (*text)(const Sweep&, const SweepRow&);
  std::string (*exact)(const Sweep&, const SweepRow&);
};
const Column kColumns[] = {
    {"cycles", "cycles", false, [](const Sweep&, const SweepRow& r) { return grouped(r.cycles); },
     [](const Sweep&, const SweepRow& r) { return std::to_string(r.cycles); }},
    {"time", "total_seconds", false,
     [](const Sweep&, const SweepRow& r) { return with_prefix(r.total_seconds) + "s"; },
     [](const Sweep&, const SweepRow& r) { return fmt::format("{}", r.total_seconds); }},
    {"MAC util.", "mac_utilization", false,
     [](const Sweep&, const SweepRow& r) { return percent(r.mac_utilization); },
     [](const Sweep&, const SweepRow& r) { return fmt::format("{}", r.mac_utilization); }},
    {"faster", "speed_up", false,
     [](const Sweep& s, const SweepRow& r) {
       return fmt::format("{:.3g}x", speed_up(s, r).value_or(1.0));
     },
     [](const Sweep& s, const SweepRow& r) {
       return fmt::format("{}", speed_up(s, r).value_or(1.0));
     }},
    {"bound by", "bound_by", true, [](const Sweep&, const SweepRow& r) { return bound_cell(r); },
     [](const Sweep&, const SweepRow& r) {
       return fmt::format("{}", fmt::join(r.bound.by, "; "));
     }},
};

Cells headings() {
  Cells cells;
  for (const Column& column : kColumns) cells.emplace_back(column.heading);
  return cells;
}

Cells figures_of(const Sweep& sweep, const SweepRow& row) {
  Cells cells;
  for (const Column& column : kColumns) cells.push_back(column.text(sweep, row));
  cells.back() = clean(cells.back(), kWidestBound);
  return cells;
}

void widen(std::vector<std::size_t>& widths, const Cells& cells) {
  widths.resize(std::max(widths.size(), cells.size()));
  for (std::size_t i = 0; i < cells.size(); ++i) {
    widths[i] = std::max(widths[i], width_of(cells[i]));
  }
}

std::size_t width_of_all(const std::vector<std::size_t>& widths) {
  std::size_t sum = 0;
  for (const std::size_t width : widths) sum += width + kGap;
  return sum;
}

// Cells to the right of their columns.
std::string aligned(const Cells& cells, const std::vector<std::size_t>& widths) {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    text += fmt::format("{:>{}}", cells[i], widths[i] + (text.empty() ? 0 : kGap));
  }
  return text;
}

// The same of a row's figures; the last column is text.
std::string aligned_figures(Cells cells, const std::vector<std::size_t>& widths) {
  const std::string last = std::move(cells.back());
  cells.pop_back();
  return aligned(cells, widths) + std::string(kGap, ' ') + last;
}

std::string changes_text(const SweepRow& row) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < std::min(kMostTold, row.changes.size()); ++i) {
    const ChangeRow& change = row.changes[i];
    parts.push_back(fmt::format("{}: {}{}", change.change,
                                saving(change.found ? change.found : change.predicted),
                                change.found ? "" : " (predicted)"));
  }
  return parts.empty() ? "" : fmt::format("; {}", fmt::join(parts, ", "));
}

// What a row's cycles went to, and what would help.
std::string story(const SweepRow& row) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < std::min(kMostTold, row.path.size()); ++i) {
    const double share = static_cast<double>(row.path[i].second) /
                         static_cast<double>(std::max<std::int64_t>(row.cycles, 1));
    parts.push_back(row.path[i].first + " " + percent(share));
  }
  return fmt::format("{}{}", fmt::join(parts, ", "), changes_text(row));
}

// The table's parts that depend on whether the keys fit beside the figures.
class Table {
 public:
  explicit Table(const Sweep& sweep) : sweep_(sweep) {
    widen(figures_, headings());
    widen(values_, keys_ = sweep.keys);
    for (const SweepRow& row : sweep.rows) {
      if (row.error.empty()) widen(figures_, figures_of(sweep, row));
    }
    widen_values();
    if (fits()) return;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      keys_[i] = fmt::format("{:c}", static_cast<char>('A' + i % 26));
      legend_ += fmt::format("{}{}: {}\n", std::string(kIndent, ' '), keys_[i], sweep.keys[i]);
    }
    values_.clear();
    widen(values_, keys_);
    widen_values();
    if (fits()) return;
    legend_.clear();
    apart_ = true;
  }

  [[nodiscard]] std::string text() const {
    std::string text = legend_ + std::string(kIndent, ' ');
    if (!apart_) text += aligned(keys_, values_) + std::string(kGap, ' ');
    text += aligned_figures(headings(), figures_) + "\n";
    for (const SweepRow& row : sweep_.rows) text += line(row);
    return text;
  }

 private:
  void widen_values() {
    for (const SweepRow& row : sweep_.rows) widen(values_, cleaned(row.values));
  }
  [[nodiscard]] bool fits() const {
    return kIndent + width_of_all(values_) + width_of_all(figures_) - kGap <= kPageWidth;
  }
  static Cells cleaned(Cells cells) {
    for (std::string& cell : cells) cell = clean(cell);
    return cells;
  }
  [[nodiscard]] std::string line(const SweepRow& row) const {
    std::string text(kIndent, ' ');
    std::size_t indent = 2 * kIndent;
    if (apart_) {
      text += wrapped(assignments(row), kIndent, indent) + "\n" + std::string(indent, ' ');
    } else {
      text += aligned(cleaned(row.values), values_) + std::string(kGap, ' ');
      indent = text.size();
    }
    if (!row.error.empty())
      return text + wrapped("error: " + clean(row.error), indent, indent) + "\n";
    text += aligned_figures(figures_of(sweep_, row), figures_) + "\n";
    if (sweep_.explains) {
      const std::size_t at = 2 * kIndent;
      text += std::string(at, ' ') + wrapped(story(row), at, at) + "\n";
    }
    return text;
  }
  [[nodiscard]] std::string assignments(const SweepRow& row) const {
    std::string text;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      text += fmt::format("{}{}={}", i == 0 ? "" : " ", sweep_.keys[i], clean(row.values[i]));
    }
    return text;
  }

  const Sweep& sweep_;
  Cells keys_;                                 // as the heading has them
  std::vector<std::size_t> values_, figures_;  // widths
  std::string legend_;
  bool apart_ = false;  // each row has a line for its values
};

Json row_json(const Sweep& sweep, const SweepRow& row) {
  Json set;
  for (std::size_t i = 0; i < sweep.keys.size(); ++i) set[sweep.keys[i]] = row.values[i];
  const bool has = row.error.empty();
  const auto known = [&](const auto& value) { return has ? Json(value) : Json(nullptr); };
  Json json{{"set", set},
            {"machine", row.machine.empty() ? Json(nullptr) : Json(row.machine)},
            {"error", has ? Json(nullptr) : Json(row.error)},
            {"cycles", known(row.cycles)},
            {"seconds", known(row.seconds)},
            {"total_seconds", known(row.total_seconds)},
            {"mac_utilization", known(row.mac_utilization)},
            {"speed_up", known(speed_up(sweep, row).value_or(1.0))},
            {"bound_by", known(row.bound.by)},
            {"device_bound_by", known(row.bound.device_by)},
            {"bound_parameter", known(row.bound.parameters)},
            {"share", has && row.bound.share ? Json(*row.bound.share) : Json(nullptr)},
            {"bound_text", known(row.bound.text)},
            {"path", Json::array()}};
  for (const auto& [resource, cycles] : row.path) {
    json["path"].push_back({{"resource", resource}, {"cycles", cycles}});
  }
  if (sweep.explains) json["what_if"] = changes_json(row.changes);
  return json;
}

}  // namespace

SweepRow sweep_row(const Record& record) {
  const Figures f = figures(record);
  SweepRow row;
  row.machine = record.machine.name;
  row.cycles = record.report.total.cycles.value;
  row.seconds = f.seconds;
  row.total_seconds = f.total_seconds;
  row.mac_utilization = f.mac_utilization;
  row.bound = bound_keys(record);
  for (std::size_t r = 0; r < sim::kResourceCount; ++r) {
    const std::int64_t cycles = record.why->path.by_resource[r].value;
    if (cycles > 0) row.path.emplace_back(sim::kResources[r].name, cycles);
  }
  std::ranges::stable_sort(row.path, std::greater<>(),
                           &std::pair<std::string, std::int64_t>::second);
  row.changes = change_rows(record, {});
  return row;
}

std::optional<double> speed_up(const Sweep& sweep, const SweepRow& row) {
  const auto first = std::ranges::find_if(sweep.rows, &std::string::empty, &SweepRow::error);
  if (first == sweep.rows.end() || !row.error.empty()) return std::nullopt;
  if (row.total_seconds <= 0.0) return 1.0;
  return first->total_seconds / row.total_seconds;
}

std::string sweep_text(const Sweep& sweep) {
  std::string title =
      fmt::format("{}: {}, {}", sweep.title, counted(std::ssize(sweep.rows), "point"),
                  counted(sweep.programs, "program"));
  return wrapped(clean(title), 0, 2) + "\n" + Table(sweep).text();
}

std::string sweep_csv(const Sweep& sweep) {
  Cells cells;
  for (const std::string& key : sweep.keys) cells.push_back(csv_cell(key));
  cells.emplace_back("machine");
  for (const Column& column : kColumns) cells.emplace_back(column.csv);
  cells.emplace_back("error");
  std::string text = fmt::format("{}\n", fmt::join(cells, ","));
  for (const SweepRow& row : sweep.rows) {
    cells.clear();
    for (const std::string& value : row.values) cells.push_back(csv_cell(value));
    cells.push_back(csv_cell(row.machine));
    for (const Column& column : kColumns) {
      cells.push_back(row.error.empty() ? csv_cell(column.exact(sweep, row)) : "");
    }
    cells.push_back(csv_cell(row.error));
    text += fmt::format("{}\n", fmt::join(cells, ","));
  }
  return text;
}

std::string sweep_json(const Sweep& sweep) {
  Json rows = Json::array();
  for (const SweepRow& row : sweep.rows) rows.push_back(row_json(sweep, row));
  return json_text(rows);
}

}  // namespace systole::report
