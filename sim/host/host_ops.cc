// Host operations in plain loops: ONNX's QuantizeLinear, DequantizeLinear, Softmax and Transpose on
// row-major tensors, and the table of all (others: host_elementwise.cc, host_windows.cc).
//
// Tensors lie at any byte address, so elements are copied in and out in blocks; the arithmetic runs
// on aligned local arrays, which the compiler vectorises, and an operation may overwrite its input.
#include "sim/host/host_ops.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "base/bfloat16.h"
#include "base/diag.h"
#include "base/numerics.h"
#include "isa/program_check.h"
#include "sim/host/host_call.h"

namespace systole::sim {
namespace host {

using isa::HostOp;
using isa::HostStep;
using isa::HostTensor;

void require(bool condition, const Call& call, const std::string& what, const std::string& right) {
  if (condition) return;
  throw InputError(fmt::format("host step '{}' ({})", call.step.name, host_op_name(call.step.op)),
                   what, right);
}

void require_same_shape(const Call& call) {
  require(call.in().shape == call.out().shape, call,
          fmt::format("input {} and output {}", shape_text(call.in().shape),
                      shape_text(call.out().shape)),
          "equal shapes");
}

void require_one_type(const Call& call) {
  const bool one = std::all_of(call.inputs.begin(), call.inputs.end(), [&](const Operand& input) {
    return input.tensor->type == call.out().type;
  });
  require(one, call, "input and output types differ", "one type");
}

std::int64_t product(const Shape& shape, std::int64_t begin, std::int64_t end) {
  return std::accumulate(shape.begin() + begin, shape.begin() + end, std::int64_t{1},
                         std::multiplies<>());
}

namespace {

constexpr std::int64_t kBlock = 4096;  // elements held in local arrays at a time

// Scales and their zero points, which are values of T, as the step's attributes give them.
template <typename T>
void check_scales(const Call& call) {
  const std::vector<std::int64_t>& numbers = call.step.numbers;
  require(!call.step.reals.empty() && numbers.size() == call.step.reals.size() + 1, call,
          fmt::format("{} numbers and {} scales", numbers.size(), call.step.reals.size()),
          "an axis, then one zero point per scale");
  const auto is_value = [](std::int64_t zero) {
    return zero >= std::int64_t{std::numeric_limits<T>::min()} &&
           zero <= std::int64_t{std::numeric_limits<T>::max()};
  };
  require(std::all_of(numbers.begin() + 1, numbers.end(), is_value), call,
          "zero point out of range", "values of the integer type");
}

// Runs body(begin, count, scale, zero point) over maximal stretches of elements that share a scale.
template <typename T, typename Body>
void for_each_scale(const Call& call, Body&& body) {
  check_scales<T>(call);
  const std::vector<float>& scales = call.step.reals;
  const auto zero = [&](std::size_t c) {
    return static_cast<std::int32_t>(call.step.numbers[c + 1]);
  };
  const Shape& shape = call.in().shape;
  if (scales.size() == 1) return body(std::int64_t{0}, element_count(shape), scales[0], zero(0));
  const std::int64_t axis = call.step.numbers[0];
  const auto channels = static_cast<std::int64_t>(scales.size());
  const auto rank = static_cast<std::int64_t>(shape.size());
  require(axis >= 0 && axis < rank && shape[static_cast<std::size_t>(axis)] == channels, call,
          fmt::format("{} scales along axis {} of {}", channels, axis, shape_text(shape)),
          "one scale for each index of the axis");
  const std::int64_t inner = product(shape, axis + 1, rank);
  const std::int64_t runs = product(shape, 0, axis) * channels;
  for (std::int64_t run = 0; run < runs; ++run) {
    const auto c = static_cast<std::size_t>(run % channels);
    body(run * inner, inner, scales[c], zero(c));
  }
}

// Splits [begin, begin + count) into blocks of at most kBlock and runs body(first, length).
template <typename Body>
void for_each_block(std::int64_t begin, std::int64_t count, Body&& body) {
  for (std::int64_t i = 0; i < count; i += kBlock) body(begin + i, std::min(kBlock, count - i));
}

template <typename T>
void quantise_run(const Call& call, std::int64_t begin, std::int64_t count, float scale,
                  std::int32_t zero_point) {
  constexpr std::int32_t kLo = std::numeric_limits<T>::min();
  constexpr std::int32_t kHi = std::numeric_limits<T>::max();
  std::array<float, kBlock> x;
  std::array<T, kBlock> y;
  for_each_block(begin, count, [&](std::int64_t first, std::int64_t length) {
    const auto n = static_cast<std::size_t>(length);
    std::memcpy(x.data(), call.inputs[0].data + first * 4, n * sizeof(float));
    for (std::size_t i = 0; i < n; ++i) {
      y[i] = static_cast<T>(quantise(x[i], scale, zero_point, kLo, kHi));
    }
    std::memcpy(call.output.data + first * static_cast<std::int64_t>(sizeof(T)), y.data(),
                n * sizeof(T));
  });
}

// ONNX subtracts in int32 and converts the difference; for the 8 and 16 bit types that is exact.
template <typename T>
void dequantise_run(const Call& call, std::int64_t begin, std::int64_t count, float scale,
                    std::int32_t zero_point) {
  std::array<T, kBlock> x;
  std::array<float, kBlock> y;
  const auto negated = static_cast<std::int32_t>(-static_cast<std::uint32_t>(zero_point));
  for_each_block(begin, count, [&](std::int64_t first, std::int64_t length) {
    const auto n = static_cast<std::size_t>(length);
    std::memcpy(x.data(), call.inputs[0].data + first * static_cast<std::int64_t>(sizeof(T)),
                n * sizeof(T));
    for (std::size_t i = 0; i < n; ++i) {
      y[i] = static_cast<float>(wrapping_add(x[i], negated)) * scale;
    }
    std::memcpy(call.output.data + first * 4, y.data(), n * sizeof(float));
  });
}

// Bfloat16 has no scale.
void round_floats(const Call& call) {
  for (std::int64_t i = 0; i < element_count(call.in().shape); ++i)
    store(call.output.data, i, Bfloat16(load<float>(call.inputs[0].data, i)));
}
void widen_floats(const Call& call) {
  for (std::int64_t i = 0; i < element_count(call.in().shape); ++i)
    store(call.output.data, i, float{load<Bfloat16>(call.inputs[0].data, i)});
}

// One softmax over `count` elements that lie `stride` apart from element `first` on: subtract the
// maximum, exponentiate, divide by the sum, all in float32.
void softmax_group(const Call& call, std::int64_t first, std::int64_t count, std::int64_t stride) {
  const std::uint8_t* x = call.inputs[0].data;
  std::uint8_t* y = call.output.data;
  float highest = -std::numeric_limits<float>::infinity();
  for (std::int64_t i = 0; i < count; ++i) {
    highest = std::max(highest, load<float>(x, first + i * stride));
  }
  float sum = 0.0F;
  for (std::int64_t i = 0; i < count; ++i) {
    const float e = std::exp(load<float>(x, first + i * stride) - highest);
    store(y, first + i * stride, e);
    sum += e;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    store(y, first + i * stride, load<float>(y, first + i * stride) / sum);
  }
}

// Input elements between neighbours along each output dimension; empty if `axes` is no permutation.
std::vector<std::int64_t> permuted_strides(const Shape& shape,
                                           const std::vector<std::int64_t>& axes) {
  const auto rank = static_cast<std::int64_t>(shape.size());
  std::vector<std::int64_t> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  for (std::int64_t d = 0; d < rank; ++d) {
    if (sorted.size() != shape.size() || sorted[static_cast<std::size_t>(d)] != d) return {};
  }
  std::vector<std::int64_t> strides;
  for (const std::int64_t axis : axes) strides.push_back(product(shape, axis + 1, rank));
  return strides;
}

}  // namespace

template <>
void apply<HostOp::kQuantise>(const Call& call) {
  require(call.in().type == DType::kFloat32, call, "input is not float32", "float32");
  require(call.out().type != DType::kInt32, call, "output is int32", "8 or 16 bits");
  require_same_shape(call);
  if (call.out().type == DType::kBfloat16) return round_floats(call);
  with_integer(call, call.out().type, [&]<typename T>(T) {
    for_each_scale<T>(call, [&](auto... run) { quantise_run<T>(call, run...); });
  });
}

template <>
void apply<HostOp::kDequantise>(const Call& call) {
  require(call.out().type == DType::kFloat32, call, "output is not float32", "float32");
  require_same_shape(call);
  if (call.in().type == DType::kBfloat16) return widen_floats(call);
  with_integer(call, call.in().type, [&]<typename T>(T) {
    for_each_scale<T>(call, [&](auto... run) { dequantise_run<T>(call, run...); });
  });
}

template <>
void apply<HostOp::kSoftmax>(const Call& call) {
  require(call.in().type == DType::kFloat32 && call.out().type == DType::kFloat32, call,
          "element types other than float32", "float32");
  require_same_shape(call);
  const Shape& shape = call.in().shape;
  const auto rank = static_cast<std::int64_t>(shape.size());
  const std::vector<std::int64_t>& axes = call.step.numbers;
  require(axes.size() == 2 && axes[0] >= 0 && axes[0] <= axes[1] && axes[1] <= rank, call,
          "axes " + shape_text(axes), "first and end axis of the input");
  const std::int64_t outer = product(shape, 0, axes[0]);
  const std::int64_t count = product(shape, axes[0], axes[1]);
  const std::int64_t inner = product(shape, axes[1], rank);
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < inner; ++i)
      softmax_group(call, o * count * inner + i, count, inner);
  }
}

