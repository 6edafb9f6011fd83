// Builds oneDNN primitives node by node, following the one value that flows through the graph.
#include "compare/cpu_onednn.h"

#include <fmt/format.h>
#include <omp.h>

#include <chrono>
#include <dnnl.hpp>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "compare/onednn_terms.h"

namespace systole::compare {
namespace {

using compiler::Graph;
using compiler::Node;
using compiler::OpKind;
using compiler::Quant;
using compiler::Value;
using compiler::ValueId;
using dnnl::memory;

// Sets the OpenMP team size (which oneDNN obeys) for a scope.
class ThreadScope {
 public:
  explicit ThreadScope(int threads) : before_(omp_get_max_threads()) {
    omp_set_num_threads(threads);
  }
  ~ThreadScope() { omp_set_num_threads(before_); }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

struct Step {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
  bool device = false;
};

}  // namespace

struct CpuChain::Impl {
  Impl(const Graph& g, int t) : graph(g), threads(t) {}

  void build();
  void add(std::size_t& index);
  void add_matmul(const Node& node, const Node* map);
  void add_float_matmul(const Node& node, const Node* map);
  void add_integer_matmul(const Node& node);
  void add_reorder(const Node& node, const dnnl::primitive_attr& attributes);
  void add_quantise(const Node& node);
  void add_dequantise(const Node& node);
  void add_softmax(const Node& node);
  void add_map(const Node& node);

  // What a multiplication is made of: its weights [K, N] as they are, packed when it is added.
  struct Product {
    const Node* node = nullptr;
    Matrix source, result, weights;
    const void* weight_data = nullptr;
    std::vector<std::uint8_t> bias;  // N elements of 4 bytes, or empty
    memory::data_type bias_type = memory::data_type::f32;
    dnnl::primitive_attr attributes;
  };
  void add_product(const Product& product);
  memory packed(const Product& product, const memory::desc& wanted);

  Matrix matrix(const Node& node, ValueId id, std::int64_t columns) const;
  const Tensor& constant(const Node& node, std::size_t input) const;
  memory source(const Matrix& shape);
  [[nodiscard]] std::size_t bytes(ValueId id) const {
    const Value& v = graph.value(id);
    return static_cast<std::size_t>(element_count(v.shape) * dtype_bytes(v.type));
  }
  memory destination(const Matrix& shape);
  void push(dnnl::primitive primitive, std::unordered_map<int, memory> arguments, bool device);

