// Reference pooling: each window is cut to what lies inside x, then its elements are visited.
#include <algorithm>
#include <limits>

#include "base/numerics.h"
#include "base/units.h"
#include "compiler/ir/conv.h"
#include "compiler/ir/integers.h"

namespace systole::compiler {
namespace {

// Kernel positions [first, end) of a window along one dimension.
struct Steps {
  std::int64_t start, dilation;  // x index of position 0 and between positions
  std::int64_t first, end;       // positions inside x
  std::int64_t counted;          // how many an average divides by
  [[nodiscard]] std::int64_t at(std::int64_t i) const { return start + i * dilation; }
};

Steps steps(const PoolAttrs& a, std::size_t d, std::int64_t index, std::int64_t length) {
  const Window& w = a.window;
  Steps s{index * w.strides[d] - w.pads[d], w.dilations[d], 0, w.kernel[d], 0};
  const auto below = [&](std::int64_t end) {  // positions before x index `end`
    return std::clamp<std::int64_t>(ceil_div(std::max<std::int64_t>(0, end - s.start), s.dilation),
                                    0, w.kernel[d]);
  };
  s.first = below(0);
  s.end = std::max(s.first, below(length));
  const std::int64_t padded_end = length + w.pads[d + 2] - a.overhang[d];
  s.counted = a.count_padding ? below(padded_end) : s.end - s.first;
  return s;
}

template <typename T>
T largest(std::span<const T> plane, std::int64_t width, const Steps& rows, const Steps& columns) {
  T top = std::numeric_limits<T>::lowest();
  for (std::int64_t i = rows.first; i < rows.end; ++i) {
    for (std::int64_t j = columns.first; j < columns.end; ++j) {
      top = std::max(top, plane[static_cast<std::size_t>(rows.at(i) * width + columns.at(j))]);
    }
  }
  return top;
}

float largest_or_nan(std::span<const float> plane, std::int64_t width, const Steps& rows,
                     const Steps& columns) {
  float top = -std::numeric_limits<float>::infinity();
  for (std::int64_t i = rows.first; i < rows.end; ++i) {
    for (std::int64_t j = columns.first; j < columns.end; ++j) {
      const float v = plane[static_cast<std::size_t>(rows.at(i) * width + columns.at(j))];
      top = top < v || v != v ? v : top;
    }
  }
  return top;
}

// The sum of (x - zero).
template <typename Sum, typename T>
Sum total(std::span<const T> plane, std::int64_t width, const Steps& rows, const Steps& columns,
          Sum zero) {
  Sum sum = 0;
  for (std::int64_t i = rows.first; i < rows.end; ++i) {
    for (std::int64_t j = columns.first; j < columns.end; ++j) {
      const T v = plane[static_cast<std::size_t>(rows.at(i) * width + columns.at(j))];
      sum += static_cast<Sum>(v) - zero;
    }
  }
  return sum;
}

// Calls use(output index, plane of x, rows, columns) for every window.
template <typename T, typename Use>
void for_windows(const PoolAttrs& a, const Tensor& x, const Shape& y, Use use) {
  const std::span<const T> all = x.as<T>();
  const auto plane = static_cast<std::size_t>(x.shape[2] * x.shape[3]);
  std::size_t out = 0;
  for (std::size_t p = 0; p < static_cast<std::size_t>(y[0] * y[1]); ++p) {
    for (std::int64_t i = 0; i < y[2]; ++i) {
      const Steps rows = steps(a, 0, i, x.shape[2]);
      for (std::int64_t j = 0; j < y[3]; ++j) {
        use(out++, all.subspan(p * plane, plane), rows, steps(a, 1, j, x.shape[3]));
      }
    }
  }
}

template <typename T>
void max_pool(const PoolAttrs& a, const Tensor& x, Tensor& y) {
  for_windows<T>(a, x, y.shape, [&](std::size_t out, auto plane, const Steps& r, const Steps& c) {
    y.as<T>()[out] = largest<T>(plane, x.shape[3], r, c);
  });
}

void float_average(const PoolAttrs& a, const Tensor& x, Tensor& y) {
  for_windows<float>(a, x, y.shape, [&](auto out, auto plane, const Steps& r, const Steps& c) {
    const std::int64_t count = r.counted * c.counted;
    const float sum = total<float, float>(plane, x.shape[3], r, c, 0.0F);
    y.as<float>()[out] = count == 0 ? 0.0F : sum / static_cast<float>(count);
  });
}

template <typename T, typename To>
void integer_average(const PoolAttrs& a, const Tensor& x, Tensor& y) {
  const IntegerRange range = integer_range(y.type);
  const std::int64_t zero = a.x_quant->zero_points[0];
  for_windows<T>(a, x, y.shape, [&](std::size_t out, auto plane, const Steps& r, const Steps& c) {
    const std::int64_t sum = total<std::int64_t, T>(plane, x.shape[3], r, c, zero);
    const std::int64_t count = std::max<std::int64_t>(1, r.counted * c.counted);
    const float multiplier =
        a.x_quant->scales[0] / (a.output->scales[0] * static_cast<float>(count));
    y.as<To>()[out] = static_cast<To>(round_and_saturate(
        static_cast<float>(sum) * multiplier, a.output->zero_points[0], range.lo, range.hi));
  });
}

void max_pool(const PoolAttrs& a, const Tensor& x, Tensor& y) {
  if (x.type == DType::kFloat32) return max_pool<float>(a, x, y);
  with_integer_type(x.type, [&](auto from) { max_pool<decltype(from)>(a, x, y); });
}

void average_pool(const PoolAttrs& a, const Tensor& x, Tensor& y) {
  if (x.type == DType::kFloat32) return float_average(a, x, y);
  with_integer_type(x.type, [&](auto from) {
    with_integer_type(y.type,
                      [&](auto to) { integer_average<decltype(from), decltype(to)>(a, x, y); });
  });
}

}  // namespace

namespace {

// Of bfloat16: sums in binary32, rounded once; a NaN is the largest.
Tensor pool_bfloat16(const PoolAttrs& attrs, const Tensor& x, const Shape& shape) {
  Tensor wide(DType::kFloat32, x.shape);
  std::ranges::copy(x.as<Bfloat16>(), wide.as<float>().begin());
  Tensor sums(DType::kFloat32, shape);
  if (attrs.fn == PoolFn::kAverage) {
    float_average(attrs, wide, sums);
  } else {
    for_windows<float>(attrs, wide, shape, [&](auto out, auto plane, const auto& r, const auto& c) {
      sums.as<float>()[out] = largest_or_nan(plane, x.shape[3], r, c);
    });
  }
  Tensor y(DType::kBfloat16, shape);
  std::ranges::transform(sums.as<float>(), y.as<Bfloat16>().begin(),
                         [](float v) { return Bfloat16(v); });
  return y;
}

}  // namespace

Tensor evaluate_pool(const PoolAttrs& attrs, const Tensor& x, DType type, const Shape& shape) {
  if (x.type == DType::kBfloat16) return pool_bfloat16(attrs, x, shape);
  Tensor y(type, shape);
  switch (attrs.fn) {
    case PoolFn::kMax:
      max_pool(attrs, x, y);
      break;
    case PoolFn::kAverage:
      average_pool(attrs, x, y);
      break;
  }
  return y;
}

}  // namespace systole::compiler
