// Nodes as the rewrites of composite operators need them: float32, their shapes worked out here.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/graph_builder.h"

namespace systole::compiler {

// fn(a, b), broadcast; the shapes are known to fit.
ValueId emit_zip(GraphBuilder& builder, ZipFn fn, ValueId a, ValueId b);
ValueId emit_map(GraphBuilder& builder, const MapAttrs& attrs, ValueId x);
// Over these axes, each of which keeps an extent of 1.
ValueId emit_reduce(GraphBuilder& builder, ReduceFn fn, ValueId x,
                    const std::vector<std::int64_t>& axes);
// x - max - log(sum(exp(x - max))): the logarithm of a Softmax, where that may be too small for
// one.
ValueId emit_log_softmax(GraphBuilder& builder, ValueId x, const std::vector<std::int64_t>& axes);
ValueId emit_scalar(GraphBuilder& builder, float value);
// A number of any element type; bool: whether it is not 0.
ValueId emit_number(GraphBuilder& builder, DType type, double value);
// x itself where it has the type already.
ValueId emit_cast(GraphBuilder& builder, ValueId x, DType type);
// a where c holds, else b; the shapes are known to broadcast.
ValueId emit_select(GraphBuilder& builder, ValueId c, ValueId a, ValueId b);
// Whether c of bools does not hold.
ValueId emit_not(GraphBuilder& builder, ValueId c);
// x [..., K] times w [K, N].
ValueId emit_product(GraphBuilder& builder, ValueId x, ValueId w);

// --- of any element type that a Pad takes ---

// Elements [begin, end) along an axis.
ValueId emit_slice(GraphBuilder& builder, ValueId x, std::size_t axis, std::int64_t begin,
                   std::int64_t end);
ValueId emit_concat(GraphBuilder& builder, const std::vector<ValueId>& inputs, std::size_t axis);
// Zeros before and behind each dimension (cut off where negative), which leave something.
ValueId emit_pad(GraphBuilder& builder, ValueId x, const std::vector<std::int64_t>& pads);
// The elements at these indices along an axis, in their order: slices put together, or, where they
// would be more than kMostSlices, a gather, which the host alone does.
inline constexpr std::size_t kMostSlices = 16;
ValueId emit_take(GraphBuilder& builder, ValueId x, std::size_t axis,
                  const std::vector<std::int64_t>& indices);

}  // namespace systole::compiler