  Graph graph;
  int threads;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::vector<Step> steps;
  std::vector<memory> input_views;  // all read the caller's input bytes
  memory current;                   // result of the last step; empty before the first
  ValueId value = compiler::kNoValue;
  ValueId last_matmul = compiler::kNoValue;
  memory last_matmul_memory;
  std::set<std::string> precisions;
  std::string kernels;
};

// --- the chain ---

void CpuChain::Impl::build() {
  if (graph.inputs.size() != 1 || graph.outputs.size() != 1) {
    throw InputError(
        graph.name,
        fmt::format("{} inputs and {} outputs", graph.inputs.size(), graph.outputs.size()),
        "one of each for the CPU comparison");
  }
  if (graph.structure_only) {
    throw InputError(graph.name, "a model without weights", "weights for the CPU comparison");
  }
  value = graph.inputs[0];
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) add(i);
  if (value != graph.outputs[0] || last_matmul == compiler::kNoValue) {
    throw InputError(graph.name, "no chain of layers from input to output",
                     "matrix multiplications one after the other for the CPU comparison");
  }
}

// Adds nodes[index], and moves index on over a node that was fused into it.
void CpuChain::Impl::add(std::size_t& index) {
  const Node& node = graph.nodes[index];
  if (node.inputs.empty() || node.inputs[0] != value || node.outputs.size() != 1) {
    refuse(node, "an input that is not the previous node's result", "a chain of layers");
  }
  value = node.outputs[0];
  try {
    switch (node.kind) {
      case OpKind::kMatmul: {
        const Node* next = index + 1 < graph.nodes.size() ? &graph.nodes[index + 1] : nullptr;
        const bool fuse = next != nullptr && next->kind == OpKind::kMap && next->inputs[0] == value;
        add_matmul(node, fuse ? next : nullptr);
        if (fuse) ++index;
        break;
      }
      case OpKind::kMap:
        return add_map(node);
      case OpKind::kQuantise:
        return add_quantise(node);
      case OpKind::kDequantise:
        return add_dequantise(node);
      case OpKind::kReduce:
        return add_softmax(node);
      case OpKind::kMove:
        if (std::get<compiler::MoveAttrs>(node.attrs).fn == compiler::MoveFn::kReshape) return;
        refuse(node, "a transpose of activations", "matmul, reshape, relu, quantise, softmax");
      default:
        refuse(node, fmt::format("{} is not part of the CPU comparison", op_name(node.kind)),
               "matmul, reshape, relu, quantise, dequantise, softmax");
    }
  } catch (const dnnl::error& error) {
    refuse(node, fmt::format("oneDNN cannot build it ({})", error.what()), "another shape or type");
  }
}

Matrix CpuChain::Impl::matrix(const Node& node, ValueId id, std::int64_t columns) const {
  const Value& v = graph.value(id);
  const std::int64_t count = element_count(v.shape, v.name);
  if (count == 0 || columns <= 0 || count % columns != 0) {
    refuse(node, fmt::format("shape {}", shape_text(v.shape)), "a shape without empty dimensions");
  }
  return {count / columns, columns, dnnl_type(v.type, node.name)};
}

const Tensor& CpuChain::Impl::constant(const Node& node, std::size_t input) const {
  const Value& v = graph.value(node.inputs[input]);
  if (!v.constant) refuse(node, fmt::format("'{}' is computed", v.name), "constant weights");
  return *v.constant;
}

// The current value seen as `shape`: the same bytes, whoever wrote them.
memory CpuChain::Impl::source(const Matrix& shape) {
  if (current) return memory(shape.desc(), engine, current.get_data_handle());
  input_views.emplace_back(shape.desc(), engine, nullptr);
  return input_views.back();
}

memory CpuChain::Impl::destination(const Matrix& shape) { return memory(shape.desc(), engine); }

void CpuChain::Impl::push(dnnl::primitive primitive, std::unordered_map<int, memory> arguments,
                          bool device) {
  current = arguments.at(DNNL_ARG_DST);
  steps.push_back({std::move(primitive), std::move(arguments), device});
}

// --- multiplications ---

void CpuChain::Impl::add_matmul(const Node& node, const Node* map) {
  const auto& attrs = std::get<compiler::MatmulAttrs>(node.attrs);
  if (attrs.output) {
    add_integer_matmul(node);
    precisions.insert("int8");
    if (map != nullptr) refuse(*map, "an activation after requantisation", "one folded into it");
  } else {
    if (attrs.x_quant) refuse(node, "an int32 result", "a requantised or float32 result");
    add_float_matmul(node, map);
    precisions.insert("fp32");
  }
  last_matmul = value;
  last_matmul_memory = current;
}

namespace {

template <typename T>
std::vector<std::uint8_t> bytes_of(const std::vector<T>& values) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(values.data());
  return {first, first + values.size() * sizeof(T)};
}

}  // namespace

// alpha x w + beta b: the factors go into the constants, so the multiplication itself is plain.
void CpuChain::Impl::add_float_matmul(const Node& node, const Node* map) {
  const auto& attrs = std::get<compiler::MatmulAttrs>(node.attrs);
  const Tensor& w = constant(node, 1);
  if (w.type != DType::kFloat32 || w.shape.size() != 2) {
    refuse(node, fmt::format("weights of {}", shape_text(w.shape)), "a float32 matrix");
  }
  const auto weights = w.as<float>();
  std::vector<float> scaled(weights.begin(), weights.end());
  for (float& x : scaled) x *= attrs.alpha;
  std::vector<float> bias;
  if (node.inputs.size() > 2) {
    const auto given = constant(node, 2).as<float>();
    bias.assign(given.begin(), given.end());
    for (float& x : bias) x *= attrs.beta;
  }

  Product product;
  product.node = &node;
  product.source = matrix(node, node.inputs[0], w.shape[0]);
  product.weights = {w.shape[0], w.shape[1], memory::data_type::f32};
  product.result = {product.source.rows, w.shape[1], memory::data_type::f32};
  product.weight_data = scaled.data();
  product.bias = bytes_of(bias);
  if (map != nullptr) {
    dnnl::post_ops ops;
    append(ops, eltwise(*map));
    product.attributes.set_post_ops(ops);
    value = map->outputs[0];
  }
  add_product(product);
}

