// Work: what a model asks of any device, layer by layer: multiply-adds, operands and results.
//
// Counts are of elements, so that a precision turns them into bytes. A layer that a library fuses
// into the product before it (activation functions, requantisation, quantise and dequantise,
// reshapes) is part of that product and has no row of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace systole::compare {

// A convolution: `groups` of images x channels by filters, channels and filters of one group.
struct Convolution {
  std::int64_t groups = 1, images = 1, channels = 0, height = 0, width = 0, filters = 0;
  std::int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, out_h = 0, out_w = 0;
};

struct LayerWork {
  std::string name, op;  // the node's; op is a row of compiler/ir/ops.def
  // A product: `count` of [m, k] by [k, n] (a convolution by its im2col shape, one per group).
  // m = 0: no product.
  std::int64_t count = 1, m = 0, k = 0, n = 0;
  std::int64_t inputs = 0, weights = 0, outputs = 0;  // elements read, constant ones apart; written
  [[nodiscard]] std::int64_t macs() const { return count * m * k * n; }
  std::optional<Convolution> convolution = {};  // of the layers that are one
};

struct ModelWork {
  std::vector<LayerWork> layers;
  std::int64_t batch = 1;
  std::int64_t input_bytes = 0,
               output_bytes = 0;  // as the graph has them, over all in- and outputs
  [[nodiscard]] std::int64_t macs() const;
  // A multiply-add is two; in a model without products every element that a layer makes is one.
  [[nodiscard]] std::int64_t operations() const;
  // Compulsory traffic of one batch in elements: weights, inputs and outputs of the model once.
  [[nodiscard]] std::int64_t compulsory_elements() const;
  // Operations per byte of that traffic, and of the weights alone.
  [[nodiscard]] double intensity(double bytes_per_element) const;
  [[nodiscard]] double weight_intensity(double bytes_per_element) const;
  std::int64_t input_elements = 0, output_elements = 0;
};

// `graph` quantised or not, with or without weights; after fuse_quantised if it is quantised.
[[nodiscard]] ModelWork model_work(const compiler::Graph& graph);

// The inline text "mlp:784,512,10" of a model that is nothing but matrix products one behind the
// other, whatever its name; else nothing.
[[nodiscard]] std::optional<std::string> perceptron_text(const ModelWork& work);

}  // namespace systole::compare
