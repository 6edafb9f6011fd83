// The walk over the graph, and the places of its values on the device.
#include "compare/targets/gpu/builder.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "compare/targets/gpu/signed_graph.h"
#include "compiler/ir/integers.h"
#include "compiler/ir/shapes.h"

namespace systole::compare::gpu {

using compiler::Node;
using compiler::OpKind;
using compiler::Quant;
using compiler::Value;
using compiler::ValueId;

void refuse(const Node& node, const std::string& what, const std::string& expected) {
  throw InputError(node.name, fmt::format("{} ({}): {}", node.origin, op_name(node.kind), what),
                   expected);
}

// --- places ---

struct MemoryPool::Blocks {
  Backend& backend;
  std::multimap<std::size_t, Memory> free;  // by size
};

MemoryPool::MemoryPool(Backend& backend) : blocks_(std::make_shared<Blocks>(Blocks{backend, {}})) {}

Memory MemoryPool::take(std::size_t bytes) {
  auto found = blocks_->free.lower_bound(bytes);
  Memory block;
  if (found != blocks_->free.end() && found->first / 2 <= bytes) {  // not much too large
    bytes = found->first;
    block = std::move(found->second);
    blocks_->free.erase(found);
  } else {
    block = blocks_->backend.allocate(bytes);
  }
  const Address address = block.get();
  return {address, [blocks = blocks_, block = std::move(block), bytes](void*) mutable {
            blocks->free.emplace(bytes, std::move(block));
          }};
}

std::vector<std::int64_t> strides_of(const Shape& shape, bool channels_last) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t stride = 1;
  for (std::size_t d = shape.size(); d-- > 0; stride *= shape[d]) strides[d] = stride;
  if (!channels_last) return strides;
  return {shape[1] * shape[2] * shape[3], 1, shape[1] * shape[3], shape[1]};
}

Picture picture(const Shape& shape, bool channels_last) {
  return {shape[0], shape[1], shape[2], shape[3], channels_last};
}

Steps steps_of(const Quant& quant, const Node& node) {
  if (!quant.per_tensor()) refuse(node, "activations with a scale per channel", "one scale");
  const compiler::IntegerRange range = compiler::integer_range(quant.type);
  return {quant.scales[0], quant.zero_points[0], range.lo, range.hi};
}

Builder::Builder(const compiler::Graph& graph, Math math, Backend& backend)
    : graph_(graph),
      math_(math),
      float_math_(math == Math::kInt8 ? Math::kFp32 : math),
      channels_last_(info(math).bytes < 4),
      backend_(backend),
      pool_(backend),
      places_(graph.values.size()),
      last_use_(graph.values.size()) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const ValueId id : graph.nodes[i].inputs) last_use_[static_cast<std::size_t>(id)] = i;
  }
  for (const ValueId id : graph.outputs)
    last_use_[static_cast<std::size_t>(id)] = graph.nodes.size();
}

void Builder::check_size(const std::string& where, std::int64_t count) const {
  if (count > std::numeric_limits<std::int32_t>::max()) {
    throw InputError(where, fmt::format("a tensor of {} elements", count), "fewer than 2^31");
  }
}

Element Builder::element_of(DType type, const std::string& where) const {
  switch (type) {
    case DType::kFloat32:
      return info(float_math_).operand;
    case DType::kUint8:
      return Element::kU8;
    case DType::kInt8:
      return Element::kS8;
    case DType::kInt32:
      return Element::kS32;
    default:
      throw InputError(where, fmt::format("a tensor of {}", dtype_name(type)),
                       "float32, uint8, int8 or int32 on the GPU");
  }
}

namespace {

std::size_t bytes_of(Element element) {
  if (element == Element::kF32 || element == Element::kS32) return 4;
  return element == Element::kF16 || element == Element::kBf16 ? 2 : 1;
}

}  // namespace

Extents extents(const std::vector<std::int64_t>& values, std::int64_t fill) {
  Extents result;
  result.fill(fill);
  std::ranges::copy_backward(values, result.end());
  return result;
}

std::vector<std::size_t> memory_order(std::size_t rank, bool channels_last) {
  if (channels_last) return {0, 2, 3, 1};
  std::vector<std::size_t> order(rank);
  for (std::size_t d = 0; d < rank; ++d) order[d] = d;
  return order;
}

Placed Builder::place(Element element, Shape shape, bool channels_last) {
  const std::int64_t count = element_count(shape, graph_.name);
  check_size(graph_.name, count);
  const bool last = channels_last && shape.size() == 4;
  const auto bytes = std::max<std::size_t>(1, static_cast<std::size_t>(count) * bytes_of(element));
  return {pool_.take(bytes), element, last, std::move(shape)};
}

ConstAddress Builder::upload_bytes(std::span<const std::uint8_t> bytes) {
  result_.constants.push_back(backend_.allocate(std::max<std::size_t>(1, bytes.size())));
  backend_.upload(result_.constants.back().get(), bytes);
  return result_.constants.back().get();
}

ConstAddress Builder::upload_floats(const std::vector<float>& values, Element element) {
  const float* floats = upload(values);
  if (element == Element::kF32) return floats;
  const Memory wide = std::move(result_.constants.back());  // freed when it has been narrowed
  result_.constants.back() =
      backend_.allocate(std::max<std::size_t>(1, values.size() * bytes_of(element)));
  Map narrow;
  narrow.to = element;
  narrow.count = std::ssize(values);
  narrow.x = floats;
  narrow.y = result_.constants.back().get();
  backend_.prepare(narrow)->start();
  return narrow.y;
}

const Tensor& Builder::constant(const Node& node, std::size_t input) const {
  const Value& v = graph_.value(node.inputs.at(input));
  if (!v.constant) refuse(node, fmt::format("'{}' is computed", v.name), "constant weights");
  return *v.constant;
}

