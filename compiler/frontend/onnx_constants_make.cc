// Constant operators that make tensors: from shapes, from numbers, of another type.
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "compiler/frontend/constant_tensor.h"
#include "compiler/frontend/onnx_constants.h"

namespace systole::compiler {
namespace {

// Nearest float16, ties to even; what is 65520 or more is infinite.
float rounded_to_half(float x) {
  if (!std::isfinite(x) || x == 0.0F) return x;
  const int exponent = std::max(std::ilogb(x), -14);
  const float step = std::ldexp(1.0F, exponent - 10);
  const float rounded = std::nearbyintf(x / step) * step;
  constexpr float kLargest = 65504.0F;
  if (std::abs(rounded) <= kLargest) return rounded;
  return std::copysign(std::numeric_limits<float>::infinity(), x);
}

float rounded_to_bfloat(float x) {
  if (std::isnan(x)) return x;
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t half = 0x7fffU + ((bits >> 16) & 1U);
  return std::bit_cast<float>((bits + half) & 0xffff0000U);
}

// One element as another type: floats are cut off towards zero, integers wrap.
template <typename To, typename From>
To converted(const OnnxNode& node, From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return value != From{};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    const double whole = std::trunc(static_cast<double>(value));
    const double end = std::ldexp(1.0, std::numeric_limits<To>::digits);
    const bool fits = whole >= (std::is_signed_v<To> ? -end : 0.0) && whole < end;
    node.require(fits, fmt::format("value {} becomes {}", value, dtype_name(DTypeOf<To>::value)),
                 "a value in its range");
    return static_cast<To>(whole);
  } else {
    return static_cast<To>(value);
  }
}

Tensor as_type(OnnxNode& node, const Tensor& x, DType type) {
  Tensor y = new_constant(node, type, x.shape);
  with_type(x.type, [&](auto from) {
    using From = decltype(from);
    with_type(type, [&](auto to) {
      using To = decltype(to);
      for (std::size_t i = 0; i < y.as<To>().size(); ++i)
        y.as<To>()[i] = converted<To, From>(node, x.as<From>()[i]);
    });
  });
  return y;
}

// The end of a part of a shape, from its front; negative ones count from its back.
std::int64_t shape_end(std::int64_t given, std::int64_t rank) {
  return std::clamp<std::int64_t>(given < 0 ? given + rank : given, 0, rank);
}

}  // namespace

void fold_cast(OnnxNode& node) {
  node.require_arity(1, 1);
  node.require(node.has_attribute("to"), "attribute 'to' is absent", "an element type");
  if (node.opset() >= 19) static_cast<void>(node.flag("saturate"));
  const std::int64_t code = node.int_or("to", 0);
  node.require(code > 0 && code < 64, fmt::format("attribute 'to' is {}", code), "an element type");
  const DType type = graph_type(static_cast<int>(code), "attribute 'to' of " + node.name());
  Tensor y = as_type(node, node.constant(0, "the input"), type);
  if (code == onnx::TensorProto::FLOAT16) {
    for (float& v : y.as<float>()) v = rounded_to_half(v);
  }
  if (code == onnx::TensorProto::BFLOAT16) {
    for (float& v : y.as<float>()) v = rounded_to_bfloat(v);
  }
  give_constant(node, std::move(y));
}

void fold_cast_like(OnnxNode& node) {
  node.require_arity(2, 2);
  if (node.opset() >= 19) static_cast<void>(node.flag("saturate"));
  const DType type = node.builder().value(node.input(1)).type;
  give_constant(node, as_type(node, node.constant(0, "the input"), type));
}

void fold_shape(OnnxNode& node) {
  node.require_arity(1, 1);
  const Shape shape = node.shape(0);
  const auto rank = static_cast<std::int64_t>(shape.size());
  std::int64_t start = 0;
  std::int64_t end = rank;
  if (node.opset() >= 15) {
    start = shape_end(node.int_or("start", 0), rank);
    end = std::max(start, shape_end(node.int_or("end", rank), rank));
  }
  const Shape part(shape.begin() + start, shape.begin() + end);
  give_constant(node, make_tensor<std::int64_t>({end - start}, part));
}

void fold_size(OnnxNode& node) {
  node.require_arity(1, 1);
  const std::int64_t count = element_count(node.shape(0));
  give_constant(node, make_tensor<std::int64_t>({}, std::span<const std::int64_t>(&count, 1)));
}

