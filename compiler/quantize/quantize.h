// Quantisation: a float ONNX file and samples make its QDQ or QLinear twin (docs/quantisation.md).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "compiler/frontend/load_options.h"
#include "compiler/quantize/quantize_ranges.h"

namespace systole::compiler {

struct OnnxFile;  // onnx_file.h

// How a quantised model says that a layer computes with integers: QuantizeLinear and
// DequantizeLinear around float operators, or QLinearConv and QLinearMatMul where ONNX has them.
enum class QuantFormat { kQdq, kQlinear };

struct QuantizeOptions {
  // Ranges leave out what lies beyond this percentile at either end; absent: smallest to largest.
  std::optional<double> percentile = {};
  QuantFormat format = QuantFormat::kQdq;
  std::set<std::string> excluded = {};  // layers that stay in floats
  // 8, or 7 for processors whose products of bytes saturate in pairs (those without VNNI).
  int weight_bits = 8;
};

// What 8 bits cost: the signal-to-noise ratio of the float outputs when one layer alone, or all of
// them, are quantised. Infinite where nothing differs.
struct LayerError {
  std::string layer, op;
  double decibels = 0.0;
};
struct QuantisationErrors {
  std::vector<LayerError> layers;  // the costliest first
  double all = 0.0;
};

// Reads a float ONNX model and writes a QDQ twin (docs/quantisation.md): u8 asymmetric activations,
// s8 symmetric per-channel weights, int32 bias at xs*ws. `samples` is [n, ...] float32 for the
// single input; with kQlinear each product that has such a form becomes QLinearConv or
// QLinearMatMul of the same integers. Returns the bytes of the new ONNX file.
[[nodiscard]] std::vector<std::uint8_t> quantize_model(const std::string& model,
                                                       const Tensor& samples,
                                                       const QuantizeOptions& options = {});

// As quantize_model, of an ONNX file that is read already.
[[nodiscard]] std::vector<std::uint8_t> quantize_onnx(OnnxFile file, const Tensor& samples,
                                                      const QuantizeOptions& options);
// The same of any number of inputs; `load` gives open dimensions (a batch is not used).
[[nodiscard]] std::vector<std::uint8_t> quantize_onnx(OnnxFile file, const CalibrationData& data,
                                                      const LoadOptions& load,
                                                      const QuantizeOptions& options);
// The errors of the same, over the first samples: a run of the model for each product.
[[nodiscard]] QuantisationErrors quantisation_errors(OnnxFile file, const CalibrationData& data,
                                                     const LoadOptions& load,
                                                     const QuantizeOptions& options);

}  // namespace systole::compiler
