// Quantisation: a float ONNX model becomes a QDQ model (docs/quantisation.md gives the formulas).
//
// Each layer is rewritten where it stands:
//   X -> Q -> DQ -> Gemm(W: s8 -> DQ, bias: s32 -> DQ) -> [Relu] -> Q -> DQ -> Y
// which is the pattern that ONNX Runtime fuses into one integer product. Tensors keep their names:
// Y is the last DequantizeLinear's output. Everything else stays float.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "compiler/frontend/load.h"
#include "compiler/frontend/onnx_file.h"
#include "compiler/frontend/onnx_node.h"
#include "compiler/frontend/quantize_ranges.h"
#include "compiler/frontend/quantize_upgrade.h"

namespace systole::compiler {
namespace {

constexpr float kActivationSteps = 255.0F, kWeightSteps = 127.0F;
constexpr double kBiasSteps = 0x1p30;  // half of int32, the other half is for the sums

struct ActivationQuant {
  float scale = 1.0F;
  std::uint8_t zero_point = 0;
};

// A tensor that has its Q/DQ pair: the DQ's output, and the scale for the bias.
struct QuantisedTensor {
  std::string name;
  float scale = 1.0F;
};

ActivationQuant activation_quant(CalibrationRange range) {
  ActivationQuant quant;
  const float scale = (range.max - range.min) / kActivationSteps;
  if (!std::isnormal(scale)) return quant;  // always zero, or all but
  quant.scale = scale;
  const float zero = std::nearbyintf(-range.min / scale);
  quant.zero_point = static_cast<std::uint8_t>(std::clamp(zero, 0.0F, kActivationSteps));
  return quant;
}

// Symmetric, one scale per column of [K, N].
std::vector<float> weight_scales(const Tensor& weights) {
  const auto n = static_cast<std::size_t>(weights.shape[1]);
  std::vector<float> scales(n);
  const auto values = weights.as<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    scales[i % n] = std::max(scales[i % n], std::fabs(values[i]));
  }
  for (float& s : scales) {
    s /= kWeightSteps;
    if (!std::isnormal(s)) s = 1.0F;
  }
  return scales;
}

// Widens the scales where the bias, at scale x_scale * scale, would pass kBiasSteps or that scale
// would be no normal float. Such a bias is so large that the weights hardly count beside it.
void fit_bias(std::vector<float>& scales, const Tensor& bias, float x_scale,
              const std::string& where) {
  for (std::size_t c = 0; c < scales.size(); ++c) {
    const double magnitude = std::fabs(double{bias.as<float>()[c]});
    const double least = std::max(magnitude / kBiasSteps, 0x1p-125) / double{x_scale};
    if (least > double{std::numeric_limits<float>::max()}) {
      throw InputError(where,
                       fmt::format("bias {} has no int32 form beside inputs of scale {}",
                                   bias.as<float>()[c], x_scale),
                       "a bias nearer to the inputs");
    }
    scales[c] = std::max(scales[c], static_cast<float>(least));
  }
}

Tensor quantise_weights(const Tensor& weights, const std::vector<float>& scales) {
  Tensor result(DType::kInt8, weights.shape);
  const auto values = weights.as<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float q = std::nearbyintf(values[i] / scales[i % scales.size()]);
    result.as<std::int8_t>()[i] =
        static_cast<std::int8_t>(std::clamp(q, -kWeightSteps, kWeightSteps));
  }
  return result;
}

Tensor quantise_bias(const Tensor& bias, const std::vector<float>& scales) {
  Tensor result(DType::kInt32, bias.shape);
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const double q = std::nearbyint(double{bias.as<float>()[i]} / double{scales[i]});
    result.as<std::int32_t>()[i] = static_cast<std::int32_t>(q);  // fits: see fit_bias
  }
  return result;
}

