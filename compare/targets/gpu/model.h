// Model: a graph as a sequence of launches on a GPU.
//
// Products and pools go to the libraries, map, zip, table and reduce to one generic kernel each,
// reshapes cost nothing; any other op is refused by name. What a library can fuse (bias, relu) is
// fused. Pictures lie channels last where the matrix units want them so (16 bits and int8), and are
// reordered, by a kernel that is paid for, where a graph's order shows: at its ends, before a
// reshape and before a reduction.
//
// Integer products are exact: signed bytes (signed_graph.h) into int32, zero points folded into the
// bias, sum (x - z) w = sum x w - z sum w, and requantised as ONNX does. An integer convolution is
// a product of its patches.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compare/targets/gpu/backend.h"
#include "compiler/ir/graph.h"

namespace systole::compare::gpu {

struct Step {
  std::string name;  // the node's
  std::string op;    // row of compiler/ir/ops.def
  std::unique_ptr<Launch> launch;
};

class Model {
 public:
  // `graph` has one input and one output: float for a float `math`, after fuse_quantised for int8.
  // Throws InputError naming the node that cannot run, DeviceError if the device refuses.
  Model(const compiler::Graph& graph, Math math, Backend& backend);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // Why there is no CUDA graph of the steps; empty if there is one.
  [[nodiscard]] const std::string& no_recording() const;
  // One batch; the spans hold exactly the bytes of the graph's input and output. With `recorded`
  // the steps are started as one CUDA graph, which there must be.
  Times run(std::span<const std::uint8_t> input, std::span<std::uint8_t> output, bool recorded);
  [[nodiscard]] const std::vector<Step>& steps() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace systole::compare::gpu
