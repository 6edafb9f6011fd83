// Host operations of two elements as ONNX has them, and of one that integers have, too. Those of
// integers with scales are quantise(dequantise(a) op dequantise(b)), as their device form is.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <type_traits>

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

// All elements of the output, with the offsets of each input's, which is broadcast to it.
class Walk {
 public:
  explicit Walk(const Call& call) : shape_(call.out().shape) {
    for (std::size_t k = 0; k < call.inputs.size(); ++k) {
      strides_.push_back(strides_of(call, call.in(k).shape));
      is_plain_ = is_plain_ && call.in(k).shape == shape_;
    }
  }

  // Calls visit(output index, offsets by input).
  template <typename Visit>
  void run(Visit visit) const {
    std::vector<std::int64_t> index(shape_.size());
    std::array<std::int64_t, 3> at{};
    const std::int64_t count = element_count(shape_);
    for (std::int64_t i = 0; is_plain_ && i < count; ++i) visit(i, std::array{i, i, i});
    for (std::int64_t i = 0; !is_plain_ && i < count; ++i) {
      visit(i, at);
      for (std::size_t d = shape_.size(); d-- > 0;) {  // odometer: the last dimension runs fastest
        for (std::size_t k = 0; k < strides_.size(); ++k) at[k] += strides_[k][d];
        if (++index[d] < shape_[d]) break;
        for (std::size_t k = 0; k < strides_.size(); ++k) at[k] -= strides_[k][d] * shape_[d];
        index[d] = 0;
      }
    }
  }

 private:
  const Shape& shape_;
  std::vector<std::vector<std::int64_t>> strides_;
  bool is_plain_ = true;  // nothing is broadcast
};

// Calls visit(output index, index into a, index into b) for every element of the output.
template <typename Visit>
void for_pairs(const Call& call, Visit visit) {
  Walk(call).run([&](std::int64_t i, const auto& at) { visit(i, at[0], at[1]); });
}

void require_no_numbers(const Call& call) {
  require(call.step.reals.empty() && call.step.numbers.empty(), call, "numbers", "none");
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

// Integers of any width as 64-bit ones of their sign; of a result the type's own bits are stored.
template <typename Wide>
struct Element {
  Wide (*load)(const std::uint8_t* data, std::int64_t i) = nullptr;
  void (*store)(std::uint8_t* data, std::int64_t i, Wide value) = nullptr;
};
template <typename Wide, typename T>
Element<Wide> element_of() {
  return {
      [](const std::uint8_t* data, std::int64_t i) { return static_cast<Wide>(load<T>(data, i)); },
      [](std::uint8_t* data, std::int64_t i, Wide value) {
        store(data, i, static_cast<T>(value));
      }};
}

// Calls visit(element) with the access to elements of a type of integers or bools.
template <typename Visit>
void with_element(const Call& call, DType type, Visit visit) {
  Element<std::int64_t> with_sign;
  Element<std::uint64_t> without;
  with_bits(call, type, [&]<typename T>(T) {
    if constexpr (std::is_signed_v<T>) {
      with_sign = element_of<std::int64_t, T>();
    } else {
      without = element_of<std::uint64_t, T>();
    }
  });
  with_sign.load != nullptr ? visit(with_sign) : visit(without);
}

template <typename Combine>
void zip_integers(const Call& call, Combine combine) {
  with_element(call, call.in().type, [&]<typename Wide>(const Element<Wide>& element) {
    for_pairs(call, [&](std::int64_t i, std::int64_t a, std::int64_t b) {
      element.store(call.output.data, i,
                    static_cast<Wide>(combine(element.load(call.inputs[0].data, a),
                                              element.load(call.inputs[1].data, b))));
    });
  });
}

template <typename Floats, typename Integers>
void zip(const Call& call, Floats floats, Integers integers) {
  if (!call.step.reals.empty()) return zip_quantised(call, floats);
  require_one_type(call);
  const DType type = call.in().type;
  require(type != DType::kBool, call, "element type bool", "numbers");
  if (type != DType::kFloat32) return zip_integers(call, integers);
  for_pairs(call, [&](std::int64_t i, std::int64_t a, std::int64_t b) {
    store(call.output.data, i,
          floats(load<float>(call.inputs[0].data, a), load<float>(call.inputs[1].data, b)));
  });
}

template <typename Combine>
void zip_bits(const Call& call, Combine combine) {
  require_no_numbers(call);
  require_one_type(call);
  zip_integers(call, combine);
}

// `holds` is of floats and of 64-bit integers alike.
template <typename Holds>
void compare(const Call& call, Holds holds) {
  require_no_numbers(call);
  const DType type = call.in().type;
  require(type == call.in(1).type && call.out().type == DType::kBool, call,
          fmt::format("types {}, {} and {}", dtype_name(type), dtype_name(call.in(1).type),
                      dtype_name(call.out().type)),
          "two of one type, and bool");
  const auto each = [&](auto at) {
    for_pairs(call, [&](std::int64_t i, std::int64_t a, std::int64_t b) {
      store(call.output.data, i, holds(at(call.inputs[0].data, a), at(call.inputs[1].data, b)));
    });
  };
  if (type == DType::kFloat32) return each(load<float>);
  with_element(call, type, [&](const auto& element) { each(element.load); });
}

// Calls visit(load) with a function that reads an element as float, or as a 64-bit integer.
template <typename Visit>
void with_source(const Call& call, Visit visit) {
  if (call.in().type == DType::kFloat32) return visit(load<float>);
  with_element(call, call.in().type, [&](const auto& element) { visit(element.load); });
}

template <typename To, typename From>
To converted(From value) {
  if constexpr (std::is_same_v<To, bool>) return value != From{};
  if constexpr (std::is_same_v<From, float> && std::is_integral_v<To>)
    return saturated_to<To>(static_cast<double>(value));
  return static_cast<To>(value);
}

}  // namespace

