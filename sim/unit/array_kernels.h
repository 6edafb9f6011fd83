// Array kernels: the inner loops behind array_values.h, one function per instruction set.
#pragma once

#include <cstdint>

namespace systole::sim {

inline constexpr std::int64_t kGroup = 16;  // columns packed together
inline constexpr std::int64_t kQuad = 4;    // rows packed together

// Unsigned bytes times packed signed bytes: for i < rows, c < n
//   value = sum x[i] * w[c] + column_term[c] - row_sum[i] * column_zero[c]
//   acc[i][c] = value, or wrapping acc[i][c] + value
struct ArrayJob {
  const std::int8_t* weights;  // [n / 16][quads][16][4]
  std::int64_t quads, n, rows;
  const std::uint8_t* x;
  std::int64_t x_stride;
  const std::int32_t* column_term;  // padded to 16
  const std::int32_t* column_zero;  // padded to 16; null: all 0
  const std::int32_t* row_sum;      // read only with column_zero
  std::int32_t* acc;
  std::int64_t acc_stride;
  bool accumulate;
};

// Each returns the number of accumulators that wrapped.
std::int64_t multiply_portable(const ArrayJob& job);
std::int64_t multiply_avx2(const ArrayJob& job);
std::int64_t multiply_vnni(const ArrayJob& job);

// The end of a row for the kernels that hold `count` sums of columns [c, c + count) in memory.
std::int64_t finish_row(const ArrayJob& job, std::int64_t row, std::int64_t c, std::int64_t count,
                        const std::int32_t* sums);

}  // namespace systole::sim
