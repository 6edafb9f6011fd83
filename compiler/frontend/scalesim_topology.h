// SCALE-Sim topologies: CSV files of convolution or GEMM layers, as scalesim-project/SCALE-Sim
// (topology_utils.py) reads them.
//
// A convolution row is `name, IFMAP height, IFMAP width, filter height, filter width, channels,
// filters, stride`, a GEMM row is `name, M, N, K`; either may end in a comma. The header says which
// column holds what: two strides and a batch size may be among them, and a sparsity ratio N:M.
// The layers are independent of each other and run one after the other; a convolution is the GEMM
// of its im2col matrix.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/frontend/load_options.h"
#include "compiler/ir/graph.h"

namespace systole::compiler {

// One layer: [m, k] times [k, n].
struct TopologyLayer {
  std::string name;
  std::int64_t m = 0, k = 0, n = 0;
  bool operator==(const TopologyLayer&) const = default;
};

[[nodiscard]] bool is_topology(const std::string& model);

// Throws InputError naming `where`, the line and the column: no layer, an unknown column, a
// missing, empty or malformed field, a filter larger than its map, sparsity.
[[nodiscard]] std::vector<TopologyLayer> parse_topology(std::string_view text,
                                                        const std::string& where);

// The layers as one structure-only graph of separate layers. Throws InputError.
[[nodiscard]] Graph load_topology(const std::string& path, const LoadOptions& options);

}  // namespace systole::compiler
