// Reference convolution: im2col, then the matrix product (matmul.cc), image by image and group by
// group. A row of the unfolded matrix is what one window sees, padding as the input's zero point.
// Some output rows at a time are unfolded, so that memory stays small.
#include "compiler/ir/conv.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "base/units.h"
#include "compiler/ir/bfloat16_products.h"
#include "compiler/ir/matmul.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kUnfolded = std::int64_t{1} << 21;  // elements at a time

// Rows of the unfolded matrix that are made together: output rows [first, end) of one image and
// group.
struct Part {
  std::int64_t image, group, first, end;
};

class Unfolder {
 public:
  Unfolder(const ConvAttrs& attrs, const Tensor& x, const Shape& y)
      : attrs_(attrs),
        x_(x),
        y_(y),
        channels_(x.shape[1] / attrs.groups),
        size_(static_cast<std::size_t>(dtype_bytes(x.type))),
        padding_(size_) {
    if (!attrs.x_quant) return;  // real 0 is all bits 0
    const auto zero = static_cast<std::uint32_t>(attrs.x_quant->zero_points[0]);
    for (std::size_t b = 0; b < size_; ++b)
      padding_[b] = static_cast<std::uint8_t>(zero >> (8 * b));
  }

  [[nodiscard]] std::int64_t width() const {
    return channels_ * attrs_.window.kernel[0] * attrs_.window.kernel[1];
  }

  [[nodiscard]] Tensor unfold(const Part& part) const {
    Tensor rows(x_.type, {(part.end - part.first) * y_[3], width()});
    std::uint8_t* to = rows.data.data();
    for (std::int64_t row = part.first; row < part.end; ++row) {
      for (std::int64_t column = 0; column < y_[3]; ++column) {
        to = window_at(part, row, column, to);
      }
    }
    return rows;
  }

 private:
  std::uint8_t* window_at(const Part& part, std::int64_t row, std::int64_t column,
                          std::uint8_t* to) const {
    const Window& w = attrs_.window;
    const std::int64_t top = row * w.strides[0] - w.pads[0];
    const std::int64_t left = column * w.strides[1] - w.pads[1];
    for (std::int64_t c = 0; c < channels_; ++c) {
      const std::int64_t plane =
          (part.image * x_.shape[1] + part.group * channels_ + c) * x_.shape[2];
      for (std::int64_t i = 0; i < w.kernel[0]; ++i) {
        const std::int64_t h = top + i * w.dilations[0];
        const bool inside = h >= 0 && h < x_.shape[2];
        to = line(inside ? (plane + h) * x_.shape[3] : -1, left, to);
      }
    }
    return to;
  }

  // The window's elements in one line of x that starts at element `start` (-1: all padding).
  std::uint8_t* line(std::int64_t start, std::int64_t left, std::uint8_t* to) const {
    const std::int64_t count = attrs_.window.kernel[1], dilation = attrs_.window.dilations[1];
    if (dilation == 1 && start >= 0 && left >= 0 && left + count <= x_.shape[3]) {
      const std::size_t bytes = static_cast<std::size_t>(count) * size_;
      std::memcpy(to, x_.data.data() + static_cast<std::size_t>(start + left) * size_, bytes);
      return to + bytes;
    }
    for (std::int64_t j = 0; j < count; ++j, to += size_) {
      const std::int64_t at = left + j * dilation;
      const bool inside = start >= 0 && at >= 0 && at < x_.shape[3];
      const std::uint8_t* from =
          inside ? x_.data.data() + static_cast<std::size_t>(start + at) * size_ : padding_.data();
      std::memcpy(to, from, size_);
    }
    return to;
  }

  const ConvAttrs& attrs_;
  const Tensor& x_;
  const Shape& y_;
  std::int64_t channels_;  // of a group
  std::size_t size_;
  std::vector<std::uint8_t> padding_;  // one element
};

// Elements [first, first + count) of the first dimension.
Tensor slice(const Tensor& t, std::int64_t first, std::int64_t count) {
  Tensor part(t.type, t.shape);
  part.shape[0] = count;
  const std::int64_t each = t.shape[0] == 0 ? 0 : t.bytes() / t.shape[0];
  const auto from = t.data.begin() + first * each;
  part.data.assign(from, from + count * each);
  return part;
}

// One group's filters as the weights of a matrix product.
struct GroupProduct {
  MatmulAttrs attrs;
  Tensor weights;
  std::optional<Tensor> bias;
};

