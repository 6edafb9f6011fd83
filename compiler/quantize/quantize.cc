// Quantisation: a float ONNX model becomes a QDQ model (docs/quantisation.md gives the formulas).
//
// The model is imported, so that BatchNormalization, constants and factors are resolved; samples
// give ranges; pairs of quantisers are put in (passes/quantise_graph.h); and the graph is written
// as ONNX again, with the inputs and outputs of the original.
#include "compiler/quantize/quantize.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "compiler/frontend/onnx_file.h"
#include "compiler/frontend/onnx_import.h"
#include "compiler/frontend/onnx_node.h"
#include "compiler/frontend/onnx_writer.h"
#include "compiler/ir/shapes.h"
#include "compiler/load.h"
#include "compiler/passes/fold_constants.h"
#include "compiler/passes/fuse_products.h"
#include "compiler/passes/quantise_graph.h"
#include "compiler/passes/quantise_weights.h"
#include "compiler/quantize/quantize_errors.h"
#include "compiler/quantize/quantize_ranges.h"
#include "isa/suggest.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kQdqOpset = 13, kQdqIr = 7;

constexpr std::array<std::string_view, 7> kQuantisedOperators = {
    "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "QLinearMatMul",
    "ConvInteger",    "QLinearConv"};

bool is_initialiser(const onnx::GraphProto& graph, const std::string& name) {
  return std::any_of(graph.initializer().begin(), graph.initializer().end(),
                     [&](const auto& t) { return t.name() == name; });
}

bool is_constant(const onnx::GraphProto& graph, const std::string& name) {
  return is_initialiser(graph, name) ||
         std::any_of(graph.node().begin(), graph.node().end(), [&](const onnx::NodeProto& node) {
           return node.op_type() == "Constant" && node.output(0) == name;
         });
}

// Throws InputError if the model is quantised already. Weights alone that are kept in integers are
// floats once read: what computes with them is still a float model.
void check_float_model(const OnnxFile& file) {
  const onnx::GraphProto& graph = file.model.graph();
  for (const onnx::NodeProto& node : graph.node()) {
    const bool quantised = std::find(kQuantisedOperators.begin(), kQuantisedOperators.end(),
                                     node.op_type()) != kQuantisedOperators.end();
    const bool weights = node.op_type() == "DequantizeLinear" && node.input_size() > 0 &&
                         is_constant(graph, node.input(0));
    if (quantised && !weights) {
      throw InputError(
          file.path,
          fmt::format("is quantised already (node '{}', {})", node_name(node), node.op_type()),
          "a float model");
    }
  }
}

void check_samples(const OnnxFile& file, const CalibrationData& data) {
  for (const auto& [name, samples] : data) {
    if (samples.shape.empty() || samples.type != DType::kFloat32) continue;
    const auto values = samples.as<float>();
    if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
      throw InputError(file.path, "calibration data hold inf or NaN", "numbers");
    }
  }
}

// Dimensions behind the first that the model and the options leave open are the samples'.
LoadOptions options_for(const OnnxFile& file, const CalibrationData& data, LoadOptions options) {
  options.batch.reset();
  for (const onnx::ValueInfoProto& input : file.model.graph().input()) {
    const auto& dims = input.type().tensor_type().shape().dim();
    const auto samples = data.find(input.name());
    if (samples == data.end() || options.shapes.contains(input.name())) continue;
    const Shape& found = samples->second.shape;
    bool open = false;
    Shape shape(1, std::max<std::int64_t>(1, dims.empty() ? 1 : dims[0].dim_value()));
    for (int i = 1; i < dims.size() && dims.size() == std::ssize(found); ++i) {
      const bool fixed = dims[i].dim_value() > 0 || options.dims.contains(dims[i].dim_param());
      open = open || !fixed;
      shape.push_back(dims[i].dim_value() > 0 ? dims[i].dim_value()
                                              : found[static_cast<std::size_t>(i)]);
    }
    if (open) options.shapes[input.name()] = shape;
  }
  return options;
}

Graph import_for(OnnxFile& file, LoadOptions options, std::optional<std::int64_t> rows) {
  options.batch = rows;
  for (auto& [name, shape] : options.shapes) {
    if (rows && !shape.empty()) shape[0] = *rows;
  }
  return absorb_biases(fold_constants(import_onnx(file, options)));
}

