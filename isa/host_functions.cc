// The bodies of what moves and picks elements; those that compute are in host_function_math.cc.
#include "isa/host_functions.h"

#include <algorithm>
#include <cstring>

#include "isa/host_function_bodies.h"

namespace systole::isa {

std::int64_t count_of(const Shape& shape, std::size_t first, std::size_t end) {
  std::int64_t count = 1;
  for (std::size_t d = first; d < end; ++d) count *= shape[d];
  return count;
}

Lines lines_of(const Shape& shape, std::size_t axis) {
  return {count_of(shape, 0, axis), shape[axis], count_of(shape, axis + 1, shape.size())};
}

std::vector<std::int64_t> indices_of(const Tensor& t) {
  std::vector<std::int64_t> all;
  with_numbers(t, [&](auto values) {
    all.reserve(values.size());
    for (const auto v : values) all.push_back(static_cast<std::int64_t>(v));
  });
  return all;
}

std::int64_t Call::place(std::int64_t index, std::int64_t extent) const {
  const std::int64_t from_start = index < 0 ? index + extent : index;
  if (from_start >= 0 && from_start < extent) return from_start;
  throw InputError(where, fmt::format("{}: index {}", host_fn_row(f.fn).name, index),
                   fmt::format("-{} to {}", extent, extent - 1));
}

std::int64_t Call::room(std::int64_t found, std::int64_t places) const {
  if (found <= places) return found;
  throw InputError(where,
                   fmt::format("{} finds {} where the model has room for {}",
                               host_fn_row(f.fn).name, found, places),
                   "an output whose declared shape has room for all");
}

namespace {

// `count` elements of x from one place to another.
void copy(const Tensor& x, std::int64_t from, Tensor& y, std::int64_t to, std::int64_t count) {
  const std::int64_t size = dtype_bytes(x.type);
  std::memcpy(y.data.data() + to * size, x.data.data() + from * size,
              static_cast<std::size_t>(count * size));
}

// Where in x each index of an index tensor lies but for dimension `axis`: calls
// each(n, element of x at 0 along the axis).
template <typename Each>
void for_places(const Shape& x, const Shape& at, std::size_t axis, Each each) {
  std::vector<std::int64_t> index(at.size());
  const std::int64_t count = element_count(at);
  for (std::int64_t n = 0; n < count; ++n) {
    std::int64_t offset = 0;
    for (std::size_t d = 0; d < x.size(); ++d) offset = offset * x[d] + (d == axis ? 0 : index[d]);
    each(n, offset);
    for (std::size_t d = at.size(); d-- > 0;) {  // the next index, like a milometer
      if (++index[d] < at[d]) break;
      index[d] = 0;
    }
  }
}

// Where in x each tuple of indices points: calls each(n, first element, elements).
template <typename Each>
void for_tuples(const Call& call, std::size_t shared, Each each) {
  const Shape& x = call.x().shape;
  const Shape& at = call.in(1).shape;
  const std::vector<std::int64_t> indices = indices_of(call.in(1));
  const auto length = static_cast<std::size_t>(at.back());
  const std::int64_t tuples = count_of(at, 0, at.size() - 1);
  const std::int64_t slice = count_of(x, shared + length, x.size());
  const std::int64_t groups = count_of(at, 0, shared);
  for (std::int64_t n = 0; n < tuples; ++n) {
    std::int64_t offset = n / (tuples / groups);
    for (std::size_t i = 0; i < length; ++i) {
      const std::int64_t index = indices[static_cast<std::size_t>(n) * length + i];
      offset = offset * x[shared + i] + call.place(index, x[shared + i]);
    }
    each(n, offset * slice, slice);
  }
}

enum class Combine : std::uint8_t { kReplace, kAdd, kMul, kMax, kMin };

template <typename T>
T combined(Combine how, T a, T b) {
  switch (how) {
    case Combine::kReplace:
      return b;
    case Combine::kAdd:
      return static_cast<T>(a + b);
    case Combine::kMul:
      return static_cast<T>(a * b);
    case Combine::kMax:
      return std::max(a, b);
    case Combine::kMin:
      return std::min(a, b);
  }
  return b;
}

// `count` updates from element `from` on into y from element `to` on.
void update(Combine how, const Tensor& updates, std::int64_t from, Tensor& y, std::int64_t to,
            std::int64_t count) {
  if (how == Combine::kReplace) return copy(updates, from, y, to, count);
  with_numbers(y, [&](auto values) {
    using T = typename decltype(values)::value_type;
    const auto source = updates.as<T>();
    for (std::int64_t i = 0; i < count; ++i) {
      T& v = values[static_cast<std::size_t>(to + i)];
      v = combined(how, v, source[static_cast<std::size_t>(from + i)]);
    }
  });
}

}  // namespace

void gather(const Call& call, Tensor& y) {
  const Lines x = lines_of(call.x().shape, call.axis());
  const std::vector<std::int64_t> indices = indices_of(call.in(1));
  std::int64_t to = 0;
  for (std::int64_t o = 0; o < x.outer; ++o) {
    for (const std::int64_t index : indices) {
      copy(call.x(), (o * x.count + call.place(index, x.count)) * x.inner, y, to, x.inner);
      to += x.inner;
    }
  }
}

void gather_elements(const Call& call, Tensor& y) {
  const Shape& x = call.x().shape;
  const Lines lines = lines_of(x, call.axis());
  const std::vector<std::int64_t> indices = indices_of(call.in(1));
  for_places(x, call.in(1).shape, call.axis(), [&](std::int64_t n, std::int64_t at) {
    const std::int64_t index = call.place(indices[static_cast<std::size_t>(n)], lines.count);
    copy(call.x(), at + index * lines.inner, y, n, 1);
  });
}

void gather_nd(const Call& call, Tensor& y) {
  for_tuples(call, static_cast<std::size_t>(call.f.numbers[0]),
             [&](std::int64_t n, std::int64_t from, std::int64_t count) {
               copy(call.x(), from, y, n * count, count);
             });
}

void scatter_elements(const Call& call, Tensor& y) {
  y.data = call.x().data;
  const Shape& x = call.x().shape;
  const Lines lines = lines_of(x, call.axis());
  const auto how = static_cast<Combine>(call.f.numbers[1]);
  const std::vector<std::int64_t> indices = indices_of(call.in(1));
  for_places(x, call.in(1).shape, call.axis(), [&](std::int64_t n, std::int64_t at) {
    const std::int64_t index = call.place(indices[static_cast<std::size_t>(n)], lines.count);
    update(how, call.in(2), n, y, at + index * lines.inner, 1);
  });
}

void scatter_nd(const Call& call, Tensor& y) {
  y.data = call.x().data;
  const auto how = static_cast<Combine>(call.f.numbers[0]);
  for_tuples(call, 0, [&](std::int64_t n, std::int64_t to, std::int64_t count) {
    update(how, call.in(2), n * count, y, to, count);
  });
}

// Indices outside [-depth, depth) have the first value all along, as ONNX says.
void one_hot(const Call& call, Tensor& y) {
  const Lines lines = lines_of(y.shape, call.axis());
  const std::vector<std::int64_t> indices = indices_of(call.x());
  for (std::int64_t i = 0; i < y.count(); ++i) copy(call.in(1), 0, y, i, 1);
  for (std::int64_t n = 0; n < std::ssize(indices); ++n) {
    std::int64_t index = indices[static_cast<std::size_t>(n)];
    if (index < 0) index += lines.count;
    if (index < 0 || index >= lines.count) continue;
    const std::int64_t line = n / lines.inner * lines.count * lines.inner + n % lines.inner;
    copy(call.in(1), 1, y, line + index * lines.inner, 1);
  }
}

void reverse_sequence(const Call& call, Tensor& y) {
  const Shape& x = call.x().shape;
  const Lines batch = lines_of(x, call.axis());
  const Lines time = lines_of(x, static_cast<std::size_t>(call.f.numbers[1]));
  const std::vector<std::int64_t> lengths = indices_of(call.in(1));
  for (const std::int64_t length : lengths) {
    if (length >= 0 && length <= time.count) continue;
    throw InputError(call.where, fmt::format("reverse_sequence: length {}", length),
                     fmt::format("0 to {}", time.count));
  }
  for (std::int64_t i = 0; i < y.count(); ++i) {
    const auto b = static_cast<std::size_t>(i / batch.inner % batch.count);
    const std::int64_t t = i / time.inner % time.count;
    const std::int64_t from = t < lengths[b] ? lengths[b] - 1 - t : t;
    copy(call.x(), i + (from - t) * time.inner, y, i, 1);
  }
}

// Columns of indices, those of the first dimension in the first row.
void non_zero(const Call& call, Tensor& y) {
  const Shape& x = call.x().shape;
  std::vector<std::int64_t> found;
  with_numbers(call.x(), [&](auto values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] != 0) found.push_back(static_cast<std::int64_t>(i));
    }
  });
  const auto to = y.as<std::int64_t>();
  std::ranges::fill(to, -1);
  const std::int64_t columns = y.shape[1];
  const std::int64_t count = call.room(std::ssize(found), columns);
  for (std::size_t d = 0; d < x.size(); ++d) {
    const std::int64_t below = count_of(x, d + 1, x.size());
    for (std::int64_t n = 0; n < count; ++n) {
      const std::int64_t index = found[static_cast<std::size_t>(n)] / below % x[d];
      to[static_cast<std::size_t>(static_cast<std::int64_t>(d) * columns + n)] = index;
    }
  }
}

