// Which layers of a float model are quantised, and the ranges their tensors take.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/frontend/load.h"
#include "compiler/frontend/onnx_file.h"

namespace systole::compiler {

// A Gemm or MatMul with constant weights and what is computed with it: an Add of a constant vector
// (only where the result is a matrix, so that both are one Gemm) and a Relu. Indices are of ONNX
// nodes, -1 if absent.
struct FloatLayer {
  int product = -1, add = -1, relu = -1;
  bool matrix = true;          // A has two dimensions
  std::string input, output;   // ONNX tensors
  Tensor weights;              // [K, N], alpha in it
  std::optional<Tensor> bias;  // [N], beta in it
};

// Tensors that are one value (through Identity, Dropout) have one root name.
struct FloatModel {
  std::vector<FloatLayer> layers;
  std::map<std::string, std::string> roots;        // ONNX tensor -> its value's name
  std::map<std::string, std::size_t> ranks;        // ONNX tensor -> number of dimensions
  std::map<std::string, CalibrationRange> ranges;  // by root, of every layer's input and output
};

// `samples` is [n, ...] float32. Throws InputError if the model has no such layer, more than one
// input, or a shape that the samples do not fit.
[[nodiscard]] FloatModel analyse_float_model(OnnxFile& file, const Tensor& samples);

}  // namespace systole::compiler