void CpuChain::Impl::add_integer_matmul(const Node& node) {
  const auto& attrs = std::get<compiler::MatmulAttrs>(node.attrs);
  if (!attrs.x_quant || !attrs.w_quant) refuse(node, "no scales", "scales of x and w");
  const Quant& x = per_tensor(*attrs.x_quant, node);
  per_tensor(*attrs.output, node);
  const Tensor& w = constant(node, 1);
  if (w.type != DType::kInt8 || w.shape.size() != 2) {
    refuse(node, fmt::format("weights of {} {}", dtype_name(w.type), shape_text(w.shape)),
           "an int8 matrix for the CPU comparison");
  }
  for (const std::int32_t zero : attrs.w_quant->zero_points) {
    if (zero != 0) refuse(node, fmt::format("a weight zero point of {}", zero), "0");
  }

  Product product;
  product.node = &node;
  product.source = matrix(node, node.inputs[0], w.shape[0]);
  product.weights = {w.shape[0], w.shape[1], memory::data_type::s8};
  product.result = {product.source.rows, w.shape[1], dnnl_type(attrs.output->type, node.name)};
  product.weight_data = w.data.data();
  const std::int32_t zero = x.zero_points[0];
  const Tensor* bias = node.inputs.size() > 2 ? &constant(node, 2) : nullptr;
  if (bias != nullptr || zero != 0) product.bias = bytes_of(folded_bias(w, bias, zero));
  product.bias_type = memory::data_type::s32;
  product.attributes = requantisation(attrs);
  add_product(product);
}

void CpuChain::Impl::add_product(const Product& product) {
  const memory::desc any({product.weights.rows, product.weights.columns}, product.weights.type,
                         memory::format_tag::any);
  const memory::desc bias({1, product.weights.columns}, product.bias_type, memory::format_tag::ab);
  const auto source_desc = product.source.desc();
  const auto result_desc = product.result.desc();
  const auto desc = product.bias.empty() ? dnnl::matmul::desc(source_desc, any, result_desc)
                                         : dnnl::matmul::desc(source_desc, any, bias, result_desc);
  const dnnl::matmul::primitive_desc chosen(desc, product.attributes, engine);
  kernels += (kernels.empty() ? "" : " ") + std::string(chosen.impl_info_str());

  std::unordered_map<int, memory> arguments{
      {DNNL_ARG_SRC, source(product.source)},
      {DNNL_ARG_WEIGHTS, packed(product, chosen.weights_desc())},
      {DNNL_ARG_DST, destination(product.result)}};
  if (!product.bias.empty()) {
    memory values(bias, engine);
    std::copy(product.bias.begin(), product.bias.end(),
              static_cast<std::uint8_t*>(values.get_data_handle()));
    arguments.emplace(DNNL_ARG_BIAS, values);
  }
  push(dnnl::matmul(chosen), std::move(arguments), true);
}

// The weights in the layout the primitive asked for; done once, outside every timed region.
memory CpuChain::Impl::packed(const Product& product, const memory::desc& wanted) {
  memory plain(product.weights.desc(), engine);
  const auto bytes = product.weights.desc().get_size();
  const auto* from = static_cast<const std::uint8_t*>(product.weight_data);
  std::copy(from, from + bytes, static_cast<std::uint8_t*>(plain.get_data_handle()));
  memory result(wanted, engine);
  dnnl::reorder(plain, result).execute(stream, plain, result);
  stream.wait();
  return result;
}

// --- everything else ---

void CpuChain::Impl::add_reorder(const Node& node, const dnnl::primitive_attr& attributes) {
  const auto columns =
      graph.value(node.inputs[0]).shape.empty() ? 1 : graph.value(node.inputs[0]).shape.back();
  const memory from = source(matrix(node, node.inputs[0], columns));
  const memory to = destination(matrix(node, node.outputs[0], columns));
  push(dnnl::reorder(dnnl::reorder::primitive_desc(from, to, attributes)),
       {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}, false);
}

// oneDNN multiplies by the scale's reciprocal where ONNX divides, so ties may differ by one step.
void CpuChain::Impl::add_quantise(const Node& node) {
  const Quant& quant = per_tensor(std::get<compiler::QuantAttrs>(node.attrs).quant, node);
  dnnl::primitive_attr attributes;
  attributes.set_output_scales(0, {1.0F / quant.scales[0]});
  if (quant.zero_points[0] != 0) {
    attributes.set_zero_points(DNNL_ARG_DST, 0, {quant.zero_points[0]});
  }
  add_reorder(node, attributes);
}

