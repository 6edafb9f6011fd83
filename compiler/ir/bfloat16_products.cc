// Reference products of bfloat16. Operands are widened; columns run innermost, each its own chain.
#include "compiler/ir/bfloat16_products.h"

#include <algorithm>
#include <cmath>

#include "base/bfloat16.h"
#include "compiler/ir/integers.h"

namespace systole::compiler {
namespace {

std::vector<float> widened(const Tensor& t) {
  const auto elements = t.as<Bfloat16>();
  return {elements.begin(), elements.end()};
}

// The sums of one row of results, stretch by stretch.
class RowSums {
 public:
  RowSums(std::size_t columns, std::int64_t rows) : rows_(rows), sum_(columns), stretch_(columns) {}

  void begin() {
    std::ranges::fill(stretch_, 0.0F);
    taken_ = 0;
    any_ = false;
  }
  // One k: x times weights `step` apart.
  void take(float x, const float* w, std::size_t step) {
    if (rows_ > 0 && taken_ == rows_) end_stretch();
    for (std::size_t c = 0; c < stretch_.size(); ++c)
      stretch_[c] = std::fma(x, w[c * step], stretch_[c]);
    ++taken_;
  }
  // A kernel position of a cut sum ends; in the padding it has summed nothing: +0.
  void end_position() {
    if (rows_ > 0) end_stretch();
  }
  // + bias, limited, into results from `index` on, `step` apart.
  void finish(const ProductQuants& attrs, const float* bias, Tensor& y, std::size_t index,
              std::size_t step) {
    if (taken_ > 0) end_stretch();
    for (std::size_t c = 0; c < sum_.size(); ++c) {
      float v = any_ ? sum_[c] : 0.0F;
      if (bias != nullptr) v = v + bias[c];
      const std::size_t at = index + c * step;
      if (attrs.output) {
        y.as<Bfloat16>()[at] = Bfloat16(limited(v, {attrs.lo, attrs.hi}));
      } else {
        y.as<float>()[at] = canonical(v);
      }
    }
  }

 private:
  void end_stretch() {
    for (std::size_t c = 0; c < sum_.size(); ++c) {
      sum_[c] = any_ ? canonical(sum_[c] + stretch_[c]) : canonical(stretch_[c]);
      stretch_[c] = 0.0F;
    }
    any_ = true;
    taken_ = 0;
  }

  std::int64_t rows_, taken_ = 0;
  bool any_ = false;
  std::vector<float> sum_, stretch_;
};

DType result_type(const ProductQuants& attrs) {
  return attrs.output ? attrs.output->type : DType::kFloat32;
}

// One convolution, widened.
struct Convolution {
  const ConvAttrs& attrs;
  const Shape& x_shape;
  const Shape& w_shape;
  const std::vector<float>& x;
  const std::vector<float>& w;

  // What output (row, column) of filter group `group` sees of image `image`.
  void take(std::int64_t image, std::int64_t group, std::int64_t row, std::int64_t column,
            RowSums& sums) const {
    const Window& window = attrs.window;
    for (std::int64_t i = 0; i < window.kernel[0]; ++i) {
      const std::int64_t h = row * window.strides[0] - window.pads[0] + i * window.dilations[0];
      for (std::int64_t j = 0; j < window.kernel[1]; ++j) {
        const std::int64_t v =
            column * window.strides[1] - window.pads[1] + j * window.dilations[1];
        const bool inside = h >= 0 && h < x_shape[2] && v >= 0 && v < x_shape[3];
        if (inside) take_pixel({image, group, h, v}, i * window.kernel[1] + j, sums);
        sums.end_position();
      }
    }
  }

 private:
  struct Pixel {
    std::int64_t image, group, h, v;
  };
  void take_pixel(const Pixel& p, std::int64_t position, RowSums& sums) const {
    const std::int64_t channels = w_shape[1];
    const std::int64_t positions = w_shape[2] * w_shape[3];
    const std::int64_t filters = w_shape[0] / attrs.groups;
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t plane = p.image * x_shape[1] + p.group * channels + c;
      const std::int64_t from = (plane * x_shape[2] + p.h) * x_shape[3] + p.v;
      const std::int64_t weight = (p.group * filters * channels + c) * positions + position;
      sums.take(x[static_cast<std::size_t>(from)], w.data() + weight,
                static_cast<std::size_t>(channels * positions));
    }
  }
};

}  // namespace

Tensor multiply_bfloat16(const ProductQuants& attrs, const Tensor& x, const Tensor& w,
                         const Tensor* bias) {
  Shape shape = x.shape;
  shape.back() = w.shape[1];
  Tensor y(result_type(attrs), std::move(shape));
  const auto k = static_cast<std::size_t>(w.shape[0]), n = static_cast<std::size_t>(w.shape[1]);
  const std::vector<float> rows = widened(x), weights = widened(w);
  const float* biases = bias == nullptr ? nullptr : bias->as<float>().data();
  RowSums sums(n, attrs.sum_rows);
  for (std::size_t row = 0; n > 0 && row < static_cast<std::size_t>(y.count()) / n; ++row) {
    sums.begin();
    for (std::size_t i = 0; i < k; ++i) sums.take(rows[row * k + i], weights.data() + i * n, 1);
    sums.finish(attrs, biases, y, row * n, 1);
  }
  return y;
}

Tensor convolve_bfloat16(const ConvAttrs& attrs, const Tensor& x, const Tensor& w,
                         const Tensor* bias, const Shape& shape) {
  Tensor y(result_type(attrs), shape);
  const std::vector<float> wide_x = widened(x), wide_w = widened(w);
  const Convolution convolution{attrs, x.shape, w.shape, wide_x, wide_w};
  const std::int64_t filters = w.shape[0] / attrs.groups;
  const std::int64_t plane = shape[2] * shape[3];
  RowSums sums(static_cast<std::size_t>(filters), attrs.sum_rows);
  for (std::int64_t part = 0; part < shape[0] * attrs.groups; ++part) {
    const std::int64_t image = part / attrs.groups, group = part % attrs.groups;
    const float* biases = bias == nullptr ? nullptr : bias->as<float>().data() + group * filters;
    for (std::int64_t pixel = 0; pixel < plane; ++pixel) {
      sums.begin();
      convolution.take(image, group, pixel / shape[3], pixel % shape[3], sums);
      const std::int64_t first = (image * shape[1] + group * filters) * plane + pixel;
      sums.finish(attrs, biases, y, static_cast<std::size_t>(first),
                  static_cast<std::size_t>(plane));
    }
  }
  return y;
}

}  // namespace systole::compiler
