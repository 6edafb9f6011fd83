// Load: which frontend a MODEL argument is for.
#include "compiler/load.h"

#include <algorithm>
#include <filesystem>

#include "compiler/frontend/inline.h"
#include "compiler/frontend/onnx_file.h"
#include "compiler/frontend/onnx_import.h"
#include "compiler/frontend/onnx_writer.h"
#include "compiler/frontend/scalesim_topology.h"
#include "compiler/load.h"
#include "compiler/zoo/networks.h"

namespace systole::compiler {

Graph load_model(const std::string& model, const LoadOptions& options) {
  if (is_inline_shape(model)) return load_inline_shape(model, options);
  if (is_topology(model)) return load_topology(model, options);
  OnnxFile file = open_onnx(model);
  return import_onnx(file, options);
}

Graph load_onnx(const std::string& name, std::span<const std::uint8_t> bytes,
                const LoadOptions& options) {
  OnnxFile file = parse_onnx(name, bytes);
  return import_onnx(file, options);
}

OnnxFile open_onnx(const std::string& model) {
  if (is_inline_shape(model) || is_topology(model)) {
    const char* what = is_topology(model) ? "a topology" : "an inline shape";
    throw InputError(model, fmt::format("is {}, which has no float weights", what),
                     "a float ONNX model");
  }
  std::error_code error;
  if (!is_network(model) || std::filesystem::exists(model, error)) return read_onnx(model);
  return parse_onnx(model, network_model(model));
}

std::vector<std::uint8_t> network_model(const std::string& name) {
  const Graph graph = make_network(name);
  const bool short_integers = std::any_of(graph.values.begin(), graph.values.end(),
                                          [](const Value& v) { return v.type == DType::kInt16; });
  OnnxStyle style;
  if (short_integers) {  // quantisers know 16 bits from opset 21 on, whose files have IR 10
    style.opset = 21;
    style.ir = 10;
  }
  return onnx_bytes(write_onnx(graph, style), name);
}

}  // namespace systole::compiler
