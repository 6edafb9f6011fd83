// CSV: lines to cells.
#include "base/csv.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "base/diag.h"
#include "base/files.h"

namespace systole {
namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 26;

std::string trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\r";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

std::optional<std::vector<std::string>> csv_cells(std::string_view line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && line.substr(i + 1, 1) == "\"") {  // "" is a quote in a quoted cell
      cells.back() += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  if (quoted) return std::nullopt;
  for (std::string& cell : cells) cell = trimmed(cell);
  return cells;
}

std::size_t CsvTable::column(std::string_view name) const {
  const auto found = std::find(heading.begin(), heading.end(), name);
  if (found == heading.end()) {
    throw InputError(path, fmt::format("has no column {}", name), "a heading that names it");
  }
  return static_cast<std::size_t>(found - heading.begin());
}

CsvTable read_csv(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path, kMaxBytes);
  std::istringstream in(std::string(bytes.begin(), bytes.end()));
  CsvTable table;
  table.path = path;
  std::int64_t number = 0;
  for (std::string line; std::getline(in, line);) {
    const std::string where = fmt::format("{}:{}", path, ++number);
    if (line.empty() || line == "\r" || line.front() == '#') continue;
    std::optional<std::vector<std::string>> cells = csv_cells(line);
    if (!cells) throw InputError(where, "a quote does not end", "\" at the end of the cell");
    if (table.heading.empty()) {
      table.heading = *std::move(cells);
      continue;
    }
    if (cells->size() != table.heading.size()) {
      throw InputError(where, fmt::format("{} cells", cells->size()),
                       fmt::format("{}, as in the heading", table.heading.size()));
    }
    table.rows.push_back({where, *std::move(cells)});
  }
  if (table.rows.empty()) throw InputError(path, "holds no rows", "a heading and one row at least");
  return table;
}

std::int64_t whole_number(const CsvTable& table, const CsvRow& row, std::string_view name,
                          std::int64_t low, std::int64_t high) {
  const std::string& cell = row.cells.at(table.column(name));
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  const bool whole = error == std::errc{} && end == cell.data() + cell.size();
  if (whole && value >= low && value <= high) return value;
  throw InputError(row.where, fmt::format("{} is '{}'", name, cell),
                   fmt::format("a whole number from {} to {}", low, high));
}

}  // namespace systole
