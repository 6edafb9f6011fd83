// Frontends: from a MODEL argument (ONNX file, ONNX text, inline shape, SCALE-Sim topology) to a
// Graph.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "compiler/ir/graph.h"

namespace systole::compiler {

struct LoadOptions {
  std::optional<std::int64_t> batch;         // --batch: the symbolic leading dimension
  std::map<std::string, std::int64_t> dims;  // --dim NAME=N
  std::map<std::string, Shape> shapes;       // --shape x=1x3x224x224
  bool structure_only = false;  // for timing alone: weights get no data where that saves work
};

// `model` is a path (ONNX, binary or text, or a SCALE-Sim topology; isa/file_kind.h tells) or
// gemm:M,K,N or mlp:D0,D1,... (inline shapes have seeded int8 weights and take their batch from M
// or options.batch). A topology's graph has its structure only. Throws InputError: missing, not
// ONNX, truncated, short initialiser, unknown operator ...
[[nodiscard]] Graph load_model(const std::string& model, const LoadOptions& options);

// A known network (networks.h) as the bytes of an ONNX file with an open batch. Throws InputError
// for unknown names.
[[nodiscard]] std::vector<std::uint8_t> network_model(const std::string& name);

// How a quantised model says that a layer computes with integers: QuantizeLinear and
// DequantizeLinear around float operators, or QLinearConv and QLinearMatMul where ONNX has them.
enum class QuantFormat { kQdq, kQlinear };

struct QuantizeOptions {
  // Ranges leave out what lies beyond this percentile at either end; absent: smallest to largest.
  std::optional<double> percentile = {};
  QuantFormat format = QuantFormat::kQdq;
};

// Reads a float ONNX model and writes a QDQ twin (docs/quantisation.md): u8 asymmetric activations,
// s8 symmetric per-channel weights, int32 bias at xs*ws. `samples` is [n, ...] float32 for the
// single input; with kQlinear each product that has such a form becomes QLinearConv or
// QLinearMatMul of the same integers. Returns the bytes of the new ONNX file.
[[nodiscard]] std::vector<std::uint8_t> quantize_model(const std::string& model,
                                                       const Tensor& samples,
                                                       const QuantizeOptions& options = {});

}  // namespace systole::compiler
