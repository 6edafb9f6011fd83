// Layout: block widths and starts.
#include "compiler/lower/layout.h"

#include <algorithm>
#include <numeric>

namespace systole::compiler {

std::int64_t block_width(const isa::Machine& machine, std::int64_t element_bytes) {
  const std::int64_t r = machine.r();
  const std::int64_t c = machine.c();
  if (r == c || element_bytes > 2) return c;
  if (element_bytes == 2) return std::min(r, c);  // one piece a block
  // Pieces of a block share its unified buffer rows, so a block must fit one row.
  for (std::int64_t width : {std::lcm(r, c), std::max(r, c), std::min(r, c)}) {
    if (width <= machine.unified_buffer_row_bytes) return width;
  }
  return machine.unified_buffer_row_bytes;
}

std::vector<Cut> cut(std::int64_t features, std::int64_t width, std::int64_t limit) {
  std::vector<Cut> cuts;
  for (std::int64_t begin = 0; begin < features;) {
    const std::int64_t block = begin / width;
    const std::int64_t end = std::min({features, (block + 1) * width, begin + limit});
    cuts.push_back({begin, end - begin, block, begin - block * width});
    begin = end;
  }
  return cuts;
}

Layout::Layout(const isa::Machine& machine, std::int64_t rows, std::int64_t features,
               std::int64_t element_bytes) {
  const std::int64_t width = block_width(machine, element_bytes);
  for (std::int64_t begin = 0; begin < features; begin += width) {
    const std::int64_t bytes = std::min(width, features - begin) * element_bytes;
    start_.push_back(total_);
    per_row_.push_back(machine.ub_rows_of(bytes));
    total_ += rows * per_row_.back();
  }
}

}  // namespace systole::compiler
