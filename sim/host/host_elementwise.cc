// Host operations of two elements as ONNX has them, and of one that integers have, too. Those of
// integers with scales are quantise(dequantise(a) op dequantise(b)), as their device form is.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/numerics.h"
#include "sim/host/host_call.h"
#include "sim/host/host_map.h"

namespace systole::sim::host {
namespace {

using isa::HostOp;

// Elements from one index of each output dimension to the next; 0 where x is broadcast. Throws
// InputError if x does not broadcast to the output.
std::vector<std::int64_t> strides_of(const Call& call, const Shape& x) {
  const Shape& y = call.out().shape;
  bool fits = x.size() <= y.size();
  std::vector<std::int64_t> strides(y.size());
  std::int64_t stride = 1;
  for (std::size_t back = 1; fits && back <= x.size(); ++back) {
    const std::int64_t extent = x[x.size() - back];
    fits = extent == 1 || extent == y[y.size() - back];
    if (extent > 1) strides[y.size() - back] = stride;
    stride *= extent;
  }
  require(fits, call, fmt::format("{} to {}", shape_text(x), shape_text(y)),
          "shapes that broadcast to the output");
  return strides;
}

// Calls visit(output index, index into a, index into b) for every element of the output.
template <typename Visit>
void for_pairs(const Call& call, Visit visit) {
  const Shape& shape = call.out().shape;
  const std::vector<std::int64_t> a_strides = strides_of(call, call.in(0).shape);
  const std::vector<std::int64_t> b_strides = strides_of(call, call.in(1).shape);
  std::vector<std::int64_t> index(shape.size());
  std::int64_t a = 0;
  std::int64_t b = 0;
  const std::int64_t count = element_count(shape);
  for (std::int64_t i = 0; i < count; ++i) {
    visit(i, a, b);
    for (std::size_t d = shape.size(); d-- > 0;) {  // odometer: the last dimension runs fastest
      a += a_strides[d];
      b += b_strides[d];
      if (++index[d] < shape[d]) break;
      a -= a_strides[d] * shape[d];
      b -= b_strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

// Zero points of a, b and the output, limits of the output; scales of the three.
struct ZipScales {
  std::int32_t a_zero, b_zero, zero, lo, hi;
  float a, b, y;
};

ZipScales zip_scales(const Call& call) {
  const std::vector<std::int64_t>& n = call.step.numbers;
  require(n.size() == 5 && call.step.reals.size() == 3 && std::all_of(n.begin(), n.end(), is_small),
          call, "zero points and scales that do not fit", "5 numbers of 17 bits, 3 scales");
  const auto number = [&](std::size_t i) { return static_cast<std::int32_t>(n[i]); };
  return {number(0), number(1),          number(2),          number(3),
          number(4), call.step.reals[0], call.step.reals[1], call.step.reals[2]};
}

// How integers of an element type are read and written. Pointers, not templates: three types in
// each of three operations would be hundreds of loops to compile, for one division an element.
struct Integers {
  std::int32_t (*load)(const std::uint8_t* data, std::int64_t i) = nullptr;
  void (*store)(std::uint8_t* data, std::int64_t i, std::int32_t value) = nullptr;
  std::int32_t lo = 0, hi = 0;  // what the type holds
};

Integers integers_of(const Call& call, DType type) {
  Integers integers;
  with_integer(call, type, [&]<typename T>(T) {
    integers = {
        [](const std::uint8_t* data, std::int64_t i) { return std::int32_t{load<T>(data, i)}; },
        [](std::uint8_t* data, std::int64_t i, std::int32_t v) {
          store(data, i, static_cast<T>(v));
        },
        std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
  });
  return integers;
}

template <typename Combine>
void zip_quantised(const Call& call, Combine combine) {
  const Integers in_a = integers_of(call, call.in(0).type);
  const Integers in_b = integers_of(call, call.in(1).type);
  const Integers out = integers_of(call, call.out().type);
  const ZipScales s = zip_scales(call);
  const std::int32_t lo = std::max(s.lo, out.lo);
  const std::int32_t hi = std::min(s.hi, out.hi);
  for_pairs(call, [&](std::int64_t i, std::int64_t a, std::int64_t b) {
    const float u = dequantise(in_a.load(call.inputs[0].data, a), s.a_zero, s.a);
    const float v = dequantise(in_b.load(call.inputs[1].data, b), s.b_zero, s.b);
    out.store(call.output.data, i, quantise(combine(u, v), s.y, s.zero, lo, hi));
  });
}

template <typename T, typename Combine>
void zip_plain(const Call& call, Combine combine) {
  for_pairs(call, [&](std::int64_t i, std::int64_t a, std::int64_t b) {
    store(call.output.data, i,
          combine(load<T>(call.inputs[0].data, a), load<T>(call.inputs[1].data, b)));
  });
}

template <typename Floats, typename Integers>
void zip(const Call& call, Floats floats, Integers integers) {
  if (!call.step.reals.empty()) return zip_quantised(call, floats);
  require_one_type(call);
  const DType type = call.in().type;
  require(type == DType::kFloat32 || type == DType::kInt32, call,
          fmt::format("element type {}", dtype_name(type)), "float32 or int32");
  if (type == DType::kFloat32) return zip_plain<float>(call, floats);
  zip_plain<std::int32_t>(call, integers);
}

}  // namespace

template <>
void apply<HostOp::kRelu>(const Call& call) {
  require(call.step.reals.empty(), call, "numbers", "none");
  require_same_shape(call);
  require_one_type(call);
  const auto relu = []<typename T>(T x) { return x < T{} ? T{} : x; };  // NaN stays NaN
  if (call.in().type == DType::kFloat32) return map_elements<float>(call, relu);
  with_integer(call, call.in().type, [&]<typename T>(T) { map_elements<T>(call, relu); });
}

template <>
void apply<HostOp::kTable>(const Call& call) {
  require_same_shape(call);
  require(dtype_bytes(call.in().type) == 1 && dtype_bytes(call.out().type) == 1, call,
          fmt::format("element types {} and {}", dtype_name(call.in().type),
                      dtype_name(call.out().type)),
          "8 bits");
  require(call.step.numbers.size() == 256, call,
          fmt::format("{} entries", call.step.numbers.size()), "256");
  for (std::int64_t i = 0; i < element_count(call.in().shape); ++i) {
    const auto x = load<std::uint8_t>(call.inputs[0].data, i);
    store(call.output.data, i, static_cast<std::uint8_t>(call.step.numbers[x]));
  }
}

template <>
void apply<HostOp::kAdd>(const Call& call) {
  zip(
      call, [](float a, float b) { return a + b; }, wrapping_add);
}

template <>
void apply<HostOp::kSub>(const Call& call) {
  zip(
      call, [](float a, float b) { return a - b; }, wrapping_sub);
}

template <>
void apply<HostOp::kMul>(const Call& call) {
  zip(
      call, [](float a, float b) { return a * b; }, wrapping_mul);
}

template <>
void apply<HostOp::kMax>(const Call& call) {
  zip(
      call, [](float a, float b) { return std::isnan(b) ? b : std::max(a, b); },
      [](std::int32_t a, std::int32_t b) { return std::max(a, b); });
}

template <>
void apply<HostOp::kMin>(const Call& call) {
  zip(
      call, [](float a, float b) { return std::isnan(b) ? b : std::min(a, b); },
      [](std::int32_t a, std::int32_t b) { return std::min(a, b); });
}

template <>
void apply<HostOp::kDiv>(const Call& call) {
  zip(
      call, [](float a, float b) { return a / b; }, truncating_div);
}

template <>
void apply<HostOp::kPow>(const Call& call) {
  zip(
      call, [](float a, float b) { return std::pow(a, b); }, wrapping_pow);
}

template <>
void apply<HostOp::kPRelu>(const Call& call) {
  zip(
      call, [](float a, float b) { return a < 0.0F ? a * b : a; },
      [](std::int32_t a, std::int32_t b) { return a < 0 ? wrapping_mul(a, b) : a; });
}

}  // namespace systole::sim::host
