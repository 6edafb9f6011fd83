// A rung's tables as text that fits a page and as JSON.
#include "validate/validation.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <sstream>

#include "base/clean.h"
#include "base/diag.h"
#include "base/json_text.h"
#include "base/page.h"
#include "base/source.h"
#include "isa/suggest.h"

namespace systole::validate {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto kRungs = std::to_array<Rung>({
    {"rtl", "the matrix unit in SystemVerilog, every accumulator write in its cycle", false,
     validate_rtl},
    {"onnx", "ONNX's own operator tests (Debian: libonnx-testdata)", true, validate_onnx},
    {"ort", "stored outputs of ONNX Runtime on quantised models, by class of equality", true,
     validate_ort},
    {"paper", "TPU v1's published counters (Jouppi et al., ISCA 2017, Table 3)", true,
     validate_paper},
    {"gpu", "the models of GPUs on measured tables, the half they were fitted on and the other",
     true, validate_gpu},
    {"h100", "the same on products of one H100 in bf16", true, validate_h100},
    {"v6e", "products of a real TPU v6e, beside a plain formula", true, validate_v6e},
    {"v3", "products of a core of a real TPU v3, beside a plain formula", true, validate_v3},
    {"host", "the CPU model fitted on this computer, on products it was not fitted on", true,
     validate_host},
    {"scalesim", "SCALE-Sim's weight-stationary cycles, layer by layer", false, validate_scalesim},
});

std::string cell_text(const Json& value, int decimals) {
  if (value.is_null()) return "-";
  if (value.is_string()) return markdown_cell(value.get<std::string>());
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  return fmt::format("{:.{}f}", value.get<double>(), decimals);
}

using Cells = std::vector<std::vector<std::string>>;

// Text of every cell, a row of headings first.
Cells cells_of(const ValidationTable& table) {
  Cells cells(1);
  for (const ValidationColumn& column : table.columns) cells[0].push_back(column.heading);
  for (const Json& row : table.rows) {
    cells.emplace_back();
    for (const ValidationColumn& column : table.columns) {
      cells.back().push_back(cell_text(row.at(column.key), column.decimals));
    }
  }
  return cells;
}

std::size_t column_width(const Cells& cells, std::size_t column) {
  std::size_t width = 0;
  for (const auto& row : cells) width = std::max(width, width_of(row[column]));
  return width;
}

// To the left: headings and text.
bool is_left(const ValidationTable& table, std::size_t row, std::size_t column) {
  return row == 0 || table.rows.at(row - 1).at(table.columns[column].key).is_string();
}

std::string padded(const std::string& cell, bool left, std::size_t width) {
  return left ? fmt::format("{:<{}}", cell, width) : fmt::format("{:>{}}", cell, width);
}

std::string markdown_table(const ValidationTable& table, const Cells& cells) {
  std::string text, rule = "|";
  for (std::size_t row = 0; row < cells.size(); ++row) {
    text += "|";
    for (std::size_t i = 0; i < cells[row].size(); ++i) {
      const std::size_t width = column_width(cells, i);
      text += " " + padded(cells[row][i], is_left(table, row, i), width) + " |";
      if (row == 0) rule += std::string(width + 2, '-') + "|";
    }
    text += row == 0 ? "\n" + rule + "\n" : "\n";
  }
  return text;
}

// The heading's words in lines as wide as the column's cells, or as its longest word.
std::vector<std::string> heading_lines(const std::string& heading, std::size_t width) {
  std::istringstream in(heading);
  const std::vector<std::string> words{std::istream_iterator<std::string>(in), {}};
  for (const std::string& word : words) width = std::max(width, word.size());
  std::vector<std::string> lines;
  for (const std::string& word : words) {
    const bool fits = !lines.empty() && lines.back().size() + 1 + word.size() <= width;
    if (fits) {
      lines.back() += " " + word;
    } else {
      lines.push_back(word);
    }
  }
  return lines;
}

// The same with headings of several lines, for tables wider than a page.
std::string narrow_table(const ValidationTable& table, const Cells& cells) {
  const Cells body(cells.begin() + 1, cells.end());
  std::vector<std::vector<std::string>> headings;
  std::vector<std::size_t> widths;
  std::size_t height = 0;
  for (std::size_t i = 0; i < cells[0].size(); ++i) {
    headings.push_back(heading_lines(cells[0][i], column_width(body, i)));
    height = std::max(height, headings.back().size());
    widths.push_back(column_width(body, i));
    for (const std::string& line : headings.back()) widths[i] = std::max(widths[i], line.size());
  }
  std::string text;
  for (std::size_t line = 0; line < height; ++line) {
    for (std::size_t i = 0; i < headings.size(); ++i) {
      const bool there = line < headings[i].size();
      text += padded(there ? headings[i][line] : "", true, widths[i]) + "  ";
    }
    text += "\n";
  }
  for (std::size_t row = 0; row < body.size(); ++row) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      text += padded(body[row][i], is_left(table, row + 1, i), widths[i]) + "  ";
    }
    text += "\n";
  }
  return text;
}