void fold_constant_of_shape(OnnxNode& node) {
  node.require_arity(1, 1);
  Tensor value(DType::kFloat32, {1});
  if (node.has_attribute("value")) value = node.tensor("value");
  node.require(value.count() == 1, "value has shape " + shape_text(value.shape), "one element");
  Tensor y = new_constant(node, value.type, integers(node, 0, "the shape"));
  with_type(value.type, [&](auto zero) {
    using T = decltype(zero);
    std::ranges::fill(y.as<T>(), value.as<T>()[0]);
  });
  give_constant(node, std::move(y));
}

void fold_eye_like(OnnxNode& node) {
  node.require_arity(1, 1);
  const Shape shape = node.shape(0);
  node.require(shape.size() == 2, "the input has shape " + shape_text(shape), "a matrix");
  DType type = node.builder().value(node.input(0)).type;
  if (node.has_attribute("dtype"))
    type = graph_type(static_cast<int>(node.int_or("dtype", 0)),
                      "attribute 'dtype' of " + node.name());
  const std::int64_t diagonal = node.int_or("k", 0);
  Tensor y = new_constant(node, type, shape);
  const std::int64_t rows = y.data.empty() ? 0 : shape[0];
  with_type(type, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t row = 0; row < rows; ++row) {
      if (diagonal < -row || diagonal >= shape[1] - row) continue;
      y.as<T>()[static_cast<std::size_t>(row * shape[1] + row + diagonal)] = static_cast<T>(1);
    }
  });
  give_constant(node, std::move(y));
}

// start, start + delta ... before limit.
void fold_range(OnnxNode& node) {
  node.require_arity(3, 3);
  Tensor y;
  with_type(node.builder().value(node.input(0)).type, [&](auto zero) {
    using T = decltype(zero);
    const auto number = [&](int i, const std::string& what) {
      node.require_type(what, node.input(i), DTypeOf<T>::value);
      const Tensor& t = node.constant(i, what);
      node.require(t.count() == 1, what + " has shape " + shape_text(t.shape), "one number");
      return t.as<T>()[0];
    };
    const T start = number(0, "start");
    const T limit = number(1, "limit");
    const T delta = number(2, "delta");
    node.require(delta != T{}, "delta is 0", "another step");
    const double span = static_cast<double>(limit) - static_cast<double>(start);
    const double count = std::max(0.0, std::ceil(span / static_cast<double>(delta)));
    node.require(count < 0x1p40, fmt::format("a range of {:.3g} elements", count), "a short one");
    y = new_constant(node, DTypeOf<T>::value, {static_cast<std::int64_t>(count)});
    for (std::size_t i = 0; i < y.as<T>().size(); ++i)
      y.as<T>()[i] =
          wrapped(start, wrapped(static_cast<T>(i), delta, std::multiplies<>()), std::plus<>());
  });
  give_constant(node, std::move(y));
}

// Indices of the elements that are not zero, one column each.
void fold_non_zero(OnnxNode& node) {
  node.require_arity(1, 1);
  const Tensor& x = node.constant(0, "X");
  std::vector<std::int64_t> found;
  with_type(x.type, [&](auto zero) {
    using T = decltype(zero);
    for (std::size_t i = 0; i < x.as<T>().size(); ++i) {
      if (x.as<T>()[i] != T{}) found.push_back(static_cast<std::int64_t>(i));
    }
  });
  const std::size_t rank = x.shape.size();
  Tensor y =
      new_constant(node, DType::kInt64, {static_cast<std::int64_t>(rank), std::ssize(found)});
  const auto result = y.as<std::int64_t>();
  for (std::size_t column = 0; column < found.size(); ++column) {
    std::int64_t rest = found[column];
    for (std::size_t axis = rank; axis-- > 0; rest /= x.shape[axis])
      result[axis * found.size() + column] = rest % x.shape[axis];
  }
  give_constant(node, std::move(y));
}

// The upper or lower triangles of the last two dimensions; the rest becomes zero.
void fold_trilu(OnnxNode& node) {
  node.require_arity(1, 2);
  const bool upper = node.int_or("upper", 1) != 0;
  Tensor y = node.constant(0, "the input");
  const std::vector<std::int64_t> given = node.has(1) ? integers(node, 1, "k") : Shape{0};
  node.require(y.shape.size() >= 2 && given.size() == 1,
               "the input has shape " + shape_text(y.shape), "matrices, and one k");
  const std::int64_t columns = y.shape.back();
  const std::int64_t rows = y.shape[y.shape.size() - 2];
  with_type(y.type, [&](auto zero) {
    using T = decltype(zero);
    std::int64_t i = 0;
    for (T& v : y.as<T>()) {
      const std::int64_t above = i % columns - i / columns % rows;
      const bool kept = upper ? above >= given[0] : above <= given[0];
      if (!kept) v = T{};
      ++i;
    }
  });
  give_constant(node, std::move(y));
}

}  // namespace systole::compiler
