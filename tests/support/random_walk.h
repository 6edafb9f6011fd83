// Random passes: precisions and zero points of any pass, and the geometry of a convolution.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "isa/insn.h"
#include "isa/machine.h"
#include "isa/precisions.h"
#include "tests/support/random_choice.h"

namespace systole {

// The rows of integers from int8x16_high on.
inline std::vector<std::int64_t> rare_precisions() {
  std::vector<std::int64_t> rare;
  for (auto p = isa::precision::kInt8x16High; p < std::ssize(isa::kPrecisions); ++p) {
    if (!isa::is_float(isa::precision_info(p))) rare.push_back(p);
  }
  return rare;
}

// Precision, and a zero point that its activations can have.
template <typename Pass>
void random_precision(Pass& pass, RandomChoice& random) {
  static const std::vector<std::int64_t> rare = rare_precisions();
  if (random.chance(40)) {
    const bool often = random.chance(60);
    pass.precision = rare.size() > 1 ? random.one_of(rare) : rare.front();
    if (often) pass.precision = isa::precision::kInt8x16;
  }
  const bool wide = isa::precision_info(pass.precision).activation == DType::kInt16;
  pass.is_signed = wide ? 1 : random.pick(0, 1);
  pass.zero_point = pass.is_signed != 0 ? random.pick(-128, 127) : random.pick(0, 255);
  if (wide && random.chance(50)) pass.zero_point = random.pick(-32768, 32767);
}

// Everything of a walk but its map: taps as many as the delay line and k allow, or fewer, and k a
// multiple of them; at most 24 outputs.
inline void random_walk(isa::Convolve& walk, const isa::Machine& machine, RandomChoice& random) {
  walk.stride_y = random.pick(1, 3);
  walk.stride_x = random.pick(1, 5);
  walk.dilation_y = random.pick(1, 3);
  walk.dilation_x = random.pick(1, 3);
  const std::int64_t most = (machine.array_taps - 1) / walk.dilation_x + 1;
  walk.taps = random.pick(1, std::min(most, walk.k));
  walk.k -= walk.k % walk.taps;
  walk.out_height = random.pick(1, 3);
  walk.out_width =
      std::min<std::int64_t>(random.pick(1, machine.accumulators_rows / walk.out_height), 8);
  walk.pad_top = random.pick(0, 3);
  walk.pad_left = random.pick(0, 5);
  walk.kernel_y = random.pick(0, 3);
  walk.kernel_x = random.pick(0, 3);
}

}  // namespace systole
