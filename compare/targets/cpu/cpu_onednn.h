// The CPU as a target: a graph built from oneDNN primitives and run on this host. Where oneDNN's
// products of integers would saturate (host_isa.h), XNNPACK's take their place.
//
// It is what a careful user of oneDNN would write: weights packed once into the layout the
// primitive asks for, bias, activation function and requantisation fused into the product,
// activations left in the layout that the primitives like. A reshape costs nothing; quantise,
// dequantise and softmax are oneDNN's own primitives and count as host work, as they do for the
// simulated machine.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "compare/targets/host_isa.h"
#include "compiler/ir/graph.h"

namespace systole::compare {

// One run of one batch, in seconds: from input bytes to output bytes, and the part of it spent on
// device work (everything but quantise, dequantise and softmax).
struct CpuTiming {
  double total = 0.0;
  double device = 0.0;
};

// What a step is, and how long it took in the last run.
struct CpuStep {
  std::string name, op,
      kernel;  // node, row of compiler/ir/ops.def, the library's name for the code
  bool device = true;
  double seconds = 0.0;
};

struct CpuOptions {
  int threads = 1;
  bool bf16 = false;  // float32 values between inputs and outputs are bfloat16
  // Products of integers by exact_product.h, as oneDNN's would saturate here.
  bool xnnpack = !host_isa().exact_int8;
};

using ByteSpans = std::vector<std::span<const std::uint8_t>>;

class CpuModel {
 public:
  // Builds the model for OpenMP threads. Quantised graphs: after fuse_quantised. Throws InputError
  // naming the node that oneDNN cannot do.
  CpuModel(const compiler::Graph& graph, CpuOptions options);
  ~CpuModel();
  CpuModel(const CpuModel&) = delete;
  CpuModel& operator=(const CpuModel&) = delete;

  // Runs one batch. `inputs` hold exactly the bytes of the graph's inputs, in its order. The
  // results stay where they are until the next run.
  CpuTiming run(const ByteSpans& inputs);
  // Of the last run: the graph's outputs, and the result of the last product.
  [[nodiscard]] std::vector<Tensor> outputs() const;
  [[nodiscard]] Tensor last_product() const;

  [[nodiscard]] compiler::ValueId last_product_value() const;  // kNoValue: no product at all
  [[nodiscard]] std::string precision() const;                 // "int8", "fp32", "bf16" or "mixed"
  [[nodiscard]] const std::vector<CpuStep>& steps() const;
  [[nodiscard]] std::vector<std::string> libraries() const;  // whose code the steps run

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace systole::compare
