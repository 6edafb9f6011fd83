// Data flow: what a batch moves at each level, and how often what was moved is used.
//
// A simulated machine keeps weights in its array: a tile of R x C stays while rows of activations
// pass, an activation serves C columns on its way, and R products are added on the way down before
// a sum is put away. Its figures are counters; tiles that a layer does not fill count whole, so
// that little reuse shows. A modelled GPU keeps a tile of results in the registers of an SM, a CPU
// a block in those of a core: a weight that was brought there serves the rows of the tile, an
// activation its columns, and a sum stays for all steps of K. Its figures are those of the tiles
// that the model found best (device_model.h). How a library on a real device cuts a product is not
// known.
#pragma once

#include <string_view>

#include "compare/comparison/comparison.h"
#include "compare/model/device_model.h"
#include "isa/machine.h"
#include "sim/kernel/report.h"

namespace systole::compare {

// Of counters that hold for so many batches.
[[nodiscard]] DataFlow machine_flow(const isa::Machine& machine, const sim::Counters& counters,
                                    std::int64_t batches);
[[nodiscard]] DataFlow model_flow(const Device& device, std::string_view precision,
                                  const ModelWork& work, const ModelTime& time);

}  // namespace systole::compare
