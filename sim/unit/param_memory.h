// Parameter memory: rows of C x 32 bit: biases, scales, zero points, tables.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/diag.h"
#include "base/storage.h"
#include "base/units.h"
#include "isa/footprint.h"

namespace systole::sim {

class ParamMemory {
 public:
  // Without `values` it holds none, else the rows of the footprint.
  ParamMemory(const isa::Machine& machine, const std::optional<isa::Footprint>& values)
      : machine_(machine), rows_(values ? values->parameter_rows : machine.parameters_rows) {
    if (values) bytes_ = {rows_ * machine.param_row_bytes(), "parameter memory"};
  }

  // The bytes of rows [row, row + rows).
  [[nodiscard]] std::span<std::uint8_t> bytes(std::int64_t row, std::int64_t rows) {
    SYSTOLE_CHECK(row >= 0 && row + rows <= rows_, "rows [{}, {}) of {}", row, row + rows, rows_);
    const std::int64_t row_bytes = machine_.param_row_bytes();
    return {bytes_.data() + row * row_bytes, static_cast<std::size_t>(rows * row_bytes)};
  }
  // Copies the first to.size() elements of a row; T is std::int32_t or float.
  template <typename T>
  void read(std::int64_t row, std::span<T> to) {
    static_assert(sizeof(T) == 4);
    const auto from = bytes(row, 1);
    SYSTOLE_CHECK(to.size_bytes() <= from.size(), "{} elements of a row", to.size());
    std::memcpy(to.data(), from.data(), to.size_bytes());
  }

  // `count` words from the first of row `row` on, over as many rows as it takes.
  [[nodiscard]] std::vector<std::int32_t> words(std::int64_t row, std::int64_t count) {
    std::vector<std::int32_t> to(static_cast<std::size_t>(count));
    const auto from = bytes(row, ceil_div(count, machine_.c()));
    std::memcpy(to.data(), from.data(), 4 * to.size());
    return to;
  }

 private:
  const isa::Machine& machine_;
  std::int64_t rows_;
  Storage<std::uint8_t> bytes_;
};

}  // namespace systole::sim
