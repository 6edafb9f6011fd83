// Attention on a machine whose memory holds everything, as a program of its own, for timing:
// O = softmax(Q K^T) V of each head, in bfloat16, operands and result in memory.
#pragma once

#include <cstdint>

#include "isa/machine.h"
#include "isa/program.h"

namespace systole::compiler {

struct Attention {
  std::int64_t heads = 0;    // of all sequences
  std::int64_t queries = 0;  // rows of Q of a head
  std::int64_t keys = 0;     // rows of its K and V
  std::int64_t width = 0;    // numbers of a row
};

// Three operations: scores of all heads in binary32, their softmax, times V. Scores stay in the
// buffer if all of them fit, as binary32 and as bfloat16; else they are written to memory and come
// back for the other two, which are one operation then.
[[nodiscard]] isa::Program memory_attention(const isa::Machine& machine, const Attention& shape);

// Fused: blocks of scores that are never written, an operation for each block of queries and of
// keys, whose operands come in beside the operation before.
struct FusedBlocks {
  std::int64_t queries = 0, keys = 0;
};
[[nodiscard]] isa::Program memory_fused_attention(const isa::Machine& machine,
                                                  const Attention& shape,
                                                  const FusedBlocks& blocks);

}  // namespace systole::compiler
