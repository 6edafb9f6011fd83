// Blocks of a network on a machine whose memory holds everything, as programs of their own, for
// timing: operands and result lie in memory, what lies between stays in the buffer.
#pragma once

#include <cstdint>

#include "isa/machine.h"
#include "isa/program.h"

namespace systole::compiler {

// Y = f(X W1) W2, X of m x k, W1 of k x hidden; gated: f(X W0) times X W1, element by element.
struct FeedForward {
  std::int64_t m = 0, k = 0, hidden = 0;
  bool gated = false;
};

// Panels of rows whose intermediate values the buffer holds: a product, an operation of the vector
// unit on its result, the other product; one begins when the one before is done.
[[nodiscard]] isa::Program memory_feed_forward(const isa::Machine& machine,
                                               const FeedForward& shape);

}  // namespace systole::compiler
