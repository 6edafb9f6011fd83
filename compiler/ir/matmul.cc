// Reference matrix product. One blocked kernel for float32 and for float64: the weights are packed
// into panels of a few columns, and a tile of rows x columns is summed in registers with k upwards,
// so each element sees the additions in the order of the plain triple loop, whatever the width of
// the processor's vectors.
//
// Integers run through the float64 kernel: operands minus zero points fit 17 bits, products 34, and
// a chunk of 2^18 of them stays below 2^53, so every sum is exact before it is taken modulo 2^32.
#include "compiler/ir/matmul.h"

#include <algorithm>
#include <array>

#include "base/numerics.h"
#include "compiler/ir/bfloat16_products.h"
#include "compiler/ir/integers.h"

namespace systole::compiler {
namespace {

constexpr std::size_t kRows =
    4;  // of a tile; kRows x 64 bytes of sums fill half of AVX2's registers
constexpr std::size_t kChunk = std::size_t{1} << 18;
template <typename T>
constexpr std::size_t kColumns = 64 / sizeof(T);
template <typename T>
using Tile = std::array<std::array<T, kColumns<T>>, kRows>;

struct Extents {
  std::size_t m, k, n;
};

// Elements that are multiplied at once, at any address: vectors of GCC's, as it vectorises plain
// loops along k.
constexpr std::size_t kVectorBytes = 32;
template <typename T>
struct Vector {
  using Type [[gnu::vector_size(kVectorBytes), gnu::aligned(alignof(T)), gnu::may_alias]] = T;
};

// kRows rows of x, `stride` apart, times a packed panel of k x kColumns weights.
template <typename T>
[[gnu::always_inline]] inline void sum_tile(const T* x, std::size_t stride, const T* panel,
                                            std::size_t k, Tile<T>& result) {
  using V = typename Vector<T>::Type;
  constexpr std::size_t kVectors = kColumns<T> * sizeof(T) / kVectorBytes;
  V sum[kRows][kVectors] = {};
  for (std::size_t i = 0; i < k; ++i) {
    const V* const w = reinterpret_cast<const V*>(panel + i * kColumns<T>);
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t v = 0; v < kVectors; ++v) sum[r][v] += x[r * stride + i] * w[v];
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    V* const to = reinterpret_cast<V*>(result[r].data());
    for (std::size_t v = 0; v < kVectors; ++v) to[v] = sum[r][v];
  }
}

// No fused multiply-add in either: the same sums.
#define SYSTOLE_CLONES __attribute__((target_clones("avx2", "default")))
SYSTOLE_CLONES void multiply_tile(const float* x, std::size_t stride, const float* panel,
                                  std::size_t k, Tile<float>& result) {
  sum_tile(x, stride, panel, k, result);
}
SYSTOLE_CLONES void multiply_tile(const double* x, std::size_t stride, const double* panel,
                                  std::size_t k, Tile<double>& result) {
  sum_tile(x, stride, panel, k, result);
}
#undef SYSTOLE_CLONES

// Calls emit(row, column, sum) for each element of x [m, k] times w [k, n]. x has room for whole
// tiles of rows; weight(k, n) is one widened weight.
template <typename T, typename Weight, typename Emit>
void multiply(const std::vector<T>& x, Extents e, Weight weight, Emit emit) {
  std::vector<T> panel(e.k * kColumns<T>);
  for (std::size_t column = 0; column < e.n; column += kColumns<T>) {
    const std::size_t columns = std::min(kColumns<T>, e.n - column);
    for (std::size_t k = 0; k < e.k; ++k) {
      for (std::size_t c = 0; c < columns; ++c) panel[k * kColumns<T> + c] = weight(k, column + c);
    }
    for (std::size_t row = 0; row < e.m; row += kRows) {
      Tile<T> tile;
      multiply_tile(x.data() + row * e.k, e.k, panel.data(), e.k, tile);
      for (std::size_t r = 0; r < std::min(kRows, e.m - row); ++r) {
        for (std::size_t c = 0; c < columns; ++c) emit(row + r, column + c, tile[r][c]);
      }
    }
  }
}

std::size_t whole_tiles(std::size_t rows) { return (rows + kRows - 1) / kRows * kRows; }

std::int32_t zero_point(const std::optional<Quant>& quant, std::size_t channel) {
  if (!quant) return 0;
  return quant->zero_points[quant->per_tensor() ? 0 : channel];
}

void accumulate_chunk(std::vector<std::uint32_t>& sums, const MatmulAttrs& attrs, const Tensor& x,
                      const Tensor& w, std::size_t first_k) {
  const std::size_t whole_k = static_cast<std::size_t>(w.shape[0]);
  const auto n = static_cast<std::size_t>(w.shape[1]);
  const Extents e{n == 0 ? 0 : sums.size() / n, std::min(kChunk, whole_k - first_k), n};
  std::vector<double> wide(whole_tiles(e.m) * e.k);
  with_integers(x, [&](auto values) {
    const std::int32_t zero = zero_point(attrs.x_quant, 0);
    for (std::size_t i = 0; i < e.m * e.k; ++i) {
      wide[i] = values[i / e.k * whole_k + first_k + i % e.k] - zero;
    }
  });
  const bool by_row = attrs.w_quant && attrs.w_quant->axis == 0;
  with_integers(w, [&](auto values) {
    const auto weight = [&](std::size_t k, std::size_t c) -> double {
      return values[(first_k + k) * n + c] - zero_point(attrs.w_quant, by_row ? first_k + k : c);
    };
    multiply(wide, e, weight, [&](std::size_t row, std::size_t c, double sum) {
      sums[row * n + c] += static_cast<std::uint32_t>(static_cast<std::int64_t>(sum));
    });
  });
}

Tensor requantise_sums(const MatmulAttrs& attrs, std::span<const std::int32_t> sums, Shape shape) {
  Tensor y(attrs.output->type, std::move(shape));
  const auto n = static_cast<std::size_t>(y.shape.back());
  std::vector<float> multipliers(n);
  for (std::size_t c = 0; c < n; ++c) {
    const Quant& w = *attrs.w_quant;
    multipliers[c] =
        requantise_multiplier(attrs.alpha * attrs.x_quant->scales[0],
                              w.scales[w.per_tensor() ? 0 : c], attrs.output->scales[0]);
  }
  const std::int32_t zero = attrs.output->zero_points[0];
  const auto size = static_cast<std::size_t>(dtype_bytes(y.type));
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const std::int32_t q = requantise(sums[i], multipliers[i % n], zero, attrs.lo, attrs.hi);
    for (std::size_t b = 0; b < size; ++b) {
      y.data[i * size + b] = static_cast<std::uint8_t>(static_cast<std::uint32_t>(q) >> (8 * b));
    }
  }
  return y;
}

