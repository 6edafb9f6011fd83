// A comparison as text: the terminal's table, CSV, and a Markdown report; all from the same rows.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/clean.h"
#include "compare/comparison/compare.h"
#include "compare/comparison/summary.h"

namespace systole::compare {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kMostName = 20;  // of a longer one the terminal's table gives a line
constexpr const char* kLegend =
    "latency: one batch alone; period: one more batch, back to back; faster: times faster than "
    "base in the scenario's time a sample, below 1 slower; +/-: its 95 % interval or validation "
    "error, ? if "
    "nobody knows; device: the scenario's time without host and link; type: precision and threads; "
    "*: measured for less than rule 5 asks (quick); busy: rule 15; server: a simulated queue of "
    "batches whose times are of that kind, p99 its response.";

// What to type after the first screen.
constexpr const char* kNext =
    "Next: the same with --rules (how rows are compared), --all (every batch size and setting) or "
    "--report DIR (files, plots); systole validate gpu (errors of modelled GPUs); systole explain "
    "MODEL (where a simulated machine's cycles go).";

// One column of the table. In a terminal a row takes two lines below its scenario, so that it fits.
struct Column {
  const char* heading;
  int line;   // 0: of its own, for all rows that share it
  bool left;  // text to the left, figures to the right
  std::string (*text)(const Row& row);
};

std::string precision_text(const Row& row) { return setting_text(row.precision, row.threads); }

// A server is a queue of batches whose times are of that kind, unless somebody ran one.
std::string kind_text(const Row& row) {
  const bool queued = row.scenario == kServer && row.kind != kPublished;
  return row.kind + (queued ? " queue" : "") + (row.busy ? ", busy" : "");
}

std::string known_text(double seconds) { return seconds > 0.0 ? time_text(seconds) : "-"; }

std::string latency_text(const Row& row) {
  return known_text(row.latency) + (row.quick ? "*" : "");
}

std::string ratio_text(const Row& row) {
  if (row.reference) return "base";
  return row.times_faster ? fmt::format("{:.3g}x", *row.times_faster) : "-";
}

std::string error_text(const Row& row) {
  if (!row.low || !row.high) return "?";
  return fmt::format("{:.1f} %", 100.0 * std::max(1.0 - *row.low, *row.high - 1.0));
}

// Of two that bound alike the first; the sentence has both.
std::string bound_name(const Row& row) {
  const std::size_t more = row.bound.find(',');
  if (row.bound.empty()) return "-";
  return more == std::string::npos ? row.bound : row.bound.substr(0, more) + " ...";
}

const Column kColumns[] = {
    {"scenario", 0, true, [](const Row& r) { return r.scenario; }},
    {"target", 1, true, [](const Row& r) { return r.target; }},
    {"kind", 2, true, kind_text},
    {"type", 1, true, precision_text},
    {"batch", 1, false, [](const Row& r) { return std::to_string(r.batch); }},
    {"latency", 1, false, latency_text},
    {"period", 1, false, [](const Row& r) { return known_text(r.period); }},
    {"samples/s", 1, false, [](const Row& r) { return rate_text(r.throughput); }},
    {"+/-", 2, false, error_text},
    {"p99", 2, false, [](const Row& r) { return known_text(r.p99.value_or(0.0)); }},
    {"device", 2, false, [](const Row& r) { return known_text(r.device); }},
    {"faster", 1, false, ratio_text},
    {"% peak", 2, false,
     [](const Row& r) {
       return r.peak_percent ? fmt::format("{:.2f}", *r.peak_percent) : std::string("-");
     }},
    {"bound by", 2, true, bound_name},
};

constexpr std::size_t kTarget = 1;  // its column

// How text from elsewhere goes into a report.
struct Medium {
  const char* bullet;
  bool wraps;  // a line of Markdown means more by its first word
  std::string (*text)(std::string_view);
};
constexpr Medium kTerminal = {"", true, [](std::string_view text) { return clean(text); }};
constexpr Medium kMarkdown = {"* ", false, markdown_cell};

// Breaks text into lines of at most kWidth characters, the first behind `first` blanks, further
// ones behind `indent`.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t first = 0) {
  std::istringstream words(text);
  std::string result(first, ' ');
  std::size_t column = first;
  for (std::string word; words >> word; column += word.size()) {
    if (column > first && column + 1 + word.size() > kWidth) {
      result += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > first) {
      result += ' ';
      ++column;
    }
    result += word;
  }
  return result + "\n";
}

