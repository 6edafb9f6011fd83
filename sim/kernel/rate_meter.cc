// RateMeter: exact accumulation (story in rate_meter.h).
#include "sim/kernel/rate_meter.h"

#include <numeric>

namespace systole::sim {

RateMeter::RateMeter(std::int64_t clock_hertz, std::int64_t bytes_per_second)
    : cycles_per_(clock_hertz / std::gcd(clock_hertz, bytes_per_second)),
      bytes_per_(bytes_per_second / std::gcd(clock_hertz, bytes_per_second)) {}

CyclePoint RateMeter::send(CyclePoint start, Bytes bytes) {
  // 2^48 bytes times 10^10 cycles exceed 64 bits.
  __extension__ using Int128 = __int128;
  if (start > cycle_) {
    cycle_ = start;
    part_ = 0;
  }
  const Int128 parts = static_cast<Int128>(bytes.value) * cycles_per_ + part_;
  cycle_ += CycleCount(static_cast<std::int64_t>(parts / bytes_per_));
  part_ = static_cast<std::int64_t>(parts % bytes_per_);
  return part_ == 0 ? cycle_ : cycle_ + CycleCount(1);
}

}  // namespace systole::sim
