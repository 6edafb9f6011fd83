// Host steps by node: the reverse table of isa/host_ops.def, attributes in its order.
#include "compiler/lower/host_step.h"

#include "compiler/ir/integers.h"

namespace systole::compiler {
namespace {

using isa::HostOp;
using isa::HostStep;

HostStep plain(HostOp op) {
  HostStep step;
  step.op = op;
  return step;
}

HostStep quantisation(HostOp op, const Quant& quant) {
  HostStep step = plain(op);
  step.numbers = {quant.axis};
  step.numbers.insert(step.numbers.end(), quant.zero_points.begin(), quant.zero_points.end());
  step.reals = quant.scales;
  return step;
}

std::optional<HostStep> map_step(const MapAttrs& a) {
  if (a.output) return std::nullopt;
  [[maybe_unused]] const auto& [fn, lo, hi, alpha, beta, x_quant, output] = a;
  HostStep step;
  switch (a.fn) {
#define SYSTOLE_MAP(name, text, host_op, host_reals, ...) \
  case MapFn::name:                                       \
    step = plain(HostOp::host_op);                        \
    step.reals = std::vector<float> host_reals;           \
    return step;
#include "isa/elementwise.def"
  }
  SYSTOLE_CHECK(false, "map function {}", static_cast<int>(a.fn));
}

HostOp zip_op(ZipFn fn) {
  switch (fn) {
#define SYSTOLE_ZIP(name, text, host_op, ...) \
  case ZipFn::name:                           \
    return HostOp::host_op;
#include "isa/elementwise.def"
  }
  SYSTOLE_CHECK(false, "zip function {}", static_cast<int>(fn));
}

// Of bfloat16 without limits: the host computes in float32 and rounds.
std::optional<HostStep> zip_step(const ZipAttrs& a) {
  HostStep step = plain(zip_op(a.fn));
  if (!a.output) return step;
  if (a.output->type == DType::kBfloat16) {
    const IntegerRange none = integer_range(DType::kBfloat16);
    return a.lo == none.lo && a.hi == none.hi ? std::optional(step) : std::nullopt;
  }
  step.numbers = {a.a_quant->zero_points[0], a.b_quant->zero_points[0], a.output->zero_points[0],
                  a.lo, a.hi};
  step.reals = {a.a_quant->scales[0], a.b_quant->scales[0], a.output->scales[0]};
  return step;
}

HostOp pool_op(PoolFn fn) {
  switch (fn) {
    case PoolFn::kMax:
      return HostOp::kMaxPool;
    case PoolFn::kAverage:
      return HostOp::kAveragePool;
  }
  SYSTOLE_CHECK(false, "pool function {}", static_cast<int>(fn));
}

HostStep pool_step(const PoolAttrs& a) {
  HostStep step = plain(pool_op(a.fn));
  const Window& w = a.window;
  const auto append = [&step](const auto& values) {
    step.numbers.insert(step.numbers.end(), values.begin(), values.end());
  };
  append(w.kernel);
  append(w.strides);
  append(w.dilations);
  append(w.pads);
  step.numbers.push_back(a.count_padding ? 1 : 0);
  append(a.overhang);
  if (!a.output || a.output->type == DType::kBfloat16) return step;
  step.numbers.push_back(a.x_quant->zero_points[0]);
  step.numbers.push_back(a.output->zero_points[0]);
  step.reals = {a.x_quant->scales[0], a.output->scales[0]};
  return step;
}

std::optional<HostStep> move_step(const MoveAttrs& a, bool is_float) {
  HostStep step;
  switch (a.fn) {
    case MoveFn::kReshape:
      return std::nullopt;  // a view
    case MoveFn::kTranspose:
      step = plain(HostOp::kTranspose);
      step.numbers = a.permutation;
      return step;
    case MoveFn::kConcat:
      step = plain(HostOp::kConcat);
      step.numbers = {a.axis};
      return step;
    case MoveFn::kPad:
      step = plain(HostOp::kPad);
      step.numbers = a.pads;
      if (is_float) step.reals = {static_cast<float>(a.fill)};
      if (!is_float) step.numbers.push_back(static_cast<std::int64_t>(a.fill));
      return step;
  }
  SYSTOLE_CHECK(false, "move {}", static_cast<int>(a.fn));
}

// Of bytes.
std::optional<HostStep> table_step(const TableAttrs& a) {
  if (a.entries.empty()) return std::nullopt;
  HostStep step = plain(HostOp::kTable);
  step.numbers.assign(a.entries.begin(), a.entries.end());
  return step;
}

// Of floats.
std::optional<HostStep> product_step(const Node& node, const MatmulAttrs& a) {
  if (a.x_quant || a.w_quant || node.inputs.size() > 3) return std::nullopt;
  HostStep step = plain(HostOp::kMatmul);
  step.reals = {a.alpha};
  if (bias_of(node) != kNoValue) step.reals.push_back(a.beta);
  return step;
}

std::optional<HostStep> conv_step(const ConvAttrs& a) {
  if (a.x_quant || a.w_quant) return std::nullopt;
  HostStep step = plain(HostOp::kConv);
  const auto append = [&step](const auto& values) {
    step.numbers.insert(step.numbers.end(), values.begin(), values.end());
  };
  append(a.window.strides);
  append(a.window.dilations);
  append(a.window.pads);
  step.numbers.push_back(a.groups);
  return step;
}

HostStep function_step(const HostAttrs& a) {
  HostStep step;
  switch (a.fn) {
#define SYSTOLE_HOST_FN(name, ...) \
  case HostFn::name:               \
    step = plain(HostOp::name);    \
    break;
#include "isa/host_functions.def"
  }
  step.numbers = a.numbers;
  step.reals = a.reals;
  return step;
}

HostStep reduce_step(const ReduceAttrs& a) {
  const bool softmax = a.fn == ReduceFn::kSoftmax;
  HostStep step = plain(softmax ? HostOp::kSoftmax : HostOp::kReduce);
  step.numbers = {a.first_axis, a.end_axis};
  if (!softmax) step.numbers.push_back(static_cast<std::int64_t>(a.fn));
  return step;
}

}  // namespace

std::optional<HostStep> host_step(const Node& node, bool is_float) {
  switch (node.kind) {
    case OpKind::kQuantise:
      return quantisation(HostOp::kQuantise, std::get<QuantAttrs>(node.attrs).quant);
    case OpKind::kDequantise:
      return quantisation(HostOp::kDequantise, std::get<QuantAttrs>(node.attrs).quant);
    case OpKind::kReduce:
      return reduce_step(std::get<ReduceAttrs>(node.attrs));
    case OpKind::kMap:
      return map_step(std::get<MapAttrs>(node.attrs));
    case OpKind::kZip:
      return zip_step(std::get<ZipAttrs>(node.attrs));
    case OpKind::kPool:
      return pool_step(std::get<PoolAttrs>(node.attrs));
    case OpKind::kMove:
      return move_step(std::get<MoveAttrs>(node.attrs), is_float);
    case OpKind::kMatmul:
      return product_step(node, std::get<MatmulAttrs>(node.attrs));
    case OpKind::kTable:
      return table_step(std::get<TableAttrs>(node.attrs));
    case OpKind::kSelect:
      return plain(HostOp::kSelect);
    case OpKind::kCast:
      return plain(HostOp::kCast);
    case OpKind::kConv:
      return conv_step(std::get<ConvAttrs>(node.attrs));
    case OpKind::kHost:
      return function_step(std::get<HostAttrs>(node.attrs));
  }
  SYSTOLE_CHECK(false, "op {}", static_cast<int>(node.kind));
}

}  // namespace systole::compiler
