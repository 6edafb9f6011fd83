// Precisions of the matrix unit, from precisions.def. The position of a row is the operand's value.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/tensor.h"
#include "isa/insn.h"
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

// An accumulator's word, as the oracle and the arrays keep it: an int32, which wraps, or the bits
// of a float32, as the precision says. A row with sums of another type is counted right where
// places are listed and verified (sum_rows), and needs arithmetic of its own there.
using Sum = std::int32_t;
static_assert(sizeof(Sum) == kAccumulatorBytes);
static_assert(std::ranges::all_of(kPrecisions, [](const PrecisionInfo& info) {
  return info.sum == DType::kInt32 || info.sum == DType::kFloat32;
}));
// Whether the sums are floats, and so all of its numbers.
[[nodiscard]] constexpr bool is_float(const PrecisionInfo& info) {
  return info.sum == DType::kFloat32;
}

// What a machine multiplies (array.operands).
[[nodiscard]] constexpr bool multiplies(const Machine& machine, const PrecisionInfo& info) {
  if (machine.array_operands == Operands::kBoth) return true;
  return is_float(info) == (machine.array_operands == Operands::kBf16);
}

// The element types of weights, by operand: that of read_weights, and what a precision wants.
inline constexpr auto kWeightTypes = std::to_array<DType>({DType::kInt8, DType::kBfloat16});
[[nodiscard]] constexpr std::int64_t weight_type_of(const PrecisionInfo& info) {
  return std::ranges::find(kWeightTypes, info.weight) - kWeightTypes.begin();
}
static_assert(std::ranges::all_of(kPrecisions, [](const PrecisionInfo& info) {
  return weight_type_of(info) < std::ssize(kWeightTypes);
}));

// Bytes of a weight tile in memory: R x C weights of the operand's type.
[[nodiscard]] inline std::int64_t tile_bytes(const Machine& machine, std::int64_t weight_type) {
  return machine.pe_count() * dtype_bytes(kWeightTypes.at(static_cast<std::size_t>(weight_type)));
}
// Of the narrowest weights that the machine multiplies.
[[nodiscard]] inline std::int64_t tile_bytes(const Machine& machine) {
  const bool floats = machine.array_operands == Operands::kBf16;
  return tile_bytes(machine, floats ? weight_type::kBf16 : weight_type::kByte);
}

}  // namespace systole::isa
