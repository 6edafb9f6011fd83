// Ragged paged attention on a machine whose memory holds everything, as a program of its own, for
// timing: sequences whose queries lie one after the other, each with keys and values of its own.
//
// As the published kernel works (jax.experimental.pallas.ops.tpu.ragged_paged_attention): blocks of
// queries, whichever sequences they are of; for each of these, blocks of its keys; a step is one of
// these pairs and has all heads one after the other. The next step's keys and values come in beside
// a step. Every row of a block of queries is computed, whether of this sequence or not. Of a head a
// step takes K and V out of the block, masked; scales and masks the scores; takes their softmax;
// adds to the result: each a pass of the vector unit, all but the last in binary32.
#pragma once

#include <cstdint>

#include "isa/machine.h"
#include "isa/program.h"

namespace systole::compiler {

struct RaggedAttention {
  std::int64_t sequences = 0;
  std::int64_t queries = 0, keys = 0;  // of each
  std::int64_t heads = 0;              // of keys and values
  std::int64_t group = 0;              // heads of queries for each of these
  std::int64_t width = 0;
};

struct RaggedBlocks {
  std::int64_t queries = 0, keys = 0;
};

// Throws InputError if the buffer lacks room.
[[nodiscard]] isa::Program memory_ragged_attention(const isa::Machine& machine,
                                                   const RaggedAttention& shape,
                                                   const RaggedBlocks& blocks);

}  // namespace systole::compiler
