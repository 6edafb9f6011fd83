// Quantisation: a float ONNX model becomes a QDQ model (docs/quantisation.md gives the formulas).
//
// The model is imported, so that BatchNormalization, constants and factors are resolved; samples
// give ranges; pairs of quantisers are put in (passes/quantise_graph.h); and the graph is written
// as ONNX again, with the inputs and outputs of the original.
#include "compiler/frontend/quantize.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "compiler/frontend/onnx_file.h"
#include "compiler/frontend/onnx_import.h"
#include "compiler/frontend/onnx_node.h"
#include "compiler/frontend/onnx_writer.h"
#include "compiler/frontend/open_model.h"
#include "compiler/frontend/quantize_ranges.h"
#include "compiler/ir/shapes.h"
#include "compiler/passes/fuse_quantised.h"
#include "compiler/passes/quantise_graph.h"
#include "compiler/passes/quantise_weights.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kQdqOpset = 13, kQdqIr = 7;

constexpr std::array<std::string_view, 7> kQuantisedOperators = {
    "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "QLinearMatMul",
    "ConvInteger",    "QLinearConv"};

// Throws InputError if the model is quantised already.
void check_float_model(const OnnxFile& file) {
  for (const onnx::NodeProto& node : file.model.graph().node()) {
    const bool quantised = std::find(kQuantisedOperators.begin(), kQuantisedOperators.end(),
                                     node.op_type()) != kQuantisedOperators.end();
    if (quantised) {
      throw InputError(
          file.path,
          fmt::format("is quantised already (node '{}', {})", node_name(node), node.op_type()),
          "a float model");
    }
  }
}

void check_samples(const OnnxFile& file, const Tensor& samples) {
  if (samples.type != DType::kFloat32 || samples.shape.empty() || samples.count() == 0) {
    throw InputError(file.path, "calibration data " + shape_text(samples.shape),
                     "float32 samples [n, ...]");
  }
  const auto values = samples.as<float>();
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
    throw InputError(file.path, "calibration data hold inf or NaN", "numbers");
  }
}

// Dimensions behind the first that the model leaves open are the samples'.
LoadOptions options_for(const OnnxFile& file, const Tensor& samples, std::int64_t rows) {
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
  return options;
}

Graph import_for(OnnxFile& file, const Tensor& samples, std::int64_t rows) {
  Graph graph = absorb_biases(import_onnx(file, options_for(file, samples, rows)));
  if (graph.inputs.size() != 1) {
    throw InputError(file.path, fmt::format("{} inputs", graph.inputs.size()), "one input");
  }
  const Value& input = graph.value(graph.inputs[0]);
  const std::int64_t each = extent(samples.shape, 1, samples.shape.size());
  if (input.type != DType::kFloat32 || element_count(input.shape) != rows * each) {
    throw InputError(file.path,
                     fmt::format("samples {} for the input {} {}", shape_text(samples.shape),
                                 input.name, shape_text(input.shape)),
                     "samples of the input's size, float32");
  }
  return graph;
}

QuantisePlan plan_for(const OnnxFile& file, const Graph& graph) {
  QuantisePlan plan = plan_quantisation(graph);
  if (!plan.products.empty()) return plan;
  if (plan.obstacle.empty()) {
    throw InputError(file.path, "has no Gemm, MatMul or Conv", "a layer that can be quantised");
  }
  throw InputError(fmt::format("{}: node '{}'", file.path, plan.obstacle_node),
                   "cannot be quantised: " + plan.obstacle,
                   "a product of a computed A and constant weights B");
}

// Rows of samples that the model takes at once, if its first dimension is fixed; else 0.
std::int64_t fixed_batch(const OnnxFile& file) {
  const onnx::GraphProto& graph = file.model.graph();
  for (const onnx::ValueInfoProto& input : graph.input()) {
    const auto& stored = graph.initializer();
    const bool constant = std::any_of(stored.begin(), stored.end(),
                                      [&](const auto& t) { return t.name() == input.name(); });
    const auto& shape = input.type().tensor_type().shape();
    if (!constant && shape.dim_size() > 0)
      return std::max<std::int64_t>(0, shape.dim(0).dim_value());
  }
  return 0;
}

// The original's inputs and outputs, with their open dimensions' names. Floats of other widths have
// become float32.
void keep_interface(const onnx::GraphProto& original, onnx::GraphProto& made) {
  const auto copy = [](const auto& from, auto& to) {
    for (onnx::ValueInfoProto& info : to) {
      const auto found = std::find_if(from.begin(), from.end(),
                                      [&](const auto& v) { return v.name() == info.name(); });
      if (found == from.end()) continue;
      const int type = info.type().tensor_type().elem_type();
      info = *found;
      info.mutable_type()->mutable_tensor_type()->set_elem_type(type);
    }
  };
  copy(original.input(), *made.mutable_input());
  copy(original.output(), *made.mutable_output());
}

}  // namespace

std::vector<std::uint8_t> quantize_model(const std::string& model, const Tensor& samples,
                                         const QuantizeOptions& options) {
  return quantize_onnx(open_onnx(model), samples, options);
}

std::vector<std::uint8_t> quantize_onnx(OnnxFile file, const Tensor& samples,
                                        const QuantizeOptions& options) {
  check_float_model(file);
  check_samples(file, samples);
  const auto graph_for = [&](std::int64_t rows) { return import_for(file, samples, rows); };
  const std::int64_t batch = fixed_batch(file);
  const std::int64_t rows = std::max<std::int64_t>(1, batch);
  Graph graph = graph_for(rows);
  const QuantisePlan plan = plan_for(file, graph);
  check_constants(graph, plan, file.path);
  Quantisations quantisations;
  quantisations.where = file.path;
  const Calibration calibration(graph_for, rows, samples, file.path);
  for (const auto& [id, range] : calibration.ranges(plan.tensors, options.percentile))
    quantisations.tensors[id] = quant_of_range(range.min, range.max);
  Graph quantised = insert_quantisers(std::move(graph), plan, quantisations);
  if (options.format == QuantFormat::kQlinear)
    quantised = fuse_products(std::move(quantised), has_qlinear_form);
  OnnxStyle style{std::max(file.opset, kQdqOpset), file.model.ir_version(), batch <= 0};
  if (style.ir < (file.opset < kQdqOpset ? kQdqIr : kFreeInitialiserIr)) style.ir = kQdqIr;
  onnx::ModelProto written = write_onnx(quantised, style);
  keep_interface(file.model.graph(), *written.mutable_graph());
  return onnx_bytes(written, file.path);
}

}  // namespace systole::compiler
