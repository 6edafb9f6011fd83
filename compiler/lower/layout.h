// Layout: how a [rows, features] value lies in the unified buffer, and how it is cut into tiles.
//
// A value is a column of blocks of at most W features; block b holds `rows` rows one after another,
// each taking ceil(width * element bytes / row_bytes) unified buffer rows (T7). With W = R = C a
// block is exactly one tile's K extent and one pass's N extent; on other machines tiles are cut so
// that they never straddle a block.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/ir/graph.h"
#include "isa/machine.h"

namespace systole::compiler {

// Part of a block: features [begin, begin + width) of the value.
struct Cut {
  std::int64_t begin = 0, width = 0;
  std::int64_t block = 0;  // which block it lies in
  std::int64_t lane = 0;   // first feature within the block
};

// What a value is to the products of a graph, where that lets its blocks suit one side of the
// array.
enum class BlockUse : std::uint8_t { kAny, kOnlyRead, kOnlyWritten };
// Of a value in a graph whose products share none: a topology, or one product alone.
[[nodiscard]] BlockUse block_use(const Graph& graph, ValueId value);

// W of a machine for elements of this size. Wide elements (int32 results) are only ever written by
// passes and leave for the host, so their blocks are the passes' C columns. Where no block of whole
// R and whole C fits a unified buffer row, one that is only read has R and one that is only written
// C.
[[nodiscard]] std::int64_t block_width(const isa::Machine& machine, std::int64_t element_bytes,
                                       BlockUse use = BlockUse::kAny);
// [0, features) cut at multiples of W and into pieces of at most `limit`.
[[nodiscard]] std::vector<Cut> cut(std::int64_t features, std::int64_t width, std::int64_t limit);

// Where the blocks of one value start, for `rows` rows of elements of `element_bytes`.
class Layout {
 public:
  Layout() = default;
  // The blocks are of at most `width` features; with `kept` blocks, each takes the place of the one
  // so many before it (0: all have places of their own).
  Layout(const isa::Machine& machine, std::int64_t rows, std::int64_t features,
         std::int64_t element_bytes, std::int64_t width, std::int64_t kept = 0);

  [[nodiscard]] std::int64_t total_rows() const { return total_; }  // unified buffer rows
  [[nodiscard]] std::int64_t blocks() const { return blocks_; }
  // Unified buffer row (relative to the value's first) of row `row` of block `block`.
  [[nodiscard]] std::int64_t row(std::int64_t block, std::int64_t row) const;

 private:
  std::int64_t blocks_ = 0;  // all but the last have the same width
  std::int64_t kept_ = 0;    // that have places
  std::int64_t per_row_ = 0, per_last_row_ = 0, block_rows_ = 0;  // unified buffer rows
  std::int64_t total_ = 0;
};

}  // namespace systole::compiler
