// Constant operators that compute element by element, with NumPy's broadcasting. Integers wrap.
#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/frontend/constant_tensor.h"
#include "compiler/frontend/onnx_constants.h"

namespace systole::compiler {
namespace {

// How a function's operands and result are typed.
enum class Types { kNumbers, kBools, kAny };

void require_types(const OnnxNode& node, DType type, Types types) {
  const bool is_bool = type == DType::kBool;
  const bool fits = types == Types::kAny || is_bool == (types == Types::kBools);
  node.require(fits, fmt::format("an operand is {}", dtype_name(type)),
               types == Types::kBools ? "bool" : "numbers");
}

void require_one_type(OnnxNode& node) {
  for (int i = 1; i < node.input_count(); ++i)
    node.require_type("an operand", node.input(i), node.builder().value(node.input(0)).type);
}

// y = fn(a, b) with a result of type `Result` (void: that of the operands).
template <typename Result, typename Fn>
Tensor combine(OnnxNode& node, const Tensor& a, const Tensor& b, const Shape& shape, Fn fn) {
  Tensor y;
  with_type(a.type, [&](auto zero) {
    using T = decltype(zero);
    using R = std::conditional_t<std::is_void_v<Result>, T, Result>;
    y = new_constant(node, DTypeOf<R>::value, shape);
    const auto u = a.as<T>();
    const auto w = b.as<T>();
    BroadcastWalk walk(shape, {a.shape, b.shape});
    for (R& v : y.as<R>()) {
      v = static_cast<R>(fn(u[walk.at(0)], w[walk.at(1)]));
      walk.next();
    }
  });
  return y;
}

template <typename Result, typename Fn>
void fold_pair(OnnxNode& node, Types types, Fn fn) {
  node.require_arity(2, 2);
  require_one_type(node);
  const Shape shape = broadcast_inputs(node);
  const Tensor& a = node.constant(0, "A");
  require_types(node, a.type, types);
  give_constant(node, combine<Result>(node, a, node.constant(1, "B"), shape, fn));
}

// One operand or more, from the first on.
template <typename Fn>
Tensor fold_all(OnnxNode& node, Fn fn) {
  node.require_arity(1, std::numeric_limits<int>::max());
  require_one_type(node);
  Tensor sum = node.constant(0, "an operand");
  require_types(node, sum.type, Types::kNumbers);
  for (int i = 1; i < node.input_count(); ++i) {
    const Tensor& next = node.constant(i, "an operand");
    const std::optional<Shape> shape = broadcast(sum.shape, next.shape);
    node.require(shape.has_value(),
                 fmt::format("shapes {} and {}", shape_text(sum.shape), shape_text(next.shape)),
                 "shapes that broadcast");
    sum = combine<void>(node, sum, next, *shape, fn);
  }
  return sum;
}

void fold_float(OnnxNode& node, float (*fn)(float)) {
  node.require_arity(1, 1);
  node.require_type("X", node.input(0), DType::kFloat32);
  Tensor y = node.constant(0, "X");
  for (float& v : y.as<float>()) v = fn(v);
  give_constant(node, std::move(y));
}

template <typename Fn>
void fold_number(OnnxNode& node, Fn fn) {
  node.require_arity(1, 1);
  const Tensor& x = node.constant(0, "X");
  require_types(node, x.type, Types::kNumbers);
  Tensor y = new_constant(node, x.type, x.shape);
  with_number(x.type, [&](auto zero) {
    using T = decltype(zero);
    std::transform(x.as<T>().begin(), x.as<T>().end(), y.as<T>().begin(),
                   [&](T v) { return static_cast<T>(fn(v)); });
  });
  give_constant(node, std::move(y));
}

constexpr auto kPlus = [](auto a, auto b) { return wrapped(a, b, std::plus<>()); };
constexpr auto kMinus = [](auto a, auto b) { return wrapped(a, b, std::minus<>()); };
constexpr auto kTimes = [](auto a, auto b) { return wrapped(a, b, std::multiplies<>()); };

// Integers are cut off towards zero.
template <typename T>
T quotient(const OnnxNode& node, T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a / b;
  } else {
    node.require(b != T{}, "division by 0", "another divisor");
    if constexpr (std::is_signed_v<T>) {
      if (b == T{-1}) return wrapped(T{}, a, std::minus<>());
    }
    return static_cast<T>(a / b);
  }
}

// With `fmod` the sign is the dividend's, as in C, else the divisor's, as in Python.
template <typename T>
T remainder_of(const OnnxNode& node, T a, T b, bool fmod) {
  if constexpr (std::is_floating_point_v<T>) {
    node.require(fmod, "fmod is 0 for floats", "fmod = 1");
    return std::fmod(a, b);
  } else {
    node.require(b != T{}, "division by 0", "another divisor");
    if constexpr (std::is_signed_v<T>) {
      if (b == T{-1}) return T{};
    }
    const auto r = static_cast<T>(a % b);
    const bool other_sign = r != T{} && ((r < T{}) != (b < T{}));
    return !fmod && other_sign ? static_cast<T>(r + b) : r;
  }
}

// A real number as T: integers saturate.
template <typename T>
T saturated(double value) {
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(value);
  using Limits = std::numeric_limits<T>;
  if (std::isnan(value)) return T{};
  if (value <= static_cast<double>(Limits::min())) return Limits::min();
  if (value >= static_cast<double>(Limits::max())) return Limits::max();
  return static_cast<T>(value);
}

template <typename T>
bool is_nan(T v) {
  if constexpr (std::is_floating_point_v<T>) return std::isnan(v);
  return false;
}

constexpr auto kLarger = [](auto a, auto b) { return is_nan(a) || a > b ? a : b; };
constexpr auto kSmaller = [](auto a, auto b) { return is_nan(a) || a < b ? a : b; };

// One element, whatever its type.
template <typename Real>
Real element(const Tensor& t, std::size_t i) {
  Real value{};
  with_type(t.type, [&](auto zero) { value = static_cast<Real>(t.as<decltype(zero)>()[i]); });
  return value;
}

// y = x ^ e; the two may have different types, and the result has x's.
template <typename T>
Tensor powers(OnnxNode& node, const Tensor& x, const Tensor& e, const Shape& shape) {
  using Real = std::conditional_t<std::is_same_v<T, float>, float, double>;
  Tensor y = new_constant(node, x.type, shape);
  BroadcastWalk walk(shape, {x.shape, e.shape});
  for (T& v : y.as<T>()) {
    const auto base = static_cast<Real>(x.as<T>()[walk.at(0)]);
    v = saturated<T>(std::pow(base, element<Real>(e, walk.at(1))));
    walk.next();
  }
  return y;
}

}  // namespace

