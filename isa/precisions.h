// Precisions of the matrix unit, from precisions.def. The position of a row is the operand's value.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/tensor.h"
#include "isa/machine.h"

namespace systole::isa {

// Bytes of an accumulator: accumulators.rows counts rows of C of these.
inline constexpr std::int64_t kAccumulatorBytes = 4;

struct PrecisionInfo {
  std::string_view name;
  DType activation, weight, sum;
  std::int64_t row_cycles;  // p of T6: the sub-rows of a row
  std::int64_t sum_shift;   // sums are added << this

  [[nodiscard]] std::int64_t activation_bytes() const { return dtype_bytes(activation); }
  [[nodiscard]] std::int64_t weight_bytes() const { return dtype_bytes(weight); }
  // Accumulator rows that the sums of `rows` rows take: a sum may be wider than an accumulator.
  [[nodiscard]] std::int64_t sum_rows(std::int64_t rows) const {
    return rows * ceil_div(dtype_bytes(sum), kAccumulatorBytes);
  }
};

inline constexpr auto kPrecisions = std::to_array<PrecisionInfo>({
#define SYSTOLE_PRECISION(name, text, activation, weight, sum, row_cycles, sum_shift, meaning) \
  {text, DType::activation, DType::weight, DType::sum, row_cycles, sum_shift},
#include "isa/precisions.def"
});

// Of an operand's value, which has been verified.
[[nodiscard]] constexpr const PrecisionInfo& precision_info(std::int64_t precision) {
  return kPrecisions.at(static_cast<std::size_t>(precision));
}

// The operand's value for activations of this type, signed or not; -1 if none multiplies them.
[[nodiscard]] constexpr std::int64_t precision_for(DType activation) {
  const DType type = activation == DType::kUint8 ? DType::kInt8 : activation;
  for (std::size_t i = 0; i < kPrecisions.size(); ++i) {
    if (kPrecisions[i].activation == type) return static_cast<std::int64_t>(i);
  }
  return -1;
}

// A sum, as all that computes with sums has it: the oracle, the arrays, activation (type s32 writes
// it as it is), all of which wrap at 32 bits. A row with sums of another type is counted right
// where places are listed and verified (sum_rows), and needs arithmetic of its own there.
using Sum = std::int32_t;
static_assert(sizeof(Sum) == kAccumulatorBytes);
static_assert(std::ranges::all_of(kPrecisions, [](const PrecisionInfo& info) {
  return info.sum == DType::kInt32;
}));

// Bytes of a weight tile in memory: R x C weights. read_weights does not say what it reads them
// for, so all precisions have weights of one size.
static_assert(std::ranges::all_of(kPrecisions, [](const PrecisionInfo& info) {
  return info.weight == kPrecisions[0].weight;
}));
[[nodiscard]] inline std::int64_t tile_bytes(const Machine& machine) {
  return machine.pe_count() * kPrecisions[0].weight_bytes();
}

}  // namespace systole::isa
