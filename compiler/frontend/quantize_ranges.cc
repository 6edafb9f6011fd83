// Calibration: the float model runs over the samples in the reference evaluator, some at a time,
// and each tensor's smallest and largest value are kept. The weights and biases come from the
// imported graph, where transposes, alpha and beta are already resolved.
#include "compiler/frontend/quantize_ranges.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compiler/frontend/onnx_import.h"
#include "compiler/frontend/onnx_node.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kChunk = 64;  // samples evaluated at a time

// The model for one number of samples.
struct Imported {
  Graph graph;
  std::map<std::string, ValueId> names;
};

Imported import_for(OnnxFile& file, const Tensor& samples, std::int64_t rows) {
  Imported result;
  LoadOptions options;
  options.batch = rows;
  const onnx::GraphProto& graph = file.model.graph();
  for (const onnx::ValueInfoProto& input : graph.input()) {
    const auto& dims = input.type().tensor_type().shape().dim();
    const bool open = std::any_of(dims.begin() + std::min(1, dims.size()), dims.end(),
                                  [](const auto& d) { return d.dim_value() <= 0; });
    if (open && graph.input_size() == 1) {
      options.shapes[input.name()] = samples.shape;
      options.shapes[input.name()][0] = rows;
    }
  }
  result.graph = import_onnx(file, options, &result.names);
  if (result.graph.inputs.size() != 1) {
    throw InputError(file.path, fmt::format("{} inputs", result.graph.inputs.size()), "one input");
  }
  const Value& input = result.graph.value(result.graph.inputs[0]);
  const std::int64_t each = extent(samples.shape, 1, samples.shape.size());
  if (input.type != DType::kFloat32 || element_count(input.shape) != rows * each) {
    throw InputError(file.path,
                     fmt::format("samples {} for the input {} {}", shape_text(samples.shape),
                                 input.name, shape_text(input.shape)),
                     "samples of the input's size, float32");
  }
  return result;
}

Tensor slice(const Tensor& samples, std::int64_t first, const Shape& shape) {
  Tensor part(DType::kFloat32, shape);
  const std::int64_t each = extent(samples.shape, 1, samples.shape.size());
  const float* from = samples.as<float>().data() + first * each;
  std::copy(from, from + part.count(), part.as<float>().begin());
  return part;
}

