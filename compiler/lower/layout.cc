// Layout: block widths and starts.
#include "compiler/lower/layout.h"

#include <algorithm>
#include <numeric>

#include "base/diag.h"
#include "base/units.h"

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
               std::int64_t element_bytes, std::int64_t width, std::int64_t kept) {
  blocks_ = ceil_div(features, width);
  if (blocks_ == 0) return;
  kept_ = kept > 0 ? std::min(kept, blocks_) : blocks_;
  per_row_ = machine.ub_rows_of(width * element_bytes);
  per_last_row_ = machine.ub_rows_of((features - (blocks_ - 1) * width) * element_bytes);
  block_rows_ = rows * per_row_;
  total_ = (kept_ - 1) * block_rows_ + (kept_ < blocks_ ? block_rows_ : rows * per_last_row_);
}

std::int64_t Layout::row(std::int64_t block, std::int64_t row) const {
  SYSTOLE_CHECK(block >= 0 && block < blocks_, "block {} of {}", block, blocks_);
  return block % kept_ * block_rows_ + row * (block + 1 < blocks_ ? per_row_ : per_last_row_);
}

}  // namespace systole::compiler