GroupProduct group_product(const ConvAttrs& attrs, const Tensor& w, const Tensor* bias,
                           std::int64_t group) {
  const std::int64_t filters = w.shape[0] / attrs.groups;
  const std::int64_t first = group * filters;
  GroupProduct product;
  Tensor matrix = slice(w, first, filters);
  matrix.shape = {filters, extent(w.shape, 1, 4)};
  product.weights = transpose(matrix, {1, 0});
  static_cast<ProductQuants&>(product.attrs) = attrs;
  if (attrs.w_quant && !attrs.w_quant->per_tensor()) {
    Quant& quant = *product.attrs.w_quant;
    const Quant& all = *attrs.w_quant;
    quant.axis = 1;
    quant.scales.assign(all.scales.begin() + first, all.scales.begin() + first + filters);
    quant.zero_points.assign(all.zero_points.begin() + first,
                             all.zero_points.begin() + first + filters);
  }
  if (bias != nullptr) product.bias = slice(*bias, first, filters);
  return product;
}

// [pixels, filters] into the filters' planes of y.
template <typename T>
void fold_elements(const Tensor& product, const Part& part, std::int64_t filters, Tensor& y) {
  const std::int64_t plane = y.shape[2] * y.shape[3], pixels = (part.end - part.first) * y.shape[3];
  const std::int64_t channel = part.image * y.shape[1] + part.group * filters;
  const std::uint8_t* const from = product.data.data();
  std::uint8_t* const to = y.data.data();
  for (std::int64_t f = 0; f < filters; ++f) {
    const std::int64_t first = (channel + f) * plane + part.first * y.shape[3];
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      std::memcpy(to + static_cast<std::size_t>(first + pixel) * sizeof(T),
                  from + static_cast<std::size_t>(pixel * filters + f) * sizeof(T), sizeof(T));
    }
  }
}

void fold(const Tensor& product, const Part& part, std::int64_t filters, Tensor& y) {
  switch (dtype_bytes(y.type)) {
    case 1:
      return fold_elements<std::uint8_t>(product, part, filters, y);
    case 2:
      return fold_elements<std::uint16_t>(product, part, filters, y);
    default:
      return fold_elements<std::uint32_t>(product, part, filters, y);
  }
}

// Calls work(i) for i in [0, count), on all processors where there is enough of it.
template <typename Work>
void for_each_on_all(std::int64_t count, bool is_much, const Work& work) {
  const auto cores = static_cast<std::int64_t>(std::max(1U, std::thread::hardware_concurrency()));
  const std::int64_t threads = is_much ? std::min(count, cores) : 1;
  std::atomic<std::int64_t> next = 0;
  const auto some = [&] {
    for (std::int64_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::jthread> others;
  for (std::int64_t t = 1; t < threads; ++t) others.emplace_back(some);
  some();
}

}  // namespace

Tensor evaluate_conv(const ConvAttrs& attrs, const Tensor& x, const Tensor& w, const Tensor* bias,
                     const Shape& shape) {
  if (x.type == DType::kBfloat16) return convolve_bfloat16(attrs, x, w, bias, shape);
  const bool integer = x.type != DType::kFloat32;
  const DType sums = integer ? DType::kInt32 : DType::kFloat32;
  Tensor y(attrs.output ? attrs.output->type : sums, shape);
  const Unfolder unfolder(attrs, x, shape);
  const std::int64_t step =
      std::max<std::int64_t>(1, kUnfolded / std::max<std::int64_t>(1, shape[3] * unfolder.width()));
  constexpr double kMuch = 1e7;  // multiply-adds that are worth threads
  const std::int64_t parts = ceil_div(shape[2], step), filters = w.shape[0] / attrs.groups;
  const double macs =
      static_cast<double>(element_count(shape)) * static_cast<double>(unfolder.width());
  for (std::int64_t group = 0; group < attrs.groups; ++group) {
    const GroupProduct product = group_product(attrs, w, bias, group);
    const bool is_much = macs / static_cast<double>(attrs.groups) > kMuch;
    for_each_on_all(shape[0] * parts, is_much, [&](std::int64_t i) {
      const std::int64_t row = i % parts * step;
      const Part part{i / parts, group, row, std::min(shape[2], row + step)};
      const Tensor sum = evaluate_matmul(product.attrs, unfolder.unfold(part), product.weights,
                                         product.bias ? &*product.bias : nullptr);
      fold(sum, part, filters, y);
    });
  }
  return y;
}

}  // namespace systole::compiler
