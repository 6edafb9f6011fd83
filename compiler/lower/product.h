// Product: a matmul or convolution as the matrix unit runs it, cut into weight tiles.
//
// The inner dimension is cut into slices, each the rows of one tile: a kernel position (or `taps`
// neighbouring ones) and some of the channels. The outer dimension is cut into column blocks. A
// matmul is a product with one kernel position; a matmul of a flattened feature map is one whose
// kernel is a line as long as an image has pixels. Groups are a block-diagonal weight matrix whose
// empty tiles are left out.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/lower/feature_map.h"
#include "compiler/lower/layout.h"
#include "isa/machine.h"
#include "isa/precisions.h"

namespace systole::compiler {

// The rows of a tile: `taps` kernel positions from (y, x) on, to the right, times a cut of
// channels. With `above` it is two positions, (y, x) and (y - 1, x): the channels of the pixel
// above have been copied to the lanes behind a pixel's own.
struct Slice {
  std::int64_t y = 0, x = 0, taps = 1;
  bool above = false;
  Cut channels;
  std::size_t term = 0;  // of the node
  [[nodiscard]] std::int64_t rows() const { return (above ? 2 : taps) * channels.width; }
};

struct Tile {
  std::size_t slice = 0;  // index into slices
  std::int64_t dram = 0;  // address of its weights
};

// How a product's rows are read from the unified buffer.
enum class Walk : std::uint8_t {
  kRows,     // one pixel after another: matmul instructions
  kWindow,   // a window over each image: convolve instructions
  kFlatten,  // one pixel of each image: a convolve along the images for each kernel position
};

struct Product {
  const Node* node = nullptr;
  std::int64_t layer = 0;
  FeatureMap in, out;  // of one batch; `in` of the first term
  Walk walk = Walk::kRows;
  Window window;  // over `in`
  Fold fold;      // blocks of the model's pixels that are pixels of `in`
  std::int64_t groups = 1;
  std::vector<Slice> slices;
  std::vector<Cut> columns;              // column blocks
  std::vector<std::vector<Tile>> tiles;  // by column block: slices that are not all zero
  std::int64_t params = -1;    // host address of its parameter rows (bias, scale by block), or -1
  std::int64_t zero_row = -1;  // parameter row of the weight zero points of block 0, or -1

  [[nodiscard]] const ProductQuants& quants() const;
  // What multiplies the input's scale (a matmul's alpha).
  [[nodiscard]] float alpha() const;
  [[nodiscard]] bool requantised() const { return quants().output.has_value(); }
  [[nodiscard]] bool has_bias() const { return bias_of(*node) != kNoValue; }
  [[nodiscard]] std::int64_t x_bytes() const { return dtype_bytes(quants().x_quant->type); }
  [[nodiscard]] std::int64_t precision() const {
    return isa::precision_for(quants().x_quant->type);
  }
  [[nodiscard]] bool floats() const { return quants().x_quant->type == DType::kBfloat16; }
  [[nodiscard]] std::int64_t weight_type() const {
    return isa::weight_type_of(isa::precision_info(precision()));
  }
  [[nodiscard]] std::int64_t row_cycles() const {
    return isa::precision_info(precision()).row_cycles;
  }
  [[nodiscard]] std::int64_t tile_count() const;
  // Whether it reads pixels with a copy of the one above beside them.
  [[nodiscard]] bool pairs_lines() const;
  // Whether windows lie in the padding above or below the map, where they reach no line of it.
  [[nodiscard]] bool misses_lines() const;
  std::int64_t macs = 0;  // multiply-accumulates of one batch that the model asks for
  // Parameter rows for each column block: bias and, when requantised, scale; of floats a bias
  // alone.
  [[nodiscard]] std::int64_t param_rows() const {
    if (floats()) return has_bias() ? 1 : 0;
    return (has_bias() || requantised()) ? 2 : 0;
  }
};

// Passes in a program; each tile needs one at least.
inline constexpr std::int64_t kMaxPasses = std::int64_t{1} << 19;

// Lines of a map, and pixels of a line, that instructions count.
inline constexpr std::int64_t kMaxExtent = 65'535;

// How a product finds its input: in blocks of the model's pixels, in whole images or in bands of
// their lines.
struct Reading {
  Fold fold = {};
  bool whole_images = true;
};

// Cuts a matmul or conv node that reads its input as `in`. Addresses are not given yet. Throws
// InputError if the node does not fit the machine's instructions.
[[nodiscard]] Product make_product(const Graph& graph, const Node& node, const FeatureMap& in,
                                   const isa::Machine& machine, const Reading& reading = {});

// The blocks of pixels as which a convolution best reads an input that lies in host memory: its
// strides, which become 1 (the kernel shrinks, channels multiply), or none.
[[nodiscard]] Fold best_fold(const Graph& graph, const Node& node, const isa::Machine& machine);

// Cycles of all passes of a batch, if tiles and results take none.
[[nodiscard]] std::int64_t pass_cycles(const Product& product);

// Where the weights of one row of a tile lie among the constant's elements: that of column c, for c
// in [first, end), is element offset + c * step; all others are zeros of the block diagonal.
struct WeightRow {
  std::int64_t offset = 0, step = 1, first = 0, end = 0;
};
[[nodiscard]] WeightRow weight_row(const Product& product, const Slice& slice, std::int64_t row);

}  // namespace systole::compiler