std::string item(const Medium& medium, const std::string& text) {
  const std::string line = medium.bullet + medium.text(text);
  return medium.wraps ? wrapped(line, 2) : line + "\n";
}

std::vector<const Row*> shown_rows(const Comparison& c, bool all_rows) {
  std::vector<const Row*> rows;
  for (const char* scenario : {kSingleStream, kOffline, kServer, kFirst, kByBatch}) {
    for (const Row& row : c.rows) {
      if (row.scenario != scenario) continue;
      if (!all_rows && (!row.best || scenario == std::string(kByBatch))) continue;
      rows.push_back(&row);
    }
  }
  return rows;
}

// Cells of all rows, a heading first.
std::vector<std::vector<std::string>> cells_of(const std::vector<const Row*>& rows,
                                               const Medium& medium) {
  std::vector<std::vector<std::string>> cells(1);
  for (const Column& column : kColumns) cells[0].emplace_back(column.heading);
  for (const Row* row : rows) {
    cells.emplace_back();
    for (const Column& column : kColumns) cells.back().push_back(medium.text(column.text(*row)));
  }
  return cells;
}

// Rule 13: which machine is faster, and what differs between the two.
std::string machine_text(const Row& row, const std::string& differs) {
  std::string text = "simulated against simulated";
  if (row.against_times_faster) {
    const double ratio = *row.against_times_faster;
    text += ratio == 1.0 ? ", as fast as"
                         : fmt::format(", {:.2f} times {} than", std::max(ratio, 1.0 / ratio),
                                       ratio > 1.0 ? "faster" : "slower");
  }
  text += fmt::format(" {}: {}", row.against, differs.empty() ? "nothing differs" : differs);
  return row.cycles_differ.empty() ? text : text + "; " + row.cycles_differ;
}

// The widths of the columns; a long target has a line of its own.
std::vector<std::size_t> widths_of(const std::vector<std::vector<std::string>>& cells) {
  std::vector<std::size_t> widths(cells.front().size());
  for (const auto& line : cells) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::size_t width = width_of(line[i]);
      if (i != kTarget || width <= kMostName) widths[i] = std::max(widths[i], width);
    }
  }
  return widths;
}

// The cells that stand in this line of a row.
std::string line_of(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                    int line) {
  std::string text = line == 2 ? "    " : "";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (kColumns[i].line != line) continue;
    const bool own_line = i == kTarget && width_of(cells[i]) > widths[i];
    if (own_line) text += cells[i] + "\n";
    const std::string& cell = own_line ? std::string() : cells[i];
    text += kColumns[i].left ? fmt::format("{:<{}}  ", cell, widths[i])
                             : fmt::format("{:>{}}  ", cell, widths[i]);
  }
  return text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
}

std::string aligned(const std::vector<const Row*>& rows) {
  const auto cells = cells_of(rows, kTerminal);
  const std::vector<std::size_t> widths = widths_of(cells);
  std::string text = line_of(cells[0], widths, 1) + line_of(cells[0], widths, 2);
  std::string scenario;
  for (std::size_t row = 1; row < cells.size(); ++row) {
    if (cells[row][0] != scenario) text += "\n" + cells[row][0] + "\n";
    scenario = cells[row][0];
    text += line_of(cells[row], widths, 1) + line_of(cells[row], widths, 2);
    const Row& of = *rows[row - 1];
    if (of.against.empty()) continue;  // of the first machine, or of none
    text += wrapped(clean(machine_text(of, short_differences(of.differs))), 6, 4);
  }
  return text;
}

// Rule 13 in full.
std::string machines_text(const std::vector<const Row*>& rows, const Medium& medium) {
  std::string text;
  for (const Row* row : rows) {
    if (row->against.empty()) continue;
    text += medium.bullet +
            medium.text(fmt::format("{}, {} at batch {}, {}", row->target, row->scenario,
                                    row->batch, machine_text(*row, row->differs))) +
            "\n";
  }
  return text;
}

std::string means_text(const Comparison& c, const Medium& medium) {
  std::string text;
  for (const Mean& m : c.means) {
    text += item(medium, fmt::format("{} ({}, {}): {:.3g} times faster than the base, geometric "
                                     "mean of {} batch size{}",
                                     m.target, m.kind, m.precision, m.times_faster, m.batches,
                                     m.batches == 1 ? "" : "s"));
  }
  return text;
}

std::string absent_text(const Comparison& c, const Medium& medium) {
  std::string text;
  for (const Absent& a : c.absent) {
    const std::string what = a.precision.empty() ? a.target : a.target + " " + a.precision;
    text += item(medium, fmt::format("{}: none: {}", what, a.reason));
  }
  for (const std::string& note : c.notes) text += item(medium, note);
  return text;
}

