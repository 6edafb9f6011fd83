// Float values: packing, blocks of rows, and the chain for three instruction sets (float_values.h).
#include "sim/unit/float_values.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/units.h"
#include "sim/unit/float_pe.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace systole::sim {
namespace {

constexpr std::int64_t kColumns = 16;  // packed together
constexpr std::int64_t kRows = 4;      // in a block

constexpr std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Rows of a block, widened; lanes [begin, end) of a column group's chain.
struct Chain {
  const float* x;  // k to a row
  std::int64_t k, begin, end;
  const float* w;  // of the column group
};
using Sums = std::array<std::array<float, std::size_t{kColumns}>, std::size_t{kRows}>;

// Continues the sums of the first `count` rows.
using Step = void (*)(const Chain& chain, std::int64_t count, Sums& sums);

void step_portable(const Chain& chain, std::int64_t count, Sums& sums) {
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t r = chain.begin; r < chain.end; ++r) {
      const float x = chain.x[i * chain.k + r];
      const float* w = chain.w + r * kColumns;
      for (std::size_t c = 0; c < at(kColumns); ++c) {
        sums[at(i)][c] = std::fma(x, w[c], sums[at(i)][c]);
      }
    }
  }
}

#if defined(__x86_64__)
template <int kCount>
[[gnu::target("avx2,fma")]] void block_avx2(const Chain& chain, Sums& sums) {
  __m256 low[std::size_t{kCount}], high[std::size_t{kCount}];
  for (int i = 0; i < kCount; ++i) {
    low[i] = _mm256_loadu_ps(sums[at(i)].data());
    high[i] = _mm256_loadu_ps(sums[at(i)].data() + 8);
  }
  for (std::int64_t r = chain.begin; r < chain.end; ++r) {
    const __m256 w_low = _mm256_loadu_ps(chain.w + r * kColumns);
    const __m256 w_high = _mm256_loadu_ps(chain.w + r * kColumns + 8);
#pragma GCC unroll 4
    for (int i = 0; i < kCount; ++i) {
      const __m256 x = _mm256_set1_ps(chain.x[i * chain.k + r]);
      low[i] = _mm256_fmadd_ps(x, w_low, low[i]);
      high[i] = _mm256_fmadd_ps(x, w_high, high[i]);
    }
  }
  for (int i = 0; i < kCount; ++i) {
    _mm256_storeu_ps(sums[at(i)].data(), low[i]);
    _mm256_storeu_ps(sums[at(i)].data() + 8, high[i]);
  }
}

void step_avx2(const Chain& chain, std::int64_t count, Sums& sums) {
  switch (count) {
    case 1:
      return block_avx2<1>(chain, sums);
    case 2:
      return block_avx2<2>(chain, sums);
    case 3:
      return block_avx2<3>(chain, sums);
    default:
      return block_avx2<4>(chain, sums);
  }
}
#endif

Step step_of([[maybe_unused]] Simd simd) {
#if defined(__x86_64__)
  if (simd >= Simd::kAvx2) return step_avx2;
#endif
  return step_portable;
}

// Runs of lanes that are not masked.
struct Run {
  std::int64_t begin, end;
};
void find_runs(const std::int16_t* lanes, std::int64_t k, std::vector<Run>& runs) {
  runs.clear();
  for (std::int64_t r = 0; r < k;) {
    if (lanes[r] == kMasked) {
      ++r;
      continue;
    }
    const std::int64_t begin = r;
    while (r < k && lanes[r] != kMasked) ++r;
    runs.push_back({begin, r});
  }
}

// Rows [row, row + count) of the pass, widened, and their runs, which are the same for all.
class Block {
 public:
  explicit Block(const FloatPass& pass)
      : pass_(pass), bits_(at(pass.k)), x_(at(kRows * pass.k)), runs_{{0, pass.k}} {}

  void take(std::int64_t row) {
    first_ = row;
    count_ = 0;
    while (count_ < kRows && row + count_ < pass_.rows) {
      std::memcpy(bits_.data(), pass_.x + (row + count_) * pass_.x_stride, at(2 * pass_.k));
      const bool masked = pass_.may_mask && std::ranges::find(bits_, kMasked) != bits_.end();
      if (masked && count_ > 0) break;
      float* to = x_.data() + count_ * pass_.k;
      for (std::int64_t r = 0; r < pass_.k; ++r) to[r] = operand_value(bits_[at(r)]);
      ++count_;
      runs_.assign(1, {0, pass_.k});
      if (!masked) continue;
      find_runs(bits_.data(), pass_.k, runs_);
      break;
    }
  }
  [[nodiscard]] std::int64_t end() const { return first_ + count_; }

  // Columns [c, c + 16) of them.
  void compute(std::int64_t c, Step step) const {
    Sums sums{};
    const float* w = pass_.weights + c * pass_.tile_k;
    for (const Run& run : runs_) step({x_.data(), pass_.k, run.begin, run.end, w}, count_, sums);
    const std::int64_t columns = std::min(kColumns, pass_.n - c);
    for (std::int64_t i = 0; i < count_; ++i) {
      std::int32_t* acc = pass_.acc + (first_ + i) * pass_.acc_stride + c;
      for (std::int64_t j = 0; j < columns; ++j) {
        const auto sum = std::bit_cast<std::int32_t>(canonical(sums[at(i)][at(j)]));
        acc[j] = pass_.accumulate ? add_floats(acc[j], sum) : sum;
      }
    }
  }

 private:
  const FloatPass& pass_;
  std::vector<std::int16_t> bits_;
  std::vector<float> x_;
  std::vector<Run> runs_;
  std::int64_t first_ = 0, count_ = 0;
};

}  // namespace

std::vector<float> pack_floats(const std::uint8_t* rows, std::int64_t stride, std::int64_t k,
                               std::int64_t n) {
  std::vector<float> packed(at(ceil_div(n, kColumns) * kColumns * k));
  for (std::int64_t r = 0; r < k; ++r) {
    for (std::int64_t c = 0; c < n; ++c) {
      std::int16_t bits;
      std::memcpy(&bits, rows + r * stride + 2 * c, sizeof bits);
      packed[at((c / kColumns * k + r) * kColumns + c % kColumns)] = operand_value(bits);
    }
  }
  return packed;
}

void compute_floats(const FloatPass& pass, Simd simd) {
  const Step step = step_of(simd);
  Block block(pass);
  for (std::int64_t row = 0; row < pass.rows; row = block.end()) {
    block.take(row);
    for (std::int64_t c = 0; c < pass.n; c += kColumns) block.compute(c, step);
  }
}

}  // namespace systole::sim
