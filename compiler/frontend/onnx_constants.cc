// The table of constant operators and what its functions share.
#include "compiler/frontend/onnx_constants.h"

#include <algorithm>
#include <array>

#include "compiler/frontend/constant_tensor.h"

namespace systole::compiler {
namespace {

constexpr auto kConstants = std::to_array<OnnxConstant>({
#define SYSTOLE_ONNX_CONSTANT(name, first, newest, reads, function) \
  {#name, first, newest, ConstantReads::reads, function},
#include "compiler/frontend/onnx_constants.def"
});

}  // namespace

std::span<const OnnxConstant> onnx_constants() { return kConstants; }

const OnnxConstant* find_onnx_constant(const onnx::NodeProto& node) {
  if (!node.domain().empty() && node.domain() != "ai.onnx") return nullptr;
  const auto* const row = std::find_if(kConstants.begin(), kConstants.end(),
                                       [&](const auto& r) { return r.name == node.op_type(); });
  return row == kConstants.end() ? nullptr : row;
}

Tensor new_constant(OnnxNode& node, DType type, const Shape& shape) {
  for (const std::int64_t d : shape)
    node.require(d >= 0, "a result of shape " + shape_text(shape), "dimensions of 0 or more");
  const std::int64_t room = node.builder().room();
  double count = 1.0;  // int64 may overflow
  for (const std::int64_t d : shape) count *= static_cast<double>(d);
  node.require(
      count <= static_cast<double>(room),
      fmt::format("a constant result of shape {}, {:.3g} elements", shape_text(shape), count),
      fmt::format("at most {} elements beside those of the other constants", room));
  return {type, shape};
}

void give_constant(OnnxNode& node, Tensor t, int output) {
  node.result(node.builder().add_folded("constant", std::move(t)), output);
}

std::vector<std::int64_t> integers(OnnxNode& node, int input, const std::string& what) {
  const Tensor& t = node.constant(input, what);
  const bool known = t.type == DType::kInt64 || t.type == DType::kInt32;
  node.require(known && t.shape.size() <= 1,
               fmt::format("{} is {} {}", what, dtype_name(t.type), shape_text(t.shape)),
               "a list of int64");
  std::vector<std::int64_t> list;
  if (t.type == DType::kInt64)
    list.assign(t.as<std::int64_t>().begin(), t.as<std::int64_t>().end());
  if (t.type == DType::kInt32)
    list.assign(t.as<std::int32_t>().begin(), t.as<std::int32_t>().end());
  return list;
}

std::optional<std::vector<std::int64_t>> attribute_or_input(OnnxNode& node, const std::string& name,
                                                            int input, std::int64_t input_since) {
  if (node.opset() >= input_since) {
    if (!node.has(input)) return std::nullopt;
    return integers(node, input, name);
  }
  std::vector<std::int64_t> found = node.ints(name);
  if (!node.has_attribute(name)) return std::nullopt;
  return found;
}

Shape broadcast_inputs(OnnxNode& node) {
  Shape shape = node.shape(0);
  for (int i = 1; i < node.input_count(); ++i) {
    const std::optional<Shape> both = broadcast(shape, node.shape(i));
    node.require(both.has_value(),
                 fmt::format("shapes {} and {}", shape_text(shape), shape_text(node.shape(i))),
                 "shapes that broadcast");
    shape = *both;
  }
  return shape;
}

BroadcastWalk::BroadcastWalk(const Shape& to, const std::vector<Shape>& from)
    : to_(to), index_(to.size()), at_(from.size()) {
  for (const Shape& shape : from) strides_.push_back(broadcast_strides(shape, to));
}

void BroadcastWalk::next() {
  for (std::size_t i = index_.size(); i-- > 0;) {  // like a milometer
    step(i, 1);
    if (++index_[i] < to_[i]) return;
    step(i, -to_[i]);
    index_[i] = 0;
  }
}

void BroadcastWalk::step(std::size_t axis, std::int64_t by) {
  for (std::size_t k = 0; k < at_.size(); ++k)
    at_[k] += static_cast<std::size_t>(by * strides_[k][axis]);  // modulo 2^64
}

}  // namespace systole::compiler
