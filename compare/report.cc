// A comparison as text: the terminal's table, CSV, and a Markdown report; all from the same rows.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "compare/compare.h"
#include "compare/summary.h"

namespace systole::compare {
namespace {

constexpr std::size_t kWidth = 100;

// One column of the table.
struct Column {
  const char* heading;
  bool left;  // text to the left, figures to the right
  std::string (*text)(const Row& row);
};

std::string precision_text(const Row& row) { return setting_text(row.precision, row.threads); }

// A server is a queue of batches whose times are of that kind, unless somebody ran one.
std::string kind_text(const Row& row) {
  const bool queued = row.scenario == kServer && row.kind != kPublished;
  return queued ? row.kind + " queue" : row.kind;
}

std::string latency_text(const Row& row) { return time_text(row.latency) + (row.quick ? "*" : ""); }

std::string ratio_text(const Row& row) {
  if (row.reference) return "base";
  return row.ratio ? fmt::format("{:.2f}x", *row.ratio) : "-";
}

std::string error_text(const Row& row) {
  if (!row.low || !row.high) return "?";
  return fmt::format("{:.1f} %", 100.0 * std::max(1.0 - *row.low, *row.high - 1.0));
}

const Column kColumns[] = {
    {"scenario", true, [](const Row& r) { return r.scenario; }},
    {"target", true, [](const Row& r) { return r.target; }},
    {"kind", true, kind_text},
    {"type", true, precision_text},
    {"batch", false, [](const Row& r) { return std::to_string(r.batch); }},
    {"latency", false, latency_text},
    {"+/-", false, error_text},
    {"samples/s", false, [](const Row& r) { return rate_text(r.throughput); }},
    {"device only", false, [](const Row& r) { return r.device > 0 ? time_text(r.device) : "-"; }},
    {"time", false, ratio_text},
    {"% peak", false,
     [](const Row& r) {
       return r.peak_percent ? fmt::format("{:.2f}", *r.peak_percent) : std::string("-");
     }},
    {"bound by", true, [](const Row& r) { return r.bound.empty() ? "-" : r.bound; }},
};

// Breaks text into lines of at most kWidth characters, further ones indented.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::istringstream words(text);
  std::string result;
  std::size_t column = 0;
  for (std::string word; words >> word; column += word.size()) {
    if (column > 0 && column + 1 + word.size() > kWidth) {
      result += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > 0) {
      result += ' ';
      ++column;
    }
    result += word;
  }
  return result + "\n";
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

// Cells of all rows, a heading first; `separator` stands between columns of padded width.
std::vector<std::vector<std::string>> cells_of(const std::vector<const Row*>& rows) {
  std::vector<std::vector<std::string>> cells(1);
  for (const Column& column : kColumns) cells[0].emplace_back(column.heading);
  for (const Row* row : rows) {
    cells.emplace_back();
    for (const Column& column : kColumns) cells.back().push_back(column.text(*row));
  }
  return cells;
}

std::string aligned(const std::vector<std::vector<std::string>>& cells) {
  std::string text;
  for (const auto& line : cells) {
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) {
      std::size_t width = 0;
      for (const auto& other : cells) width = std::max(width, other[i].size());
      const bool left = kColumns[i].left;
      out +=
          left ? fmt::format("{:<{}}  ", line[i], width) : fmt::format("{:>{}}  ", line[i], width);
    }
    text += out.substr(0, out.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string means_text(const Comparison& c, const char* bullet) {
  std::string text;
  for (const Mean& m : c.means) {
    text += wrapped(
        fmt::format("{}{} ({}, {}): geometric mean {:.2f}x over {} batch size{}", bullet, m.target,
                    m.kind, m.precision, m.ratio, m.batches, m.batches == 1 ? "" : "s"),
        2);
  }
  return text;
}

std::string absent_text(const Comparison& c, const char* bullet) {
  std::string text;
  for (const Absent& a : c.absent) {
    const std::string what = a.precision.empty() ? a.target : a.target + " " + a.precision;
    text += wrapped(fmt::format("{}{}: none: {}", bullet, what, a.reason), 2);
  }
  for (const std::string& note : c.notes) text += wrapped(bullet + note, 2);
  return text;
}

std::string checks_text(const Comparison& c, const char* bullet) {
  std::string text;
  for (const Series& s : c.series) {
    const auto checked =
        std::ranges::find_if(s.points, [](const Point& p) { return p.check.has_value(); });
    if (checked != s.points.end()) {
      const OutputCheck& check = *checked->check;
      text += wrapped(
          fmt::format("{}{} {}: {} of {} values differ from the {}, by {:.2g} at most "
                      "({})",
                      bullet, s.target, setting_text(s.precision, s.threads), check.mismatches,
                      check.compared, check.reference, check.max_difference, check.metric),
          2);
    }
    if (checked == s.points.end() && (s.kind == kSimulated || s.kind == kMeasured)) {
      text += fmt::format("{}{} {}: no output check\n", bullet, s.target,
                          setting_text(s.precision, s.threads));
    }
    if (!s.accuracy) continue;
    text += fmt::format("{}{} {}: {:.2f} % of the labels\n", bullet, s.target,
                        setting_text(s.precision, s.threads), *s.accuracy * 100.0);
  }
  return text;
}

}  // namespace

const std::vector<std::string>& rules() {
  static const std::vector<std::string> kRules = {
#define SYSTOLE_RULE(text) text,
#include "compare/rules.def"
  };
  return kRules;
}

std::string table_text(const Comparison& c, bool all_rows) {
  std::string text = fmt::format("{}: {} simulated beside {}\n", c.model, c.machine, c.host);
  text += "Rules:\n";
  for (std::size_t i = 0; i < rules().size(); ++i) {
    text += wrapped(fmt::format("{:>3}. {}", i + 1, rules()[i]), 5);
  }
  text += "\n" + aligned(cells_of(shown_rows(c, all_rows))) + "\n";
  text += wrapped(
      "time: per sample, over the base's; +/-: 95 % interval or validation error, ? if "
      "nobody knows; type: precision and threads; *: measured for less than rule 5 asks (quick); "
      "server: latency is the p99 response of a simulated queue, its batches' times of that kind.",
      0);
  for (const std::string& sentence : c.summary) text += "\n" + wrapped(sentence, 0);
  text += "\n" + means_text(c, "") + checks_text(c, "") + absent_text(c, "");
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
                       : value.is_string() ? value.get<std::string>()
                                           : value.dump());
    }
    if (text.empty()) text = heading + "\n";
    text += line + "\n";
  }
  return text;
}

