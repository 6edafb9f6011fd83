// Known convolutional networks, made here: structure as published, weights from a seeded generator.
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

// The network for one float32 picture x [1, 3, 224, 224] to logits [1, 1000], BatchNormalization
// folded. The weights are random but keep each layer's deviation near 1, so that quantising it is
// like quantising a trained network; its answers mean nothing. Throws InputError for other names.
[[nodiscard]] Graph make_network(const std::string& name);

}  // namespace systole::compiler
