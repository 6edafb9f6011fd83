// See onnx_pool_places.h.
//
// The elements that windows see lie along a new dimension; which of them is largest, and the place
// of the window, are an index into a table of constants. Where a window sees padding, it sees its
// first element of x again, so that padding is never the largest.
#include "compiler/frontend/onnx_pool_places.h"

#include <algorithm>

#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_host.h"

namespace systole::compiler {
namespace {

using Ints = std::vector<std::int64_t>;

// By element of the kernel: what each place of the window sees along one dimension.
std::vector<Ints> seen_along(const PlacedWindow& placed, std::size_t d, std::int64_t size) {
  const Window& w = placed.window;
  std::vector<Ints> seen(static_cast<std::size_t>(w.kernel[d]));
  for (std::int64_t step = 0; step < placed.steps[d]; ++step) {
    std::int64_t first = step * w.strides[d] - w.pads[d];
    while (first < 0) first += w.dilations[d];
    first = std::min(first, size - 1);  // a window that sees nothing but padding
    for (std::int64_t k = 0; k < w.kernel[d]; ++k) {
      const std::int64_t at = step * w.strides[d] - w.pads[d] + k * w.dilations[d];
      seen[static_cast<std::size_t>(k)].push_back(at >= 0 && at < size ? at : first);
    }
  }
  return seen;
}

}  // namespace

ValueId emit_pool_places(OnnxNode& node, ValueId x, const PlacedWindow& placed, bool by_columns) {
  GraphBuilder& builder = node.builder();
  const Shape shape = builder.value(x).shape;
  const std::vector<Ints> rows = seen_along(placed, 0, shape[2]);
  const std::vector<Ints> columns = seen_along(placed, 1, shape[3]);
  const std::int64_t places = placed.steps[0] * placed.steps[1];
  std::vector<ValueId> windows;
  Ints table;
  for (const Ints& row : rows) {
    const ValueId lines = emit_take(builder, x, 2, row);
    for (const Ints& column : columns) {
      const ValueId element = emit_take(builder, lines, 3, column);
      windows.push_back(builder.reshape(element, {shape[0], shape[1], 1, places}));
      for (const std::int64_t r : row) {
        for (const std::int64_t c : column)
          table.push_back(by_columns ? c * shape[2] + r : r * shape[3] + c);
      }
    }
  }
  const ValueId which =
      emit_arg_extreme(node, emit_concat(builder, windows, 2), 2, true, false);  // [N, C, 1, P]
  Ints place, picture;
  for (std::int64_t i = 0; i < places; ++i) place.push_back(i);
  for (std::int64_t i = 0; i < shape[0] * shape[1]; ++i) picture.push_back(i * shape[2] * shape[3]);
  const ValueId row = emit_zip(builder, ZipFn::kMul, which,
                               emit_number(builder, DType::kInt64, static_cast<double>(places)));
  const ValueId at = emit_zip(builder, ZipFn::kAdd, row, emit_int64(node, {places}, place));
  const ValueId inside =
      emit_host(node, {HostFn::kGather, {0}}, {emit_int64(node, {std::ssize(table)}, table), at},
                DType::kInt64, {shape[0], shape[1], 1, places});
  const ValueId all =
      emit_zip(builder, ZipFn::kAdd, inside, emit_int64(node, {shape[0], shape[1], 1, 1}, picture));
  return builder.reshape(all, {shape[0], shape[1], placed.steps[0], placed.steps[1]});
}

}  // namespace systole::compiler
