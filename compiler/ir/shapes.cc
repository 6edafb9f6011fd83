// Shape rules: broadcasting and permutation as strides over row-major data, windows, pads.
#include "compiler/ir/shapes.h"

#include <algorithm>
#include <cstring>

namespace systole::compiler {
namespace {

std::vector<std::int64_t> strides_of(const Shape& shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t stride = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

}  // namespace

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape result = longer;
  const std::size_t lead = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    std::int64_t& dim = result[lead + i];
    if (dim == 1) {
      dim = shorter[i];
    } else if (shorter[i] != 1 && shorter[i] != dim) {
      return std::nullopt;
    }
  }
  return result;
}

std::vector<std::int64_t> broadcast_strides(const Shape& from, const Shape& to) {
  const std::vector<std::int64_t> own = strides_of(from);
  std::vector<std::int64_t> strides(to.size());
  const std::size_t lead = to.size() - from.size();
  for (std::size_t i = 0; i < from.size(); ++i) strides[lead + i] = from[i] == 1 ? 0 : own[i];
  return strides;
}

bool is_permutation(const std::vector<std::int64_t>& order, std::size_t rank) {
  std::vector<std::int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] != static_cast<std::int64_t>(i)) return false;
  }
  return sorted.size() == rank;
}

Shape permute(const Shape& shape, const std::vector<std::int64_t>& order) {
  Shape result;
  for (std::int64_t axis : order) result.push_back(shape[static_cast<std::size_t>(axis)]);
  return result;
}

Tensor transpose(const Tensor& t, const std::vector<std::int64_t>& order) {
  Tensor result(t.type, permute(t.shape, order));
  const std::vector<std::int64_t> strides = permute(strides_of(t.shape), order);
  const auto size = static_cast<std::size_t>(dtype_bytes(t.type));
  std::vector<std::int64_t> index(order.size());
  std::int64_t from = 0;
  for (std::size_t to = 0; to < result.data.size(); to += size) {
    std::memcpy(result.data.data() + to, t.data.data() + static_cast<std::size_t>(from) * size,
                size);
    for (std::size_t i = index.size(); i-- > 0;) {  // the next index, like a milometer
      from += strides[i];
      if (++index[i] < result.shape[i]) break;
      from -= strides[i] * result.shape[i];
      index[i] = 0;
    }
  }
  return result;
}

std::int64_t window_steps(std::int64_t length, std::int64_t kernel, std::int64_t stride,
                          std::int64_t dilation) {
  const std::int64_t reach = (kernel - 1) * dilation + 1;
  return length < reach ? 0 : (length - reach) / stride + 1;
}

std::optional<Shape> padded(const Shape& shape, const std::vector<std::int64_t>& pads) {
  if (pads.size() != 2 * shape.size()) return std::nullopt;
  Shape result = shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::int64_t before = pads[i];
    const std::int64_t behind = pads[shape.size() + i];
    const std::int64_t cut = -std::min<std::int64_t>(before, 0) - std::min<std::int64_t>(behind, 0);
    if (cut > shape[i]) return std::nullopt;
    result[i] += before + behind;
  }
  return result;
}

std::int64_t extent(const Shape& shape, std::size_t first, std::size_t end) {
  std::int64_t product = 1;
  for (std::size_t i = first; i < end; ++i) product *= shape[i];
  return product;
}

}  // namespace systole::compiler
