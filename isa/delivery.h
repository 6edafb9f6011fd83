// Delivery: the encoded program crosses the host link in packets of one size, in program order. The
// body of a repeat stays in the instruction buffer if it fits there; else the host sends it again
// for each repetition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/units.h"
#include "isa/insn.h"
#include "isa/machine.h"

namespace systole::isa {

inline constexpr std::int64_t kPacketBytes = 256;

// Packets that `bytes` bytes of code lie in, wherever in a packet they begin.
constexpr std::int64_t packets_around(std::int64_t bytes) {
  return ceil_div(bytes, kPacketBytes) + 1;
}

// A body that does not stay: instructions [begin, end), sent `count` times.
struct SentAgain {
  std::size_t begin = 0, end = 0;
  std::int64_t count = 0;
};
// Those of a program whose repeats lie within it, in order; none where nothing crosses the link.
[[nodiscard]] std::vector<SentAgain> bodies_sent_again(const std::vector<Insn>& code,
                                                       const Machine& machine);

}  // namespace systole::isa
