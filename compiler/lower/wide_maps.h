// Pass: convolutions over maps whose lines the machine cannot hold (sound: 100,000 samples a line;
// scans) go tile by tile of the wide dimension. The tiles, each with the pixels that its windows
// reach beyond it, are stacked along the other dimension, so that one convolution computes all of
// them; the host puts tiles together and takes results apart.
//
//   x [N, C, H, W] -> pad -> gather columns, B tiles of w_in -> [N, C, B * H', w_in]
//   y = conv, [N, M, B * H'/stride, w], the last windows of each tile straddle two and are dropped
//   y -> [N, M, H_out, B * w] -> [N, M, H_out, W_out]
#pragma once

#include "compiler/ir/graph.h"
#include "isa/machine.h"

namespace systole::compiler {

// The graph with such convolutions cut; others stay as they are.
[[nodiscard]] Graph cut_wide_maps(const Graph& graph, const isa::Machine& machine);

}  // namespace systole::compiler