Tensor multiply_integers(const MatmulAttrs& attrs, std::span<const MatmulTerm> terms, Tensor y,
                         const Tensor* bias) {
  std::vector<std::uint32_t> sums(static_cast<std::size_t>(y.count()));
  for (const auto& [x, w] : terms) {
    const auto k = static_cast<std::size_t>(w.shape[0]);
    for (std::size_t first = 0; first < k; first += kChunk) {
      accumulate_chunk(sums, attrs, x, w, first);
    }
  }
  const std::span<std::int32_t> result = y.as<std::int32_t>();
  const auto biases = bias == nullptr ? std::span<const std::int32_t>{} : bias->as<std::int32_t>();
  for (std::size_t i = 0; i < sums.size(); ++i) {
    result[i] = static_cast<std::int32_t>(sums[i]);
    if (!biases.empty()) result[i] = wrapping_add(result[i], biases[i % biases.size()]);
  }
  return attrs.output ? requantise_sums(attrs, result, y.shape) : y;
}

}  // namespace

namespace {

// Each matrix of x times its matrix of w.
Tensor multiply_batches(const MatmulAttrs& attrs, const Tensor& x, const Tensor& w) {
  Shape shape = x.shape;
  shape.back() = w.shape.back();
  Tensor y(DType::kFloat32, shape);
  const auto matrix = [](const Tensor& t, std::size_t i) {
    const Shape own(t.shape.end() - 2, t.shape.end());
    const auto count = static_cast<std::size_t>(element_count(own));
    return make_tensor<float>(own, t.as<float>().subspan(i * count, count));
  };
  const auto each = static_cast<std::size_t>(shape[shape.size() - 2] * shape.back());
  for (std::size_t i = 0; each > 0 && i < y.as<float>().size() / each; ++i) {
    const Tensor part = evaluate_matmul(attrs, matrix(x, i), matrix(w, i), nullptr);
    std::ranges::copy(part.as<float>(), y.as<float>().subspan(i * each, each).begin());
  }
  return y;
}

}  // namespace

Tensor evaluate_matmul(const MatmulAttrs& attrs, const Tensor& x, const Tensor& w,
                       const Tensor* bias) {
  if (w.shape.size() > 2) return multiply_batches(attrs, x, w);
  const MatmulTerm term{x, w};
  return evaluate_matmul(attrs, std::span<const MatmulTerm>(&term, 1), bias);
}

Tensor evaluate_matmul(const MatmulAttrs& attrs, std::span<const MatmulTerm> terms,
                       const Tensor* bias) {
  const auto& [x, w] = terms.front();
  if (w.shape.size() > 2) return multiply_batches(attrs, x, w);
  Shape shape = x.shape;
  shape.back() = w.shape[1];
  if (x.type == DType::kBfloat16) return multiply_bfloat16(attrs, x, w, bias);
  if (x.type != DType::kFloat32) {
    return multiply_integers(attrs, terms, Tensor(DType::kInt32, std::move(shape)), bias);
  }
  Tensor y(DType::kFloat32, std::move(shape));
  const std::span<float> result = y.as<float>();
  const std::span<const float> weights = w.as<float>();
  const auto n = static_cast<std::size_t>(w.shape[1]);
  const Extents e{n == 0 ? 0 : result.size() / n, static_cast<std::size_t>(w.shape[0]), n};
  std::vector<float> rows(whole_tiles(e.m) * e.k);
  std::copy(x.as<float>().begin(), x.as<float>().end(), rows.begin());
  const bool biased = bias != nullptr && attrs.beta != 0.0F;
  const auto biases = biased ? bias->as<float>() : std::span<const float>{};
  const auto weight = [&](std::size_t k, std::size_t c) { return weights[k * n + c]; };
  multiply(rows, e, weight, [&](std::size_t row, std::size_t c, float sum) {
    const float scaled = attrs.alpha * sum;
    result[row * n + c] = biased ? scaled + attrs.beta * biases[c] : scaled;
  });
  return y;
}

}  // namespace systole::compiler
