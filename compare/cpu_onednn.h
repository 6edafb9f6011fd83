// The CPU as a target: a graph's chain of layers built from oneDNN primitives and run on this host.
//
// The chain is what a careful user of oneDNN would write: weights packed once into the layout the
// primitive asks for, bias, activation and requantisation fused into the matrix multiplication, no
// copy between layers. A reshape costs nothing; quantise, dequantise and softmax are oneDNN's own
// primitives and count as host work, as they do for the simulated machine.
//
// Integer layers: u8 or s8 activations, s8 symmetric weights per column, int32 bias. The
// activations' zero point is folded into the bias exactly, as sum_k (x - z) w = sum_k x w - z sum_k
// w.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/tensor.h"
#include "compiler/ir/graph.h"

namespace systole::compare {

// One run of one batch, in seconds: from input bytes to output bytes, and the part of it spent in
// matrix multiplications with what is fused into them.
struct CpuTiming {
  double total = 0.0;
  double device = 0.0;
};

class CpuChain {
 public:
  // Builds the chain for `threads` OpenMP threads. `graph` needs one input, one output and nodes
  // that each take the previous one's result (quantised graphs: after fuse_quantised). Throws
  // InputError naming the node that does not fit, or that oneDNN cannot build.
  CpuChain(const compiler::Graph& graph, int threads);
  ~CpuChain();
  CpuChain(const CpuChain&) = delete;
  CpuChain& operator=(const CpuChain&) = delete;

  // Runs one batch. Both spans hold exactly the bytes of the graph's input and output.
  CpuTiming run(std::span<const std::uint8_t> input, std::span<std::uint8_t> output);

  // One batch, untimed: the graph's output and the bytes of the last matrix multiplication.
  struct Results {
    Tensor output, last_matmul;
  };
  [[nodiscard]] Results compute(std::span<const std::uint8_t> input);

  [[nodiscard]] compiler::ValueId last_matmul() const;  // the value of Results::last_matmul
  [[nodiscard]] std::string precision() const;          // "int8", "fp32" or "mixed"
  [[nodiscard]] std::string kernels() const;  // oneDNN's name for each multiplication's code

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "oneDNN 2.6.3"
[[nodiscard]] std::string onednn_version();

}  // namespace systole::compare
