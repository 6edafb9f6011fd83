// Matrix products, convolutions and pools. Weights are put into the order that the libraries want
// here, on the host, once.
#include <fmt/core.h>

#include <algorithm>

#include "base/numerics.h"
#include "base/units.h"
#include "compare/targets/gpu/builder.h"

namespace systole::compare::gpu {

using compiler::Node;
using compiler::Quant;

namespace {

constexpr std::int64_t kAlignment = 16;  // bytes a row of an int8 operand is a multiple of

std::int64_t aligned(std::int64_t n) { return ceil_div(n, kAlignment) * kAlignment; }

// The elements of `from`, times `factor`.
std::vector<float> scaled(const Tensor& from, float factor) {
  std::vector<float> values(from.as<float>().begin(), from.as<float>().end());
  for (float& v : values) v *= factor;
  return values;
}

// w[k, n] as [n, columns], zeros behind k.
template <typename T>
std::vector<T> transposed(std::span<const T> w, std::int64_t k, std::int64_t n,
                          std::int64_t columns) {
  std::vector<T> result(static_cast<std::size_t>(n * columns));
  for (std::int64_t row = 0; row < k; ++row) {
    for (std::int64_t c = 0; c < n; ++c) {
      result[static_cast<std::size_t>(c * columns + row)] =
          w[static_cast<std::size_t>(row * n + c)];
    }
  }
  return result;
}

// w[m, c, h, w] as [m, (h, w, c)], zeros behind each filter up to `columns`.
template <typename T>
std::vector<T> filters_channels_last(std::span<const T> w, const Shape& shape,
                                     std::int64_t columns) {
  std::vector<T> result(static_cast<std::size_t>(shape[0] * columns));
  const std::int64_t pixels = shape[2] * shape[3];
  for (std::int64_t m = 0; m < shape[0]; ++m) {
    for (std::int64_t c = 0; c < shape[1]; ++c) {
      for (std::int64_t p = 0; p < pixels; ++p) {
        result[static_cast<std::size_t>(m * columns + p * shape[1] + c)] =
            w[static_cast<std::size_t>((m * shape[1] + c) * pixels + p)];
      }
    }
  }
  return result;
}

// A bias of n elements or of one for all.
template <typename T>
std::vector<T> widened(const Tensor& bias, std::int64_t n) {
  const auto values = bias.as<T>();
  std::vector<T> result(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = values[i % values.size()];
  return result;
}

Window2d window_of(const compiler::Window& w) {
  return {w.kernel, w.strides, w.dilations, {w.pads[0], w.pads[1]}};
}

// Whether the pads are alike on both sides and the windows fill what they make.
bool square(const compiler::Window& w, const Shape& x, const Shape& y) {
  bool fits = true;
  for (std::size_t d = 0; d < 2; ++d) {
    const std::int64_t span = (w.kernel[d] - 1) * w.dilations[d] + 1;
    const std::int64_t places = (x[2 + d] + 2 * w.pads[d] - span) / w.strides[d] + 1;
    fits = fits && w.pads[d] == w.pads[d + 2] && places == y[2 + d];
  }
  return fits;
}

}  // namespace

// --- floats: the library does it all ---

void Builder::add_float_matmul(const Node& node, bool relu) {
  const auto& attrs = std::get<compiler::MatmulAttrs>(node.attrs);
  if (attrs.output) refuse(node, "a requantised product of floats", "integers or floats");
  const Tensor& w = constant(node, 1);
  if (w.type != DType::kFloat32 || w.shape.size() != 2) {
    refuse(node, fmt::format("weights of {}", shape_text(w.shape)), "a float32 matrix");
  }
  const Placed x = arranged(node, read(node, 0), false);
  const Placed y = place(x.element, graph_.value(node.outputs[0]).shape);
  Gemm work;
  work.math = float_math_;
  work.k = w.shape[0];
  work.n = w.shape[1];
  work.m = work.k == 0 ? 0 : x.count() / work.k;
  work.relu = relu;
  work.a = x.memory.get();
  work.b =
      upload_floats(transposed<float>(scaled(w, attrs.alpha), work.k, work.n, work.k), x.element);
  if (const Tensor* b = bias(node)) {
    std::vector<float> values = widened<float>(*b, work.n);
    for (float& v : values) v *= attrs.beta;
    work.bias = upload_floats(values, x.element);
  }
  work.c = y.memory.get();
  push(node, work);
  set(node.outputs[0], y);
}

void Builder::add_float_conv(const Node& node, bool relu) {
  const auto& attrs = std::get<compiler::ConvAttrs>(node.attrs);
  if (attrs.output) refuse(node, "a requantised product of floats", "integers or floats");
  const Tensor& w = constant(node, 1);
  const Shape& shape = graph_.value(node.outputs[0]).shape;
  const Placed x = arranged(node, read(node, 0), channels_last_);
  if (w.type != DType::kFloat32) refuse(node, "weights that are no floats", "float32 weights");
  if (!square(attrs.window, x.shape, shape)) {
    refuse(node, "padding that differs between two sides", "as much before as behind on the GPU");
  }
  const Placed y = place(x.element, shape, channels_last_);
  Conv work;
  work.math = float_math_;
  work.x = picture(x.shape, channels_last_);
  work.y = picture(shape, channels_last_);
  work.window = window_of(attrs.window);
  work.groups = attrs.groups;
  work.relu = relu;
  work.in = x.memory.get();
  const std::int64_t columns = w.shape[1] * w.shape[2] * w.shape[3];
  work.weights = upload_floats(
      channels_last_ ? filters_channels_last(w.as<float>(), w.shape, columns) : scaled(w, 1.0F),
      x.element);
  if (const Tensor* b = bias(node)) {
    work.bias = upload_floats(widened<float>(*b, shape[1]), x.element);
  }
  work.out = y.memory.get();
  push(node, work);
  set(node.outputs[0], y);
}

// --- integers: sums by the library, then one requantising kernel ---

void Builder::add_integer_matmul(const Node& node) {
  const auto& attrs = std::get<compiler::MatmulAttrs>(node.attrs);
  const Tensor& w = constant(node, 1);
  if (w.type != DType::kInt8 || w.shape.size() != 2) {
    refuse(node, fmt::format("weights of {} {}", dtype_name(w.type), shape_text(w.shape)),
           "an int8 matrix");
  }
  Placed x = arranged(node, read(node, 0), false);
  IntegerProduct product;
  product.k = aligned(w.shape[0]);
  product.n = aligned(w.shape[1]);
  product.filters = transposed<std::int8_t>(w.as<std::int8_t>(), w.shape[0], w.shape[1], product.k);
  product.quants = &attrs;
  product.alpha = attrs.alpha;
  product.bias = bias(node);
  const std::int64_t rows = w.shape[0] == 0 ? 0 : x.count() / w.shape[0];
  x.shape = {rows, w.shape[0]};
  if (product.k != w.shape[0]) {  // a patch of one pixel: the row, and zeros behind it
    Patches work;
    work.x = {rows, w.shape[0], 1, 1, true};
    work.y = {rows, w.shape[1], 1, 1, true};
    work.window = {{1, 1}, {1, 1}, {1, 1}, {0, 0}};
    work.columns = product.k;
    work.in = x.memory.get();
    x = patches(node, work);
  }
  product.rows = x;
  add_integer_product(node, product);
}

void Builder::add_integer_conv(const Node& node) {
  const auto& attrs = std::get<compiler::ConvAttrs>(node.attrs);
  const Tensor& w = constant(node, 1);
  if (w.type != DType::kInt8) refuse(node, "weights that are not int8", "int8 weights");
  if (attrs.groups != 1) refuse(node, "groups in integers", "one group, or a float precision");
  const Placed x = arranged(node, read(node, 0), true);
  IntegerProduct product;
  const std::int64_t columns = w.shape[1] * w.shape[2] * w.shape[3];
  product.k = aligned(columns);
  product.n = aligned(w.shape[0]);
  product.filters = filters_channels_last(w.as<std::int8_t>(), w.shape, product.k);
  product.quants = &attrs;
  product.bias = bias(node);
  product.channels_last = true;

  Patches work;
  work.x = picture(x.shape, true);
  work.y = picture(graph_.value(node.outputs[0]).shape, true);
  work.window = window_of(attrs.window);
  work.columns = product.k;
  work.padding = attrs.x_quant ? attrs.x_quant->zero_points[0] : 0;
  work.in = x.memory.get();
  const bool pixels = columns == x.shape[1] &&
                      work.window.strides == std::array<std::int64_t, 2>{1, 1} &&
                      work.y.h == work.x.h && work.y.w == work.x.w;
  product.rows = x;
  if (!pixels || product.k != columns) product.rows = patches(node, work);
  product.rows.shape = {work.y.n * work.y.h * work.y.w, product.k};
  add_integer_product(node, product);
}

Placed Builder::patches(const Node& node, const Patches& windows) {
  Patches work = windows;
  const Placed y = place(Element::kS8, {work.y.n * work.y.h * work.y.w, work.columns});
  work.count = y.count();
  work.out = y.memory.get();
  push(node, work);
  return y;
}

namespace {

// What a product adds to column c of its sums: the bias, and the zero point's share.
std::vector<std::int32_t> folded_bias(std::span<const std::int8_t> filters, std::int64_t columns,
                                      const Tensor* bias, std::int32_t zero) {
  const auto n = static_cast<std::int64_t>(filters.size()) / columns;
  std::vector<std::int32_t> result(static_cast<std::size_t>(n), 0);
  const auto given = bias == nullptr ? std::span<const std::int32_t>{} : bias->as<std::int32_t>();
  for (std::size_t c = 0; c < result.size(); ++c) {
    if (!given.empty()) result[c] = given[c % given.size()];
    for (const std::int8_t w : filters.subspan(c * static_cast<std::size_t>(columns),
                                               static_cast<std::size_t>(columns))) {
      result[c] = wrapping_add(result[c], wrapping_mul(-zero, w));
    }
  }
  return result;
}

std::vector<float> multipliers(const compiler::ProductQuants& quants, float alpha, std::size_t n) {
  const Quant& w = *quants.w_quant;
  std::vector<float> result(n);
  for (std::size_t c = 0; c < n; ++c) {
    result[c] = requantise_multiplier(alpha * quants.x_quant->scales[0],
                                      w.scales[w.per_tensor() ? 0 : c], quants.output->scales[0]);
  }
  return result;
}

void check_quants(const Node& node, const compiler::ProductQuants& quants) {
  if (quants.x_quant && !quants.x_quant->per_tensor()) {
    refuse(node, "activations with a scale per channel", "one scale");
  }
  if (quants.w_quant &&
      std::ranges::any_of(quants.w_quant->zero_points, [](std::int32_t z) { return z != 0; })) {
    refuse(node, "a weight zero point that is not 0", "symmetric weights");
  }
  if (quants.output && (quants.output->type != DType::kInt8 || !quants.output->per_tensor())) {
    refuse(node, "a result of another type than 8 bits", "8 bits with one scale");
  }
}

}  // namespace

void Builder::add_integer_product(const Node& node, const IntegerProduct& product) {
  const compiler::ProductQuants& quants = *product.quants;
  check_quants(node, quants);
  if (product.rows.element != Element::kS8)
    refuse(node, "activations that are not 8 bits", "8 bits");
  const std::int64_t rows = product.rows.shape[0];
  std::vector<std::int8_t> filters = product.filters;
  filters.resize(static_cast<std::size_t>(product.n * product.k));  // zeros behind the last
  const Placed sums = place(Element::kS32, {rows, product.n});
  Gemm gemm;
  gemm.math = Math::kInt8;
  gemm.m = rows;
  gemm.n = product.n;
  gemm.k = product.k;
  gemm.a = product.rows.memory.get();
  gemm.b = upload(filters);
  gemm.c = sums.memory.get();
  push(node, gemm);

  const Shape& shape = graph_.value(node.outputs[0]).shape;
  const Placed y =
      place(quants.output ? Element::kS8 : Element::kS32, shape, product.channels_last);
  const std::int32_t zero = quants.x_quant ? quants.x_quant->zero_points[0] : 0;
  Requantise work;
  work.channels = std::ssize(product.filters) / product.k;
  work.stride = product.n;
  work.count = y.count();
  work.bias = upload(folded_bias(product.filters, product.k, product.bias, zero));
  if (quants.output) {
    work.multipliers =
        upload(multipliers(quants, product.alpha, static_cast<std::size_t>(work.channels)));
    work.y_steps = {quants.output->scales[0], quants.output->zero_points[0], quants.lo, quants.hi};
  }
  work.sums = static_cast<const std::int32_t*>(gemm.c);
  work.y = y.memory.get();
  push(node, work);
  set(node.outputs[0], y);
}

// --- pools ---

static PoolKind pool_kind(compiler::PoolFn fn) {
  switch (fn) {
    case compiler::PoolFn::kMax:
      return PoolKind::kMax;
    case compiler::PoolFn::kAverage:
      return PoolKind::kAverage;
  }
  SYSTOLE_CHECK(false, "pool function {}", static_cast<int>(fn));
}

void Builder::add_pool(const Node& node) {
  const auto& attrs = std::get<compiler::PoolAttrs>(node.attrs);
  const Shape& shape = graph_.value(node.outputs[0]).shape;
  const Placed x = arranged(node, read(node, 0), channels_last_);
  const Placed y = place(x.element, shape, channels_last_);
  const bool floats = graph_.value(node.inputs[0]).type == DType::kFloat32;
  const bool plain = attrs.overhang == std::array<std::int64_t, 2>{} &&
                     attrs.window.dilations == std::array<std::int64_t, 2>{1, 1};
  Pool work;
  work.library = floats && plain && square(attrs.window, x.shape, shape);
  work.element = x.element;
  work.x = picture(x.shape, channels_last_);
  work.y = picture(shape, channels_last_);
  work.window = window_of(attrs.window);
  work.kind = pool_kind(attrs.fn);
  work.count_padding = attrs.count_padding;
  for (std::size_t d = 0; d < 2; ++d) {
    work.padded_end[d] = x.shape[2 + d] + attrs.window.pads[2 + d] - attrs.overhang[d];
  }
  if (attrs.output) {
    work.x_steps = steps_of(*attrs.x_quant, node);
    work.y_steps = steps_of(*attrs.output, node);
  } else if (!floats) {  // the largest of nothing is the type's smallest value
    work.x_steps.lo = x.element == Element::kU8 ? 0 : -128;
  }
  work.count = y.count();
  work.in = x.memory.get();
  work.out = y.memory.get();
  push(node, work);
  set(node.outputs[0], y);
}

}  // namespace systole::compare::gpu