class Rewriter {
 public:
  Rewriter(OnnxFile& file, const FloatModel& model)
      : file_(file), graph_(*file.model.mutable_graph()), model_(model) {
    for (const auto& input : graph_.input()) names_.insert(input.name());
    for (const auto& tensor : graph_.initializer()) names_.insert(tensor.name());
    for (const auto& node : graph_.node())
      names_.insert(node.output().begin(), node.output().end());
  }

  void run() {
    std::map<int, const FloatLayer*> at;
    std::set<int> absorbed;
    for (const FloatLayer& layer : model_.layers) {
      at[layer.product] = &layer;
      absorbed.insert({layer.add, layer.relu});
    }
    for (int i = 0; i < graph_.node_size(); ++i) {
      if (at.contains(i)) {
        rewrite(*at[i]);
      } else if (!absorbed.contains(i)) {
        nodes_.Add()->CopyFrom(graph_.node(i));
      }
    }
    graph_.mutable_node()->Swap(&nodes_);
    graph_.clear_value_info();
    tidy();
  }

 private:
  void rewrite(const FloatLayer& layer) {
    const onnx::NodeProto& product = graph_.node(layer.product);
    const std::string name = node_name(product);
    const QuantisedTensor& input = quantised_input(layer.input);
    std::vector<float> scales = weight_scales(layer.weights);
    if (layer.bias)
      fit_bias(scales, *layer.bias, input.scale,
               printable(fmt::format("{}: layer '{}'", file_.path, name)));
    const Tensor scale_tensor = make_tensor<float>({layer.weights.shape[1]}, scales);
    std::vector<std::string> inputs = {input.name};
    inputs.push_back(
        dequantised(name + "_weight", quantise_weights(layer.weights, scales), scale_tensor, 1));
    if (layer.bias) {
      Tensor bias_scales = scale_tensor;
      for (float& s : bias_scales.as<float>()) s *= input.scale;
      const std::vector<float> list(bias_scales.as<float>().begin(), bias_scales.as<float>().end());
      inputs.push_back(
          dequantised(name + "_bias", quantise_bias(*layer.bias, list), bias_scales, 0));
    }
    const std::string raw = fresh(layer.output + "_unquantized");
    const std::string product_output = layer.relu >= 0 ? graph_.node(layer.relu).input(0) : raw;
    add_node(layer.matrix ? "Gemm" : "MatMul", product.name(), inputs, product_output);
    if (layer.relu >= 0) {
      add_node("Relu", graph_.node(layer.relu).name(), {product_output}, raw);
    }
    quantise_tensor(layer.output, raw, layer.output);
  }

  // The layer's input behind its Q/DQ pair, which is added at the first use.
  const QuantisedTensor& quantised_input(const std::string& tensor) {
    const auto found = quantised_.find(model_.roots.at(tensor));
    if (found != quantised_.end()) return found->second;
    return quantise_tensor(tensor, tensor, fresh(tensor + "_dequantized"));
  }

  // Q and DQ from the ONNX tensor `from` to `to`, with the range of `tensor`.
  const QuantisedTensor& quantise_tensor(const std::string& tensor, const std::string& from,
                                         const std::string& to) {
    const std::string& root = model_.roots.at(tensor);
    const ActivationQuant quant = activation_quant(model_.ranges.at(root));
    const std::string scale = initialiser(
        tensor + "_scale", make_tensor<float>({}, std::span<const float>(&quant.scale, 1)));
    const std::string zero = initialiser(
        tensor + "_zero_point",
        make_tensor<std::uint8_t>({}, std::span<const std::uint8_t>(&quant.zero_point, 1)));
    const std::string integers = fresh(tensor + "_quantized");
    add_node("QuantizeLinear", integers, {from, scale, zero}, integers);
    add_node("DequantizeLinear", to + "_dequantize", {integers, scale, zero}, to);
    return quantised_[root] = {to, quant.scale};
  }