template <>
void apply<HostOp::kMod>(const Call& call) {
  zip(
      call, [](float a, float b) { return std::fmod(std::fmod(a, b) + b, b); },
      [](auto a, auto b) { return divisor_mod(a, b); });
}

template <>
void apply<HostOp::kFmod>(const Call& call) {
  zip(
      call, [](float a, float b) { return std::fmod(a, b); },
      [](auto a, auto b) { return dividend_mod(a, b); });
}

template <>
void apply<HostOp::kAnd>(const Call& call) {
  zip_bits(call, [](auto a, auto b) { return a & b; });
}

template <>
void apply<HostOp::kOr>(const Call& call) {
  zip_bits(call, [](auto a, auto b) { return a | b; });
}

template <>
void apply<HostOp::kXor>(const Call& call) {
  zip_bits(call, [](auto a, auto b) { return a ^ b; });
}

template <>
void apply<HostOp::kShiftLeft>(const Call& call) {
  zip_bits(call, [](auto a, auto b) { return shifted_left(a, b); });
}

template <>
void apply<HostOp::kShiftRight>(const Call& call) {
  zip_bits(call, [](auto a, auto b) { return shifted_right(a, b); });
}

template <>
void apply<HostOp::kEqual>(const Call& call) {
  compare(call, std::equal_to<>());
}

template <>
void apply<HostOp::kLess>(const Call& call) {
  compare(call, std::less<>());
}

template <>
void apply<HostOp::kLessOrEqual>(const Call& call) {
  compare(call, std::less_equal<>());
}

template <>
void apply<HostOp::kSelect>(const Call& call) {
  const DType type = call.out().type;
  const bool one = call.in(1).type == type && call.in(2).type == type;
  require(one && call.in().type == DType::kBool, call, "types that do not fit",
          "a bool, and two of the output's type");
  const std::int64_t size = dtype_bytes(type);
  const Walk walk(call);
  walk.run([&](std::int64_t i, const auto& at) {
    const std::size_t from = load<bool>(call.inputs[0].data, at[0]) ? 1 : 2;
    std::memcpy(call.output.data + i * size, call.inputs[from].data + at[from] * size,
                static_cast<std::size_t>(size));
  });
}

// The output may lie over the input.
template <>
void apply<HostOp::kCast>(const Call& call) {
  require_same_shape(call);
  const std::vector<std::uint8_t> source(call.inputs[0].data,
                                         call.inputs[0].data + call.in().bytes());
  const std::int64_t count = element_count(call.out().shape);
  with_source(call, [&](auto at) {
    const auto all = [&]<typename To>(To) {
      for (std::int64_t i = 0; i < count; ++i)
        store(call.output.data, i, converted<To>(at(source.data(), i)));
    };
    call.out().type == DType::kFloat32 ? all(0.0F) : with_bits(call, call.out().type, all);
  });
}

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
      call, [](float a, float b) { return a + b; },
      [](auto a, auto b) { return wrapping_add(a, b); });
}

template <>
void apply<HostOp::kSub>(const Call& call) {
  zip(
      call, [](float a, float b) { return a - b; },
      [](auto a, auto b) { return wrapping_sub(a, b); });
}

template <>
void apply<HostOp::kMul>(const Call& call) {
  zip(
      call, [](float a, float b) { return a * b; },
      [](auto a, auto b) { return wrapping_mul(a, b); });
}

template <>
void apply<HostOp::kMax>(const Call& call) {
  zip(
      call, [](float a, float b) { return std::isnan(b) ? b : std::max(a, b); },
      [](auto a, auto b) { return std::max(a, b); });
}

template <>
void apply<HostOp::kMin>(const Call& call) {
  zip(
      call, [](float a, float b) { return std::isnan(b) ? b : std::min(a, b); },
      [](auto a, auto b) { return std::min(a, b); });
}

template <>
void apply<HostOp::kDiv>(const Call& call) {
  zip(
      call, [](float a, float b) { return a / b; },
      [](auto a, auto b) { return truncating_div(a, b); });
}

template <>
void apply<HostOp::kPow>(const Call& call) {
  zip(
      call, [](float a, float b) { return std::pow(a, b); },
      [](auto a, auto b) { return wrapping_pow(a, b); });
}

template <>
void apply<HostOp::kPRelu>(const Call& call) {
  zip(
      call, [](float a, float b) { return a < 0.0F ? a * b : a; },
      [](auto a, auto b) { return a < decltype(a){} ? wrapping_mul(a, b) : a; });
}

}  // namespace systole::sim::host
