// Known networks, made here: structure as published, weights from a seeded generator.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.h"

namespace systole::compiler {

struct Network {
  std::string_view name, text;
};
// What make_network knows, with its source.
[[nodiscard]] std::vector<Network> networks();

// Whether make_network knows the name.
[[nodiscard]] bool is_network(const std::string& name);

struct NetworkOptions {
  std::int64_t batch = 1;
  bool structure_only = false;  // weights are absent, for timing alone
  std::int64_t divisor = 1;     // of the published widths of hidden layers, for small instances
};

// The float32 network, BatchNormalization folded; the LSTMs with 16-bit activations and 8-bit
// weights between QuantizeLinear and DequantizeLinear. The weights are random but keep each layer's
// deviation near 1, so that quantising it is like quantising a trained network; its answers mean
// nothing. Throws InputError for other names.
[[nodiscard]] Graph make_network(const std::string& name, const NetworkOptions& options = {});

}  // namespace systole::compiler