// Without blanks at the ends of lines.
std::string without_ends(const std::string& text) {
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    result += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return result;
}

// As Markdown where that fits a page.
std::string table_text(const ValidationTable& table) {
  const Cells cells = cells_of(table);
  const std::string markdown = markdown_table(table, cells);
  const bool fits = markdown.find('\n') <= kPageWidth;
  return fmt::format("{}\n\n{}\n", wrapped(clean(table.title), 0, 0),
                     fits ? markdown : without_ends(narrow_table(table, cells)));
}

std::string tally_text(const ValidationTally& tally) {
  std::string text = fmt::format("passed {}, failed {}", tally.passed, tally.failed);
  for (const auto& [reason, count] : tally.skipped) {
    text += fmt::format(", skipped {} ({})", count, clean(reason));
  }
  return wrapped(text, 0, 4) + "\n";
}

}  // namespace

std::string validation_text(const Validation& validation) {
  std::string text;
  for (const ValidationTable& table : validation.tables) {
    if (table.in_text) text += table_text(table);
  }
  if (validation.tally) text += tally_text(*validation.tally);
  for (const auto& [key, value] : validation.figures) {
    std::string words = key;
    std::replace(words.begin(), words.end(), '_', ' ');
    text += fmt::format("{}: {:.2f}\n", words, value);
  }
  for (const std::string& note : validation.notes) {
    text += wrapped("- " + markdown_cell(note), 0, 2) + "\n";
  }
  return text;
}

std::string validation_json(const std::string& rung, const Validation& validation) {
  Json json{{"rung", rung}, {"version", program_version()}};
  if (validation.tally) {
    json["passed"] = validation.tally->passed;
    json["failed"] = validation.tally->failed;
    json["skipped"] = validation.tally->skipped;
  }
  for (const auto& [key, value] : validation.figures) json[key] = value;
  for (const auto& [name, value] : validation.groups) json["groups"][name] = value;
  for (const ValidationTable& table : validation.tables) json[table.key] = table.rows;
  json["notes"] = validation.notes;
  return json_text(json);
}

std::span<const Rung> rungs() { return kRungs; }

std::string rung_names() {
  std::string names;
  for (const Rung& rung : kRungs) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", rung.name);
  }
  return names;
}

const Rung& rung_named(const std::string& name) {
  const auto* const rung =
      std::find_if(kRungs.begin(), kRungs.end(), [&](const Rung& r) { return r.name == name; });
  if (rung == kRungs.end()) {
    std::vector<std::string> known;
    for (const Rung& r : kRungs) known.emplace_back(r.name);
    throw InputError("rung " + name, "no such rung" + isa::did_you_mean(name, known),
                     "one of " + rung_names());
  }
  return *rung;
}

}  // namespace systole::validate