std::string markdown_text(const Comparison& c, const std::vector<std::string>& plots) {
  std::string text = fmt::format("# {}: targets compared\n\n", c.model);
  for (const std::string& sentence : c.summary) text += sentence + "\n\n";
  text += "Rules:\n\n";
  for (std::size_t i = 0; i < rules().size(); ++i) {
    text += fmt::format("{}. {}\n", i + 1, rules()[i]);
  }
  text += "\n";
  for (const std::string& plot : plots) text += fmt::format("![{0}]({0})\n\n", plot);
  const auto cells = cells_of(shown_rows(c, true));
  for (std::size_t i = 0; i < cells.size(); ++i) {
    text += fmt::format("| {} |\n", fmt::join(cells[i], " | "));
    if (i > 0) continue;
    for (const Column& column : kColumns) text += column.left ? "|---" : "|--:";
    text += "|\n";
  }
  text += "\n`*`: measured for less than rule 5 asks (quick); `?`: nobody knows.\n\n";
  text += means_text(c, "* ") + checks_text(c, "* ") + absent_text(c, "* ");
  text += fmt::format(
      "\nCommand: `{}`, {}, systole {}, {}; model hash {}; host {}.\n\nThe "
      "machine:\n\n```\n{}```\n",
      c.command, c.date, c.version, fmt::join(c.libraries, ", "),
      c.model_hash.empty() ? "none (inline shape)" : c.model_hash, c.host, c.machine_toml);
  return text;
}

}  // namespace systole::compare
