// Delivery: the encoded program crosses the host link in packets of one size, in program order.
#pragma once

#include <cstdint>

#include "base/units.h"

namespace systole::isa {

inline constexpr std::int64_t kPacketBytes = 256;

// Packets that `bytes` bytes of code lie in, wherever in a packet they begin.
constexpr std::int64_t packets_around(std::int64_t bytes) {
  return ceil_div(bytes, kPacketBytes) + 1;
}

}  // namespace systole::isa