  // A constant behind a per-channel DequantizeLinear along `axis`, zero points 0.
  std::string dequantised(const std::string& base, const Tensor& integers, const Tensor& scales,
                          std::int64_t axis) {
    const std::string stored = initialiser(base + "_quantized", integers);
    const std::string scale = initialiser(base + "_scale", scales);
    const std::string zero = initialiser(base + "_zero_point", Tensor(integers.type, scales.shape));
    const std::string output = fresh(base + "_dequantized");
    onnx::NodeProto& node = add_node("DequantizeLinear", output, {stored, scale, zero}, output);
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name("axis");
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(axis);
    return output;
  }

  onnx::NodeProto& add_node(const std::string& op, const std::string& name,
                            const std::vector<std::string>& inputs, const std::string& output) {
    onnx::NodeProto& node = *nodes_.Add();
    node.set_op_type(op);
    node.set_name(name);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    return node;
  }

  std::string initialiser(const std::string& base, const Tensor& t) {
    onnx::TensorProto& proto = *graph_.add_initializer();
    proto.set_name(fresh(base));
    store(proto, t);
    return proto.name();
  }

  static void store(onnx::TensorProto& proto, const Tensor& t) {
    const std::string name = proto.name();
    proto.Clear();
    proto.set_name(name);
    proto.set_data_type(dtype_onnx_code(t.type));
    for (const std::int64_t dim : t.shape) proto.add_dims(dim);
    proto.set_raw_data(t.data.data(), t.data.size());
  }

  std::string fresh(const std::string& base) {
    std::string name = base;
    for (int n = 2; !names_.insert(name).second; ++n) name = fmt::format("{}_{}", base, n);
    return name;
  }

  // Drops constants that nothing reads and inputs that are initialisers, and moves external tensors
  // into the file.
  void tidy() {
    std::set<std::string> used;
    for (const auto& node : graph_.node()) used.insert(node.input().begin(), node.input().end());
    for (const auto& output : graph_.output()) used.insert(output.name());
    const auto unused = [&used](const std::string& name) { return !used.contains(name); };
    auto& nodes = *graph_.mutable_node();
    nodes.erase(std::remove_if(nodes.begin(), nodes.end(),
                               [&](const auto& n) {
                                 return n.op_type() == "Constant" && unused(n.output(0));
                               }),
                nodes.end());
    auto& tensors = *graph_.mutable_initializer();
    std::set<std::string> initialisers;
    for (const auto& t : tensors) initialisers.insert(t.name());
    auto& inputs = *graph_.mutable_input();
    inputs.erase(std::remove_if(inputs.begin(), inputs.end(),
                                [&](const auto& v) { return initialisers.contains(v.name()); }),
                 inputs.end());
    tensors.erase(std::remove_if(tensors.begin(), tensors.end(),
                                 [&](const auto& t) { return unused(t.name()); }),
                  tensors.end());
    for (onnx::TensorProto& tensor : tensors) {
      if (tensor.data_location() == onnx::TensorProto::EXTERNAL)
        store(tensor, read_tensor(file_, tensor));
    }
  }

  OnnxFile& file_;
  onnx::GraphProto& graph_;
  const FloatModel& model_;
  std::set<std::string> names_;
  google::protobuf::RepeatedPtrField<onnx::NodeProto> nodes_;
  std::map<std::string, QuantisedTensor> quantised_;  // by root
};

}  // namespace

std::vector<std::uint8_t> quantize_model(const std::string& model, const Tensor& samples) {
  OnnxFile file = read_onnx(model);
  check_float_model(file);
  const FloatModel analysed = analyse_float_model(file, samples);
  upgrade_opset(file, analysed);
  Rewriter(file, analysed).run();
  std::string bytes;
  if (file.model.ByteSizeLong() >= std::size_t{1} << 31 || !file.model.SerializeToString(&bytes)) {
    throw InputError(model, "its quantised form passes 2 GiB", "a smaller model");
  }
  return {bytes.begin(), bytes.end()};
}

}  // namespace systole::compiler