std::string checks_text(const Comparison& c, const Medium& medium) {
  std::string text;
  for (const Series& s : c.series) {
    const std::string what = fmt::format("{} {}", s.target, setting_text(s.precision, s.threads));
    const auto checked =
        std::ranges::find_if(s.points, [](const Point& p) { return p.check.has_value(); });
    if (checked != s.points.end()) {
      const OutputCheck& check = *checked->check;
      text +=
          item(medium, fmt::format("{}: {} of {} values differ from the {}, by {:.2g} at most ({})",
                                   what, check.mismatches, check.compared, check.reference,
                                   check.max_difference, check.metric));
    }
    if (checked == s.points.end() && (s.kind == kSimulated || s.kind == kMeasured)) {
      text += item(medium, what + ": no output check");
    }
    if (!s.accuracy) continue;
    text += item(medium, fmt::format("{}: {:.2f} % of the labels", what, *s.accuracy * 100.0));
  }
  return text;
}

}  // namespace

const std::vector<std::string>& rules() {
  static const std::vector<std::string> kRules = {
#define SYSTOLE_RULE(text) text,
#include "compare/comparison/rules.def"
  };
  return kRules;
}

namespace {

// Names this computer only where something was to be measured on it.
std::string title(const Comparison& c) {
  const bool measures = std::ranges::any_of(c.targets, [](const std::string& target) {
    return target == "cpu:host" || target == "cpu:onnxruntime";
  });
  return fmt::format("{}: {} simulated{}", c.model, c.machine, measures ? " beside " + c.host : "");
}

}  // namespace

std::string table_text(const Comparison& c, bool all_rows) {
  std::string text = wrapped(clean(title(c)), 2);
  for (const std::string& line : headlines(c.rows)) text += wrapped(clean(line), 4, 2);
  text += wrapped(kNext, 0);
  text += "\n" + aligned(shown_rows(c, all_rows)) + "\n" + wrapped(kLegend, 0);
  for (const std::string& sentence : c.summary) text += "\n" + wrapped(clean(sentence), 0);
  text += "\n" + means_text(c, kTerminal) + checks_text(c, kTerminal) + absent_text(c, kTerminal);
  return text;
}

std::string csv_text(const Comparison& c) {
  std::string text;
  for (const Row& row : c.rows) {
    const auto json = to_json(row);
    std::string heading, line;
    for (const auto& [key, value] : json.items()) {
      const char* comma = heading.empty() ? "" : ",";
      heading += comma + key;
      line += comma + (value.is_null()     ? ""
                       : value.is_string() ? csv_cell(value.get<std::string>())
                                           : value.dump());
    }
    if (text.empty()) text = heading + "\n";
    text += line + "\n";
  }
  return text;
}

std::string markdown_text(const Comparison& c, const std::vector<std::string>& plots) {
  std::string text = fmt::format("# {}: targets compared\n\n", markdown_cell(c.model));
  for (const std::string& sentence : c.summary) text += markdown_cell(sentence) + "\n\n";
  text += "Rules:\n\n";
  for (std::size_t i = 0; i < rules().size(); ++i) {
    text += fmt::format("{}. {}\n", i + 1, rules()[i]);
  }
  text += "\n";
  for (const std::string& plot : plots) text += fmt::format("![{0}]({0})\n\n", plot);
  const auto cells = cells_of(shown_rows(c, true), kMarkdown);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    text += fmt::format("| {} |\n", fmt::join(cells[i], " | "));
    if (i > 0) continue;
    for (const Column& column : kColumns) text += column.left ? "|---" : "|--:";
    text += "|\n";
  }
  text += fmt::format("\n{}\n\n", kLegend);
  text += machines_text(shown_rows(c, true), kMarkdown) + means_text(c, kMarkdown) +
          checks_text(c, kMarkdown) + absent_text(c, kMarkdown);
  const std::string how =
      fmt::format("{}, systole {}, {}; model hash {}; host {}.", c.date, c.version,
                  fmt::join(c.libraries, ", "),
                  c.model_hash.empty() ? "none (inline shape)" : c.model_hash, c.host);
  text += fmt::format("\nCommand: {}, {}\n\nThe machine:\n\n```\n{}```\n", markdown_code(c.command),
                      markdown_cell(how), clean_lines(c.machine_toml));
  return text;
}

}  // namespace systole::compare
