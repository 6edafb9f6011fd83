// What the readers of measured tables share: the cells of a line, and the parts of a row. Each form
// of a table is read by one function, which adds the rows of one line (gpu_table.h).
#pragma once

#include <string>
#include <string_view>

#include "base/csv.h"
#include "compare/model/gpu_table.h"

namespace systole::compare {

// Largest numbers of a row: with these no count leaves 64 bits.
inline constexpr std::int64_t kMostDim = std::int64_t{1} << 24;
inline constexpr std::int64_t kMostCount = std::int64_t{1} << 20;
inline constexpr std::int64_t kMostSide = std::int64_t{1} << 12;

// One row of a file while it is read. Everything throws InputError naming the line.
class Cells {
 public:
  Cells(const CsvTable& table, const CsvRow& row) : table_(table), row_(row) {}
  [[nodiscard]] const std::string& text(std::string_view column) const;
  [[nodiscard]] bool has(std::string_view column) const { return !text(column).empty(); }
  // 1 to `most`.
  [[nodiscard]] std::int64_t whole(std::string_view column, std::int64_t most = kMostDim) const;
  // Above 0.
  [[nodiscard]] double number(std::string_view column) const;
  // `value`, if a kernel can take it.
  [[nodiscard]] double seconds(double value) const;
  // The fields before this column, as they stand in the file.
  [[nodiscard]] std::string before(std::string_view column) const;
  [[nodiscard]] const std::string& where() const { return row_.where; }

 private:
  const CsvTable& table_;
  const CsvRow& row_;
};

// A row of a device by its name in the tables, with its key; and its work.
[[nodiscard]] GpuRow row_of(const Cells& cells, std::string_view device,
                            std::string_view time_column);
void set_product(GpuRow& row, const Product& product);
void set_norm(GpuRow& row, GpuKind kind, const NormRows& rows);
void set_element(GpuRow& row, const std::string& operation, const ElementWork& work);
[[nodiscard]] Product product_of(const Cells& cells, std::int64_t count);
// Takes the row, or counts why not.
void add(GpuRow row, GpuTable& table);

void read_deepbench_gemm(const Cells& cells, GpuTable& table);
void read_deepbench_conv(const Cells& cells, GpuTable& table);
void read_llama(const Cells& cells, GpuTable& table);

}  // namespace systole::compare
