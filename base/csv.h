// CSV tables: a heading, then rows of as many cells; lines that start with # are comments. A cell
// in double quotes may hold commas.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace systole {

struct CsvRow {
  std::string where;  // file:line
  std::vector<std::string> cells;
};

struct CsvTable {
  std::string path;
  std::vector<std::string> heading;
  std::vector<CsvRow> rows;

  // Which cell of a row stands under this heading. Throws InputError if there is no such column.
  [[nodiscard]] std::size_t column(std::string_view name) const;
};

// The cells of a line, without blanks around them; nothing if a quote does not end.
[[nodiscard]] std::optional<std::vector<std::string>> csv_cells(std::string_view line);

// Throws InputError naming the line: unreadable, larger than 64 MiB, no rows, other number of cells
// than the heading has, a quote that does not end.
[[nodiscard]] CsvTable read_csv(const std::string& path);

// The cell as a whole number within [low, high]; throws InputError naming `row` and `name`.
[[nodiscard]] std::int64_t whole_number(const CsvTable& table, const CsvRow& row,
                                        std::string_view name, std::int64_t low, std::int64_t high);

}  // namespace systole