// Throws InputError for a name that no layer has.
void check_excluded(const OnnxFile& file, const Graph& graph,
                    const std::set<std::string>& excluded) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.name);
  for (const std::string& name : excluded) {
    if (std::ranges::find(names, name) != names.end()) continue;
    throw InputError(file.path,
                     fmt::format("no layer '{}'{}", name, isa::did_you_mean(name, names)),
                     "names of layers, which --report lists");
  }
}

QuantisePlan plan_for(const OnnxFile& file, const Graph& graph,
                      const std::set<std::string>& excluded) {
  check_excluded(file, graph, excluded);
  QuantisePlan plan = plan_quantisation(graph, excluded);
  if (!plan.products.empty()) return plan;
  if (!excluded.empty() && !plan_quantisation(graph).products.empty())
    throw InputError(file.path, "every product is excluded", "one that is quantised, at least");
  if (plan.obstacle.empty()) {
    throw InputError(file.path, "has no Gemm, MatMul or Conv", "a layer that can be quantised");
  }
  throw InputError(fmt::format("{}: node '{}'", file.path, plan.obstacle_node),
                   "cannot be quantised: " + plan.obstacle,
                   "a product of a computed A and constant weights B");
}

// Whether the model leaves the batch open: the leading dimension of its first input that has one.
bool has_open_batch(const OnnxFile& file) {
  for (const onnx::ValueInfoProto& input : file.model.graph().input()) {
    const auto& shape = input.type().tensor_type().shape();
    if (!is_initialiser(file.model.graph(), input.name()) && shape.dim_size() > 0)
      return shape.dim(0).dim_value() <= 0;
  }
  return false;
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
  const onnx::GraphProto& graph = file.model.graph();
  CalibrationData data;
  for (const onnx::ValueInfoProto& input : graph.input()) {
    if (!is_initialiser(graph, input.name())) data.emplace(input.name(), samples);
  }
  if (data.size() != 1)
    throw InputError(file.path, fmt::format("{} inputs", data.size()), "one input");
  return quantize_onnx(std::move(file), data, {}, options);
}

namespace {

// A float model with all that its quantised form needs.
struct Prepared {
  Graph graph;
  QuantisePlan plan;
  Quantisations quantisations;
  std::vector<Tensor> sample;  // inputs of the first samples
};

Prepared prepare(OnnxFile& file, const CalibrationData& data, const LoadOptions& load,
                 const QuantizeOptions& options) {
  check_float_model(file);
  check_samples(file, data);
  const LoadOptions shapes = options_for(file, data, load);
  const auto graph_for = [&](std::int64_t rows) { return import_for(file, shapes, rows); };
  Prepared made{import_for(file, shapes, {}), {}, {}, {}};
  made.plan = plan_for(file, made.graph, options.excluded);
  check_constants(made.graph, made.plan, file.path);
  made.quantisations.where = file.path;
  made.quantisations.weight_bits = options.weight_bits;
  const Calibration calibration(graph_for, made.graph, data, file.path);
  for (const auto& [id, range] : calibration.ranges(made.plan.tensors, options.percentile))
    made.quantisations.tensors[id] = quant_of_range(range.min, range.max);
  made.sample = calibration.first_inputs();
  return made;
}

}  // namespace

QuantisationErrors quantisation_errors(OnnxFile file, const CalibrationData& data,
                                       const LoadOptions& load, const QuantizeOptions& options) {
  const Prepared made = prepare(file, data, load, options);
  return layer_errors(made.graph, made.plan, made.quantisations, made.sample);
}

std::vector<std::uint8_t> quantize_onnx(OnnxFile file, const CalibrationData& data,
                                        const LoadOptions& load, const QuantizeOptions& options) {
  Prepared made = prepare(file, data, load, options);
  Graph quantised = insert_quantisers(std::move(made.graph), made.plan, made.quantisations);
  if (options.format == QuantFormat::kQlinear)
    quantised = fuse_products(std::move(quantised), has_qlinear_form);
  OnnxStyle style{std::max(file.opset, kQdqOpset), file.model.ir_version(), has_open_batch(file)};
  if (style.ir < (file.opset < kQdqOpset ? kQdqIr : kFreeInitialiserIr)) style.ir = kQdqIr;
  onnx::ModelProto written = write_onnx(quantised, style);
  keep_interface(file.model.graph(), *written.mutable_graph());
  return onnx_bytes(written, file.path);
}

}  // namespace systole::compiler
