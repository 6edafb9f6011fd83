// Whole networks against ONNX Runtime (class d): every quantised tensor inside a network, node by
// node, each node fed ONNX Runtime's tensors, then the network left to run by itself.
//
// A network is not stored but made again (the generator or a model of models/, quantised with
// `--format qlinear` over samples that are a formula); stored are the tensors that ONNX Runtime
// computed from it, at its level `disabled`: small ones whole, large ones as their CRC-32.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/tensor.h"

namespace systole::validate {

// The folders below `root` that hold a network.json, in the order of their names.
[[nodiscard]] std::vector<std::string> ort_networks(const std::string& root);

// What is fed to networks and calibrates them: element i is ((i * 7919) mod 1021) / 1020.
[[nodiscard]] Tensor network_pattern(const Shape& shape);

struct NetworkTally {
  std::int64_t tensors = 0, bytes = 0, mismatching = 0, largest_step = 0;
};

struct NetworkOutcome {
  std::string name;
  std::array<NetworkTally, 3> classes;   // a, b, c: node by node
  std::int64_t rows = 0, same_top1 = 0;  // of the network by itself
  std::int64_t largest_step = 0;         // of its quantised result
  bool simulated = false;                // both engines of tpu_v1 gave the evaluator's bytes
  std::string failure;                   // why it does not pass; empty if it does
};

// Throws InputError if the stored files do not fit together, or the network made here is not the
// one that ONNX Runtime ran.
[[nodiscard]] NetworkOutcome run_network(const std::string& folder);

}  // namespace systole::validate
