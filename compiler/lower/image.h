// Image: what a matmul needs in memory: weight tiles in DRAM, biases and scales as parameter rows.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/lower/layout.h"
#include "isa/machine.h"
#include "isa/program.h"

namespace systole::compiler {

// One matmul as the machine will run it.
struct DeviceMatmul {
  const Node* node = nullptr;
  std::int64_t layer = 0;
  std::int64_t rows = 0;  // of one batch
  std::int64_t k = 0, n = 0;
  std::vector<Cut> k_cuts, n_cuts;  // tile rows and tile columns
  std::int64_t dram = 0;     // first tile; tile (kb, nb) follows at (nb * k_cuts + kb) * tile bytes
  std::int64_t params = -1;  // host address of its parameter rows (bias, scale by nb), or -1
  std::int64_t zero_row = -1;  // parameter row of the weight zero points of nb 0, or -1

  [[nodiscard]] const MatmulAttrs& attrs() const { return std::get<MatmulAttrs>(node->attrs); }
  [[nodiscard]] bool requantised() const { return attrs().output.has_value(); }
  [[nodiscard]] bool has_bias() const {
    return node->inputs.size() > 2 && node->inputs[2] != kNoValue;
  }
  [[nodiscard]] std::int64_t tiles() const {
    return static_cast<std::int64_t>(k_cuts.size() * n_cuts.size());
  }
  // Parameter rows for each column block: bias and, when requantised, scale.
  [[nodiscard]] std::int64_t param_rows() const { return (has_bias() || requantised()) ? 2 : 0; }
};

// Lays out the tiles and parameter rows of all matmuls, fills weights and constants of `program`
// (sizes only if the program has no values) and each DeviceMatmul's addresses. Weight zero points
// occupy parameter rows [0, result) and constants [0, result * row bytes). Throws InputError if
// weights or zero points exceed the machine.
[[nodiscard]] std::int64_t build_image(const Graph& graph, std::vector<DeviceMatmul>& matmuls,
                                       isa::Program& program);

}  // namespace systole::compiler