void fold_add(OnnxNode& node) { fold_pair<void>(node, Types::kNumbers, kPlus); }
void fold_sub(OnnxNode& node) { fold_pair<void>(node, Types::kNumbers, kMinus); }
void fold_mul(OnnxNode& node) { fold_pair<void>(node, Types::kNumbers, kTimes); }
void fold_div(OnnxNode& node) {
  fold_pair<void>(node, Types::kNumbers, [&](auto a, auto b) { return quotient(node, a, b); });
}
void fold_mod(OnnxNode& node) {
  const bool fmod = node.flag("fmod");
  fold_pair<void>(node, Types::kNumbers,
                  [&](auto a, auto b) { return remainder_of(node, a, b, fmod); });
}

void fold_pow(OnnxNode& node) {
  node.require_arity(2, 2);
  const Shape shape = broadcast_inputs(node);
  const Tensor& x = node.constant(0, "X");
  const Tensor& e = node.constant(1, "Y");
  require_types(node, x.type, Types::kNumbers);
  require_types(node, e.type, Types::kNumbers);
  Tensor y;
  with_type(x.type, [&](auto zero) { y = powers<decltype(zero)>(node, x, e, shape); });
  give_constant(node, std::move(y));
}

void fold_sum(OnnxNode& node) { give_constant(node, fold_all(node, kPlus)); }
void fold_max(OnnxNode& node) { give_constant(node, fold_all(node, kLarger)); }
void fold_min(OnnxNode& node) { give_constant(node, fold_all(node, kSmaller)); }

void fold_mean(OnnxNode& node) {
  Tensor sum = fold_all(node, kPlus);
  node.require(sum.type == DType::kFloat32, fmt::format("X is {}", dtype_name(sum.type)),
               "float32");
  for (float& v : sum.as<float>()) v /= static_cast<float>(node.input_count());
  give_constant(node, std::move(sum));
}

void fold_and(OnnxNode& node) { fold_pair<bool>(node, Types::kBools, std::logical_and<>()); }
void fold_or(OnnxNode& node) { fold_pair<bool>(node, Types::kBools, std::logical_or<>()); }
void fold_xor(OnnxNode& node) { fold_pair<bool>(node, Types::kBools, std::not_equal_to<>()); }
void fold_equal(OnnxNode& node) { fold_pair<bool>(node, Types::kAny, std::equal_to<>()); }
void fold_less(OnnxNode& node) { fold_pair<bool>(node, Types::kNumbers, std::less<>()); }
void fold_less_or_equal(OnnxNode& node) {
  fold_pair<bool>(node, Types::kNumbers, std::less_equal<>());
}
void fold_greater(OnnxNode& node) { fold_pair<bool>(node, Types::kNumbers, std::greater<>()); }
void fold_greater_or_equal(OnnxNode& node) {
  fold_pair<bool>(node, Types::kNumbers, std::greater_equal<>());
}