bool all_finite(const Tensor& t) {
  const auto values = t.as<float>();
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

void widen(CalibrationRange& range, const Tensor& t) {
  for (const float v : t.as<float>()) {
    range.min = std::min(range.min, v);
    range.max = std::max(range.max, v);
  }
}

class Analysis {
 public:
  Analysis(OnnxFile& file, const Imported& imported) : file_(file), imported_(imported) {
    for (int i = 0; i < file.model.graph().node_size(); ++i) {
      for (const std::string& name : file.model.graph().node(i).input()) users_[name].push_back(i);
    }
    for (const auto& output : file.model.graph().output()) users_[output.name()].push_back(-1);
    for (const Node& node : imported.graph.nodes) producers_[node.outputs[0]] = &node;
  }

  [[nodiscard]] std::vector<FloatLayer> layers() const {
    std::vector<FloatLayer> found;
    std::optional<InputError> first_obstacle;
    for (int i = 0; i < file_.model.graph().node_size(); ++i) {
      if (node(i).op_type() != "Gemm" && node(i).op_type() != "MatMul") continue;
      const std::string why = obstacle(i);
      if (why.empty()) {
        found.push_back(layer_at(i));
      } else if (!first_obstacle) {
        first_obstacle.emplace(where(i), "cannot be quantised: " + why,
                               "a product of a computed A and a constant matrix B");
      }
    }
    if (!found.empty()) return found;
    if (first_obstacle) throw InputError(*first_obstacle);
    throw InputError(file_.path, "has no Gemm or MatMul", "a layer that can be quantised");
  }

 private:
  [[nodiscard]] const onnx::NodeProto& node(int i) const { return file_.model.graph().node(i); }

  [[nodiscard]] std::string where(int i) const {
    return printable(
        fmt::format("{}: node '{}' ({})", file_.path, node_name(node(i)), node(i).op_type()));
  }

  [[nodiscard]] ValueId id(const std::string& name) const {
    const auto found = imported_.names.find(name);
    return found == imported_.names.end() ? kNoValue : found->second;
  }

  // The node that alone reads the tensor, if it has this operator; -1 otherwise.
  [[nodiscard]] int sole_user(const std::string& tensor, std::string_view op) const {
    const auto found = users_.find(tensor);
    if (found == users_.end() || found->second.size() != 1 || found->second[0] < 0) return -1;
    return node(found->second[0]).op_type() == op ? found->second[0] : -1;
  }

  [[nodiscard]] const Tensor* constant(ValueId value) const {
    if (value == kNoValue) return nullptr;
    const std::optional<Tensor>& t = imported_.graph.value(value).constant;
    return t ? &*t : nullptr;
  }

  // Why a Gemm or MatMul stays float; empty if it is quantised.
  [[nodiscard]] std::string obstacle(int index) const {
    const onnx::NodeProto& proto = node(index);
    const auto found = producers_.find(id(proto.output(0)));
    if (found == producers_.end()) return "no output of the model needs it";
    const Node& matmul = *found->second;
    if (matmul.kind == OpKind::kMove) return fmt::format("B '{}' is a vector", proto.input(1));
    if (matmul.kind != OpKind::kMatmul)
      return fmt::format("C '{}' is not a vector of one value per column", proto.input(2));
    if (constant(matmul.inputs[0]) != nullptr)
      return fmt::format("A '{}' is constant", proto.input(0));
    if (matmul.inputs[0] != id(proto.input(0)))
      return fmt::format("A '{}' is transposed (transA = 1)", proto.input(0));
    const Tensor* weights = constant(matmul.inputs[1]);
    if (weights == nullptr) return fmt::format("B '{}' is computed", proto.input(1));
    if (weights->data.empty()) return fmt::format("B '{}' is empty", proto.input(1));
    if (matmul.inputs.size() > 2 && constant(matmul.inputs[2]) == nullptr)
      return fmt::format("C '{}' is computed", proto.input(2));
    return {};
  }

  [[nodiscard]] FloatLayer layer_at(int index) const {
    const onnx::NodeProto& proto = node(index);
    const Node& matmul = *producers_.at(id(proto.output(0)));
    const auto& attrs = std::get<MatmulAttrs>(matmul.attrs);
    FloatLayer layer;
    layer.product = index;
    layer.input = proto.input(0);
    layer.output = proto.output(0);
    layer.matrix = imported_.graph.value(matmul.inputs[0]).shape.size() == 2;
    layer.weights = scaled(index, 1, *constant(matmul.inputs[1]), attrs.alpha);
    if (matmul.inputs.size() > 2)
      layer.bias = scaled(index, 2, *constant(matmul.inputs[2]), attrs.beta);
    take_add(layer);
    layer.relu = sole_user(layer.output, "Relu");
    if (layer.relu >= 0) layer.output = node(layer.relu).output(0);
    return layer;
  }

  void take_add(FloatLayer& layer) const {
    const int add = layer.matrix && !layer.bias ? sole_user(layer.output, "Add") : -1;
    if (add < 0) return;
    const bool first = node(add).input(0) == layer.output;
    const int other = first ? 1 : 0;
    const Tensor* vector = constant(id(node(add).input(other)));
    const std::int64_t n = layer.weights.shape[1];
    if (vector == nullptr || vector->count() != n || vector->shape.empty()) return;
    if (vector->shape.back() != n) return;
    layer.bias = scaled(add, other, *vector, 1.0F);
    layer.bias->shape = {n};
    layer.add = add;
    layer.output = node(add).output(0);
  }

  // Input `i` of the node, which is `t`, times the factor. Throws InputError if it is not finite.
  [[nodiscard]] Tensor scaled(int index, int i, const Tensor& t, float factor) const {
    Tensor result = t;
    for (float& v : result.as<float>()) v *= factor;
    if (!all_finite(result)) {
      throw InputError(
          where(index),
          fmt::format("constant '{}' holds inf or NaN", printable(node(index).input(i))),
          "numbers");
    }
    return result;
  }

  const OnnxFile& file_;
  const Imported& imported_;
  std::map<std::string, std::vector<int>> users_;
  std::map<ValueId, const Node*> producers_;
};

void observe(const OnnxFile& file, FloatModel& model, const Imported& imported,
             const Tensor& input) {
  std::vector<std::string> roots;
  std::vector<ValueId> wanted;
  for (const auto& [root, range] : model.ranges) {
    roots.push_back(root);
    wanted.push_back(imported.names.at(root));
  }
  const std::vector<Tensor> values = evaluate(imported.graph, {input}, wanted);
  for (std::size_t i = 0; i < roots.size(); ++i) {
    CalibrationRange& range = model.ranges[roots[i]];
    widen(range, values[i]);
    if (all_finite(values[i]) && std::isfinite(range.max - range.min)) continue;
    throw InputError(file.path, fmt::format("'{}' overflows on the calibration data", roots[i]),
                     "numbers");
  }
}

void check_samples(const OnnxFile& file, const Tensor& samples) {
  if (samples.type != DType::kFloat32 || samples.shape.empty() || samples.count() == 0) {
    throw InputError(file.path, "calibration data " + shape_text(samples.shape),
                     "float32 samples [n, ...]");
  }
  if (!all_finite(samples)) {
    throw InputError(file.path, "calibration data hold inf or NaN", "numbers");
  }
}

}  // namespace

FloatModel analyse_float_model(OnnxFile& file, const Tensor& samples) {
  check_samples(file, samples);
  const std::int64_t count = samples.shape[0];
  Imported imported = import_for(file, samples, std::min(kChunk, count));
  FloatModel model;
  model.layers = Analysis(file, imported).layers();
  std::map<ValueId, std::string> first_name;
  for (const auto& [name, id] : imported.names) {
    if (id == kNoValue) continue;
    model.roots[name] = first_name.emplace(id, name).first->second;
    model.ranks[name] = imported.graph.value(id).shape.size();
  }
  for (const FloatLayer& layer : model.layers) {
    model.ranges[model.roots.at(layer.input)] = {};
    model.ranges[model.roots.at(layer.output)] = {};
  }
  for (std::int64_t first = 0; first < count; first += kChunk) {
    const std::int64_t rows = std::min(kChunk, count - first);
    const Shape& shape = imported.graph.value(imported.graph.inputs[0]).shape;
    if (shape.empty() || shape[0] != rows) imported = import_for(file, samples, rows);
    const Value& input = imported.graph.value(imported.graph.inputs[0]);
    observe(file, model, imported, slice(samples, first, input.shape));
  }
  return model;
}

}  // namespace systole::compiler