const Tensor* Builder::bias(const Node& node) const {
  return node.inputs.size() > 2 ? &constant(node, 2) : nullptr;
}

Placed Builder::read(const Node& node, std::size_t input) {
  const ValueId id = node.inputs.at(input);
  const Value& v = graph_.value(id);
  Placed& known = placed(id);
  if (v.constant && !known.memory) {
    known.shape = v.shape;
    known.element = element_of(v.type, v.name);
    if (v.type == DType::kFloat32) {
      const auto values = v.constant->as<float>();
      static_cast<void>(upload_floats({values.begin(), values.end()}, known.element));
    } else {
      static_cast<void>(upload_bytes(v.constant->data));
    }
    known.memory = result_.constants.back();
  }
  return known;
}

Placed Builder::converted(const Node& node, const Placed& value, Element to, bool channels_last) {
  const bool last = channels_last && value.shape.size() == 4;
  if (value.element == to && value.channels_last == last) return value;
  if (value.shape.size() > kMaxRank) {
    refuse(node, fmt::format("{} dimensions", value.shape.size()), "6 at most on the GPU");
  }
  Placed result = place(to, value.shape, last);
  const auto order = memory_order(value.shape.size(), last);
  Reorder work;
  work.from = value.element;
  work.to = to;
  work.shape = extents(picked(value.shape, order), 1);
  work.strides = extents(picked(strides_of(value.shape, value.channels_last), order), 0);
  work.count = value.count();
  work.x = value.memory.get();
  work.y = result.memory.get();
  push(node, work);
  return result;
}

Placed Builder::arranged(const Node& node, const Placed& value, bool channels_last) {
  return converted(node, value, value.element, channels_last);
}

// --- the walk ---

void Builder::push(const Node& node, const Work& work) {
  result_.steps.push_back({node.name, std::string(op_name(node.kind)), nullptr});
  try {
    result_.steps.back().launch = backend_.prepare(work);
  } catch (const DeviceError& error) {
    refuse(node, error.what(), "another shape, batch or precision");
  }
}

Builder::Result Builder::build() {
  if (graph_.inputs.size() != 1 || graph_.outputs.size() != 1) {
    throw InputError(
        graph_.name,
        fmt::format("{} inputs and {} outputs", graph_.inputs.size(), graph_.outputs.size()),
        "one of each for the GPU comparison");
  }
  if (graph_.structure_only) {
    throw InputError(graph_.name, "a model without weights", "weights for the GPU comparison");
  }
  const Value& in = graph_.value(graph_.inputs[0]);
  const Value& out = graph_.value(graph_.outputs[0]);
  const auto host_element = [&](const Value& v) {
    return v.type == DType::kFloat32 ? Element::kF32 : element_of(v.type, v.name);
  };
  const Node ends{.kind = OpKind::kMove,
                  .name = "(ends)",
                  .origin = "layout",
                  .inputs = {},
                  .outputs = {},
                  .attrs = {}};
  result_.input = place(host_element(in), in.shape);
  set(graph_.inputs[0],
      converted(ends, result_.input, element_of(in.type, in.name), channels_last_));
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    const std::size_t first = i;
    add(i);
    for (std::size_t j = first; j <= i; ++j) {
      for (const ValueId id : graph_.nodes[j].inputs) {
        const bool dead = last_use_[static_cast<std::size_t>(id)] <= i;
        if (dead && !graph_.value(id).constant) placed(id) = {};
      }
    }
  }
  result_.output = converted(ends, placed(graph_.outputs[0]), host_element(out), false);
  return std::move(result_);
}

// The relu that alone reads the result of nodes[index] and follows it, or null.
const Node* Builder::fusable_relu(std::size_t index) const {
  if (index + 1 >= graph_.nodes.size()) return nullptr;
  const Node& next = graph_.nodes[index + 1];
  const ValueId result = graph_.nodes[index].outputs[0];
  if (next.kind != OpKind::kMap || next.inputs[0] != result) return nullptr;
  const auto& map = std::get<compiler::MapAttrs>(next.attrs);
  if (map.fn != compiler::MapFn::kRelu || map.output) return nullptr;
  return last_use_[static_cast<std::size_t>(result)] == index + 1 ? &next : nullptr;
}

// Adds nodes[index], and moves index on over a relu that was fused into it.
void Builder::add(std::size_t& index) {
  const Node& node = graph_.nodes[index];
  const Node* relu = nullptr;
  const bool floats = graph_.value(node.inputs.at(0)).type == DType::kFloat32;
  switch (node.kind) {
    case OpKind::kMatmul:
    case OpKind::kConv:
      if (!floats) {
        return node.kind == OpKind::kMatmul ? add_integer_matmul(node) : add_integer_conv(node);
      }
      relu = fusable_relu(index);
      node.kind == OpKind::kMatmul ? add_float_matmul(node, relu != nullptr)
                                   : add_float_conv(node, relu != nullptr);
      break;
    case OpKind::kMap:
      return add_map(node);
    case OpKind::kZip:
      return add_zip(node);
    case OpKind::kTable:
      return add_table(node);
    case OpKind::kReduce:
      return add_reduce(node);
    case OpKind::kPool:
      return add_pool(node);
    case OpKind::kMove:
      return add_move(node);
    case OpKind::kQuantise:
    case OpKind::kDequantise:
      return add_quantiser(node);
    case OpKind::kSelect:
    case OpKind::kCast:
      refuse(node, "a choice or a change of types", "arithmetic");
    case OpKind::kHost:
      refuse(node, "a function that only a host has", "another operator");
  }
  if (relu == nullptr) return;
  set(relu->outputs[0], placed(node.outputs[0]));
  ++index;
}

}  // namespace systole::compare::gpu