void CpuChain::Impl::add_dequantise(const Node& node) {
  const Quant& quant = per_tensor(std::get<compiler::QuantAttrs>(node.attrs).quant, node);
  dnnl::primitive_attr attributes;
  attributes.set_output_scales(0, {quant.scales[0]});
  if (quant.zero_points[0] != 0) {
    attributes.set_zero_points(DNNL_ARG_SRC, 0, {quant.zero_points[0]});
  }
  add_reorder(node, attributes);
}

void CpuChain::Impl::add_softmax(const Node& node) {
  const auto& reduce = std::get<compiler::ReduceAttrs>(node.attrs);
  const Shape& shape = graph.value(node.inputs[0]).shape;
  const auto rank = static_cast<std::int64_t>(shape.size());
  if (reduce.fn != compiler::ReduceFn::kSoftmax || reduce.end_axis != rank) {
    refuse(node, "a reduction other than softmax over the last dimensions", "softmax");
  }
  const Shape together(shape.begin() + reduce.first_axis, shape.end());
  const Matrix matrix_shape = matrix(node, node.inputs[0], element_count(together, node.name));
  const dnnl::softmax_forward::desc desc(dnnl::prop_kind::forward_inference, matrix_shape.desc(),
                                         1);
  const dnnl::softmax_forward::primitive_desc chosen(desc, engine);
  push(dnnl::softmax_forward(chosen),
       {{DNNL_ARG_SRC, source(matrix_shape)}, {DNNL_ARG_DST, destination(matrix_shape)}}, false);
}

// An activation that follows no multiplication is a layer of its own.
void CpuChain::Impl::add_map(const Node& node) {
  const Matrix shape = matrix(node, node.inputs[0], graph.value(node.inputs[0]).shape.back());
  const Eltwise fn = eltwise(node);
  const dnnl::eltwise_forward::desc desc(dnnl::prop_kind::forward_inference, fn.algorithm,
                                         shape.desc(), fn.alpha, fn.beta);
  push(dnnl::eltwise_forward(dnnl::eltwise_forward::primitive_desc(desc, engine)),
       {{DNNL_ARG_SRC, source(shape)}, {DNNL_ARG_DST, destination(shape)}}, true);
}

// --- the public face ---

CpuChain::CpuChain(const Graph& graph, int threads)
    : impl_(std::make_unique<Impl>(graph, threads)) {
  const ThreadScope scope(threads);
  impl_->build();
}

CpuChain::~CpuChain() = default;

CpuTiming CpuChain::run(std::span<const std::uint8_t> input, std::span<std::uint8_t> output) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  const ThreadScope scope(impl_->threads);
  CpuTiming timing;
  SYSTOLE_CHECK(input.size() == impl_->bytes(impl_->graph.inputs[0]), "{} input bytes",
                input.size());
  SYSTOLE_CHECK(output.size() == impl_->bytes(impl_->graph.outputs[0]), "{} output bytes",
                output.size());
  const auto start = Clock::now();
  // oneDNN only reads from its source memory.
  for (memory& view : impl_->input_views) {
    view.set_data_handle(const_cast<std::uint8_t*>(input.data()));
  }
  impl_->current.set_data_handle(output.data());
  auto before = start;
  auto after = start;
  for (const Step& step : impl_->steps) {
    step.primitive.execute(impl_->stream, step.arguments);
    impl_->stream.wait();
    after = Clock::now();
    if (step.device) timing.device += seconds(after - before);
    before = after;
  }
  timing.total = seconds(after - start);
  return timing;
}

CpuChain::Results CpuChain::compute(std::span<const std::uint8_t> input) {
  const auto empty = [this](ValueId id) {
    const Value& v = impl_->graph.value(id);
    return Tensor(v.type, v.shape);
  };
  Results results{empty(impl_->graph.outputs[0]), empty(impl_->last_matmul)};
  run(input, results.output.data);
  const auto* bytes = static_cast<const std::uint8_t*>(impl_->last_matmul_memory.get_data_handle());
  std::copy_n(bytes, results.last_matmul.data.size(), results.last_matmul.data.begin());
  return results;
}

ValueId CpuChain::last_matmul() const { return impl_->last_matmul; }

std::string CpuChain::precision() const {
  return impl_->precisions.size() == 1 ? *impl_->precisions.begin() : "mixed";
}

std::string CpuChain::kernels() const { return impl_->kernels; }

std::string onednn_version() {
  const dnnl::version_t* v = dnnl::version();
  return fmt::format("oneDNN {}.{}.{}", v->major, v->minor, v->patch);
}

}  // namespace systole::compare
