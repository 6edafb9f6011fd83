// Layout: block widths and starts.
#include "compiler/lower/layout.h"

#include <algorithm>
#include <numeric>

namespace systole::compiler {

BlockUse block_use(const Graph& graph, ValueId value) {
  const bool alone = graph.nodes.size() == 1 && graph.nodes.front().kind == OpKind::kMatmul;
  if (!graph.separate_layers && !alone) return BlockUse::kAny;
  const bool read = std::ranges::find(graph.inputs, value) != graph.inputs.end();
  return read ? BlockUse::kOnlyRead : BlockUse::kOnlyWritten;
}

std::int64_t block_width(const isa::Machine& machine, std::int64_t element_bytes, BlockUse use) {
  const std::int64_t r = machine.r();
  const std::int64_t c = machine.c();
  if (r == c || element_bytes > 2) return c;
  if (element_bytes == 2) return std::min(r, c);  // one piece a block
  // Pieces of a block share its unified buffer rows, so a block must fit one row.
  const std::int64_t row = machine.unified_buffer_row_bytes;
  if (std::lcm(r, c) <= row) return std::lcm(r, c);
  if (use == BlockUse::kOnlyRead && r <= row) return r;
  if (use == BlockUse::kOnlyWritten && c <= row) return c;
  for (std::int64_t width : {std::max(r, c), std::min(r, c)}) {
    if (width <= row) return width;
  }
  return row;
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
               std::int64_t element_bytes, std::int64_t width) {
  for (std::int64_t begin = 0; begin < features; begin += width) {
    const std::int64_t bytes = std::min(width, features - begin) * element_bytes;
    start_.push_back(total_);
    per_row_.push_back(machine.ub_rows_of(bytes));
    total_ += rows * per_row_.back();
  }
}

}  // namespace systole::compiler