namespace {

using Body = void (*)(const Call&, Tensor&);

Body body_of(HostFn fn) {
  switch (fn) {
    case HostFn::kTopK:
      return top_k;
    case HostFn::kGather:
      return gather;
    case HostFn::kGatherElements:
      return gather_elements;
    case HostFn::kGatherNd:
      return gather_nd;
    case HostFn::kScatterElements:
      return scatter_elements;
    case HostFn::kScatterNd:
      return scatter_nd;
    case HostFn::kOneHot:
      return one_hot;
    case HostFn::kCumSum:
      return cum_sum;
    case HostFn::kDet:
      return det;
    case HostFn::kReverseSequence:
      return reverse_sequence;
    case HostFn::kNonZero:
      return non_zero;
    case HostFn::kUnique:
      return unique;
    case HostFn::kNonMaxSuppression:
      return non_max_suppression;
    case HostFn::kMatmulInteger:
      return matmul_integer;
  }
  SYSTOLE_CHECK(false, "host function {}", static_cast<int>(fn));
}

}  // namespace

Tensor compute(const HostFunction& function, const std::vector<const Tensor*>& inputs,
               const TensorKind& result, const std::string& where) {
  Tensor y(result.type, result.shape);
  if (y.count() > 0) body_of(function.fn)({function, inputs, where}, y);
  return y;
}

}  // namespace systole::isa