template <>
void apply<HostOp::kTranspose>(const Call& call) {
  const Shape& in = call.in().shape;
  const Shape& out = call.out().shape;
  const std::vector<std::int64_t>& axes = call.step.numbers;
  const std::vector<std::int64_t> strides = permuted_strides(in, axes);
  bool fits = strides.size() == in.size() && out.size() == in.size();
  for (std::size_t d = 0; fits && d < out.size(); ++d) {
    fits = out[d] == in[static_cast<std::size_t>(axes[d])];
  }
  require(fits && call.in().type == call.out().type, call,
          fmt::format("{} to {} by {}", shape_text(in), shape_text(out), shape_text(axes)),
          "a permutation that leads from the first shape to the second");
  const auto size = static_cast<std::size_t>(dtype_bytes(call.in().type));
  const std::vector<std::uint8_t> source(call.inputs[0].data,
                                         call.inputs[0].data + call.in().bytes());
  std::vector<std::int64_t> at(out.size(), 0);
  std::int64_t from = 0;
  for (std::size_t to = 0; to < source.size(); to += size) {
    std::memcpy(call.output.data + to, source.data() + static_cast<std::size_t>(from) * size, size);
    for (std::size_t d = out.size(); d-- > 0;) {  // odometer: the last dimension runs fastest
      from += strides[d];
      if (++at[d] < out[d]) break;
      from -= strides[d] * out[d];
      at[d] = 0;
    }
  }
}

