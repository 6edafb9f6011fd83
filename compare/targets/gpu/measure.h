// Measuring on a GPU: whole models, the sweep of matrix products, and the lesson's micro-benchmarks
// (vector add, naive and tiled products, launches), each as measurements of the one schema
// (docs/comparison.md).
//
// End to end is the host's clock from input bytes in pinned host memory to output bytes there; the
// device's time is between two events around the work. Weights are on the device before, and
// algorithms are chosen before the first warm-up.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "compare/comparison/measurement.h"
#include "compare/targets/gpu/backend.h"
#include "compiler/ir/graph.h"
#include "traces/sinks/sink.h"

namespace systole::compare::gpu {

// "gpu:h100" for "NVIDIA H100 80GB HBM3": the first word that is no maker's or family's name.
[[nodiscard]] std::string target_name(const std::string& device);
// The arithmetic of this name (kMaths). Throws InputError listing the names.
[[nodiscard]] Math math_named(const std::string& name);

// Makes the sink that a trace about `info` goes to.
using OpenSink = std::function<std::unique_ptr<traces::Sink>(const traces::TraceInfo& info)>;

// Measures on one device, one thing after the other.
class Measurer {
 public:
  // `command` is for the record; `progress` is told what is being done and may be empty.
  Measurer(Backend& backend, MeasureOptions options, std::string command,
           std::function<void(const std::string&)> progress);

  struct ModelJob {
    std::string model, model_hash;           // as in the schema
    const compiler::Graph* graph = nullptr;  // float, or fused for int8
    const Tensor* inputs = nullptr;          // whole batches of the graph's input, in its type
    const std::vector<Tensor>* expected = nullptr;  // outputs of the first batches
    std::span<const std::int64_t> labels = {};      // one a row of the inputs: adds accuracy
    OpenSink trace = {};                            // for one run's trace, if it is wanted
  };
  // The model launch by launch and as one CUDA graph, with the times of its kernels. Throws
  // InputError naming an op that the GPU does not run.
  [[nodiscard]] std::vector<Measurement> model(const ModelJob& job, Math math);

  enum class Kernel : std::uint8_t { kLibrary, kNaive, kTiled };
  struct Product {
    std::int64_t m = 0, k = 0, n = 0;
  };
  // One matrix product, weights resident: "gemm:M,K,N", or in int8, whose result is int32 sums,
  // "gemm_s32:M,K,N" with K and N rounded up to 16. Naive and tiled are fp32 only.
  [[nodiscard]] Measurement product(const Product& wanted, Math math, Kernel kernel);
  // y = a + b of `count` floats: "vadd:N".
  [[nodiscard]] Measurement vector_add(std::int64_t count);
  // `count` empty kernels one behind the other, started one by one and as a graph: "launch:N".
  [[nodiscard]] std::vector<Measurement> launches(std::int64_t count);

 private:
  [[nodiscard]] Measurement blank(const std::string& model, Math math) const;
  // Samples of `start` between copies of `input` in and `output` out.
  void sample(Measurement& m, const std::function<Times(std::int64_t)>& run) const;
  void say(const std::string& text) const {
    if (progress_) progress_(text);
  }

  Backend& backend_;
  DeviceInfo info_;
  MeasureOptions options_;
  std::string command_;
  std::function<void(const std::string&)> progress_;
};

// The evaluator's outputs of the first `batches` batches.
[[nodiscard]] std::vector<Tensor> expected_outputs(const compiler::Graph& graph,
                                                   const Tensor& inputs, std::int64_t batches);

// The different products of a graph, in order: matrix products, and convolutions of one group as
// products of their patches.
[[nodiscard]] std::vector<Measurer::Product> products_of(const compiler::Graph& graph);
// The rows of a CSV file with columns m, n and k, in any order; lines with # are comments. Throws
// InputError naming the line.
[[nodiscard]] std::vector<Measurer::Product> products_in(const std::string& text,
                                                         const std::string& where);
// The sweep's measurements as such a file: m,n,k,tflops by the median device time. `comment` is its
// first line.
[[nodiscard]] std::string products_csv(const std::vector<Measurement>& measurements,
                                       const std::string& comment);

}  // namespace systole::compare::gpu