void fold_not(OnnxNode& node) {
  node.require_arity(1, 1);
  Tensor y = node.constant(0, "X");
  require_types(node, y.type, Types::kBools);
  for (bool& v : y.as<bool>()) v = !v;
  give_constant(node, std::move(y));
}

void fold_abs(OnnxNode& node) {
  fold_number(node, [](auto v) {
    using T = decltype(v);
    if constexpr (std::is_floating_point_v<T>) return std::abs(v);
    return v < T{} ? wrapped(T{}, v, std::minus<>()) : v;
  });
}
void fold_neg(OnnxNode& node) {
  fold_number(node, [](auto v) {
    using T = decltype(v);
    if constexpr (std::is_floating_point_v<T>) return -v;
    return wrapped(T{}, v, std::minus<>());
  });
}
void fold_sign(OnnxNode& node) {
  fold_number(node,
              [](auto v) { return (v > decltype(v){} ? 1 : 0) - (v < decltype(v){} ? 1 : 0); });
}
void fold_ceil(OnnxNode& node) {
  fold_float(node, [](float v) { return std::ceil(v); });
}
void fold_floor(OnnxNode& node) {
  fold_float(node, [](float v) { return std::floor(v); });
}
void fold_round(OnnxNode& node) {
  fold_float(node, [](float v) { return std::nearbyint(v); });
}
void fold_sqrt(OnnxNode& node) {
  fold_float(node, [](float v) { return std::sqrt(v); });
}
void fold_exp(OnnxNode& node) {
  fold_float(node, [](float v) { return std::exp(v); });
}
void fold_log(OnnxNode& node) {
  fold_float(node, [](float v) { return std::log(v); });
}
void fold_sin(OnnxNode& node) {
  fold_float(node, [](float v) { return std::sin(v); });
}
void fold_cos(OnnxNode& node) {
  fold_float(node, [](float v) { return std::cos(v); });
}
void fold_reciprocal(OnnxNode& node) {
  fold_float(node, [](float v) { return 1.0F / v; });
}

// Before opset 11 the limits are attributes; since then they are inputs.
void fold_clip(OnnxNode& node) {
  const bool inputs = node.opset() >= 11;
  node.require_arity(1, inputs ? 3 : 1);
  Tensor y = node.constant(0, "X");
  require_types(node, y.type, Types::kNumbers);
  with_type(y.type, [&](auto zero) {
    using T = decltype(zero);
    using Limits = std::numeric_limits<T>;
    const auto limit = [&](int i, const std::string& name, T otherwise) {
      if (!inputs && node.has_attribute(name))
        return saturated<T>(double{node.float_or(name, 0.0F)});
      if (!inputs || !node.has(i)) return otherwise;
      node.require_type(name, node.input(i), DTypeOf<T>::value);
      const Tensor& t = node.constant(i, name);
      node.require(t.count() == 1, name + " has shape " + shape_text(t.shape), "one number");
      return t.as<T>()[0];
    };
    const T lo = limit(1, "min", Limits::lowest());
    const T hi = limit(2, "max", Limits::max());
    for (T& v : y.as<T>()) v = std::min(std::max(v, lo), hi);
  });
  give_constant(node, std::move(y));
}

void fold_where(OnnxNode& node) {
  node.require_arity(3, 3);
  node.require_type("the condition", node.input(0), DType::kBool);
  node.require_type("Y", node.input(2), node.builder().value(node.input(1)).type);
  const Shape shape = broadcast_inputs(node);
  const Tensor& condition = node.constant(0, "the condition");
  const Tensor& x = node.constant(1, "X");
  const Tensor& y = node.constant(2, "Y");
  Tensor z = new_constant(node, x.type, shape);
  with_type(x.type, [&](auto zero) {
    using T = decltype(zero);
    BroadcastWalk walk(shape, {condition.shape, x.shape, y.shape});
    for (T& v : z.as<T>()) {
      v = condition.as<bool>()[walk.at(0)] ? x.as<T>()[walk.at(1)] : y.as<T>()[walk.at(2)];
      walk.next();
    }
  });
  give_constant(node, std::move(z));
}

}  // namespace systole::compiler
