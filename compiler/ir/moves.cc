// Reference moves. Concat copies runs of bytes; pad copies the lines of the last dimension.
#include "compiler/ir/moves.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "compiler/ir/number_list.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

// Each input is, for each index of the dimensions before the axis, one run of bytes.
void concat(const MoveAttrs& a, const std::vector<const Tensor*>& inputs, Tensor& y) {
  const std::int64_t outer = extent(y.shape, 0, static_cast<std::size_t>(a.axis));
  if (outer == 0) return;
  auto to = y.data.begin();
  for (std::int64_t o = 0; o < outer; ++o) {
    for (const Tensor* x : inputs) {
      const std::int64_t run = x->bytes() / outer;
      to = std::copy_n(x->data.begin() + o * run, run, to);
    }
  }
}

void fill(double value, Tensor& y) {
  if (y.type == DType::kFloat32) {
    std::ranges::fill(y.as<float>(), static_cast<float>(value));
  } else if (value != 0.0) {
    with_element_type(y.type, [&](auto zero) {
      using T = decltype(zero);
      if constexpr (std::is_same_v<T, Bfloat16>) {
        std::ranges::fill(y.as<T>(), Bfloat16(static_cast<float>(value)));
      } else {
        std::ranges::fill(y.as<T>(), static_cast<T>(value));
      }
    });
  }
}

// Element offset of the line of `shape` that starts at this index.
std::int64_t offset(const Shape& shape, const std::vector<std::int64_t>& index) {
  std::int64_t at = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) at = at * shape[i] + index[i];
  return at;
}

// x is copied where it lies in y; both are walked by lines of the last dimension.
void pad(const MoveAttrs& a, const Tensor& x, Tensor& y) {
  fill(a.fill, y);
  if (x.count() == 0 || y.count() == 0 || x.shape.empty()) {
    if (x.shape.empty()) y.data = x.data;
    return;
  }
  const std::size_t last = x.shape.size() - 1;
  const std::int64_t from = std::max<std::int64_t>(0, -a.pads[last]);
  const std::int64_t to = std::max<std::int64_t>(0, a.pads[last]);
  const std::int64_t length = std::min(x.shape[last] - from, y.shape[last] - to);
  const std::int64_t size = dtype_bytes(x.type);
  std::vector<std::int64_t> source(x.shape.size());
  std::vector<std::int64_t> target(x.shape.size());
  const std::int64_t lines = extent(x.shape, 0, last);
  for (std::int64_t line = 0; length > 0 && line < lines; ++line) {
    bool inside = true;
    std::int64_t rest = line;
    for (std::size_t i = last; i-- > 0;) {
      source[i] = rest % x.shape[i];
      target[i] = source[i] + a.pads[i];
      inside = inside && target[i] >= 0 && target[i] < y.shape[i];
      rest /= x.shape[i];
    }
    source[last] = from;
    target[last] = to;
    if (!inside) continue;
    std::copy_n(x.data.begin() + offset(x.shape, source) * size, length * size,
                y.data.begin() + offset(y.shape, target) * size);
  }
}

}  // namespace

Tensor evaluate_move(const MoveAttrs& attrs, const std::vector<const Tensor*>& inputs,
                     const Shape& shape) {
  const Tensor& x = *inputs.at(0);
  Tensor y(x.type, shape);
  switch (attrs.fn) {
    case MoveFn::kReshape:
      y.data = x.data;
      break;
    case MoveFn::kTranspose:
      y = transpose(x, attrs.permutation);
      break;
    case MoveFn::kConcat:
      concat(attrs, inputs, y);
      break;
    case MoveFn::kPad:
      pad(attrs, x, y);
      break;
  }
  return y;
}

}  // namespace systole::compiler
