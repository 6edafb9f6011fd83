// Small graphs built by hand, with weights from fixed seeds.
#pragma once

#include <cstdint>

#include "compiler/ir/graph.h"

namespace systole::compare {

// x u8 [rows, k] -> requantised multiplication "layer" with a scale per column -> u8 [rows, n].
[[nodiscard]] compiler::Graph integer_layer_graph(std::int64_t rows, std::int64_t k, std::int64_t n,
                                                  bool with_bias);

// x f32 [rows, k] -> "fc" 0.5 x w + 3 b -> "relu" -> "softmax", |w| <= 1, |b| <= 1.
[[nodiscard]] compiler::Graph float_chain_graph(std::int64_t rows, std::int64_t k, std::int64_t n);

// x f32 [rows, k] -> quantise (scale 1/255) -> two integer layers -> dequantise -> softmax [rows,
// n].
[[nodiscard]] compiler::Graph quantised_chain_graph(std::int64_t rows, std::int64_t k,
                                                    std::int64_t n);

}  // namespace systole::compare