template <>
void apply<HostOp::kCopy>(const Call& call) {
  require(call.in().bytes() == call.out().bytes(), call,
          fmt::format("{} bytes to {}", call.in().bytes(), call.out().bytes()), "equal sizes");
  std::memmove(call.output.data, call.inputs[0].data, static_cast<std::size_t>(call.in().bytes()));
}

}  // namespace host

namespace {

using host::Call;
using isa::HostOp;

struct Row {
  std::string_view name;
  void (*apply)(const Call&);
};
constexpr auto kRows = std::to_array<Row>({
#define SYSTOLE_HOST_OP(name, text, meaning) {text, &host::apply<HostOp::name>},
#include "isa/host_ops.def"
});
const Row& row(HostOp op) { return kRows.at(static_cast<std::size_t>(op)); }

}  // namespace

std::string_view host_op_name(HostOp op) { return row(op).name; }

namespace {

bool has_bfloat16(const Call& call) {
  const auto is = [](const host::Operand& o) { return o.tensor->type == DType::kBfloat16; };
  return is(call.output) || std::ranges::any_of(call.inputs, is);
}

// Whether it moves elements whatever they are, or changes their type itself.
bool takes_bfloat16(HostOp op) {
  return op == HostOp::kQuantise || op == HostOp::kDequantise || op == HostOp::kCopy ||
         op == HostOp::kTranspose || op == HostOp::kConcat;
}

// The operation on float32, its result rounded. The number that a pad adds is an integer's there.
void apply_rounded(const Call& call) {
  isa::HostStep step = call.step;
  if (step.op == HostOp::kPad && step.reals.empty() && !step.numbers.empty()) {
    step.reals = {static_cast<float>(step.numbers.back())};
    step.numbers.pop_back();
  }
  std::vector<isa::HostTensor> tensors;
  std::vector<std::vector<float>> values;
  tensors.reserve(call.inputs.size() + 1);
  Call wide{step, {}, {}};
  const auto widened = [&](const host::Operand& operand, bool reads) -> host::Operand {
    tensors.push_back(*operand.tensor);
    tensors.back().type = DType::kFloat32;
    values.emplace_back(static_cast<std::size_t>(element_count(operand.tensor->shape)));
    for (std::size_t i = 0; reads && i < values.back().size(); ++i)
      values.back()[i] = host::load<Bfloat16>(operand.data, static_cast<std::int64_t>(i));
    return {&tensors.back(), reinterpret_cast<std::uint8_t*>(values.back().data())};
  };
  for (const host::Operand& input : call.inputs) {
    const bool rounded = input.tensor->type == DType::kBfloat16;
    wide.inputs.push_back(rounded ? widened(input, true) : input);
  }
  const bool rounds = call.out().type == DType::kBfloat16;
  wide.output = rounds ? widened(call.output, false) : call.output;
  row(step.op).apply(wide);
  for (std::size_t i = 0; rounds && i < values.back().size(); ++i)
    host::store(call.output.data, static_cast<std::int64_t>(i), Bfloat16(values.back()[i]));
}

}  // namespace

void run_host_step(const isa::HostStep& step, const std::vector<isa::HostTensor>& tensors,
                   std::span<std::uint8_t> memory) {
  const auto operand = [&](std::int64_t i) -> host::Operand {
    SYSTOLE_CHECK(i >= 0 && i < static_cast<std::int64_t>(tensors.size()), "tensor {} of {}", i,
                  tensors.size());
    const isa::HostTensor& tensor = tensors[static_cast<std::size_t>(i)];
    return {&tensor, memory.data() + tensor.address};
  };
  Call call{step, {}, {}};
  host::require(isa::takes_inputs(step.op, step.inputs.size()) && step.outputs.size() == 1, call,
                fmt::format("{} inputs and {} outputs", step.inputs.size(), step.outputs.size()),
                "as its operation takes");
  for (const std::int64_t i : step.inputs) call.inputs.push_back(operand(i));
  call.output = operand(step.outputs[0]);
  if (call.out().bytes() == 0) return;  // whatever loops the other dimensions would make
  if (has_bfloat16(call) && !takes_bfloat16(step.op)) return apply_rounded(call);
  row(step.op).apply(call);
}

}  // namespace systole::sim
