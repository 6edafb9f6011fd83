// Products of 8-bit integers that are exact on every processor: by XNNPACK where it can, else by
// the simulator's own array loops.
//
// XNNPACK multiplies int8 by int8 into int32, channels last, and requantises as ONNX does, with one
// fp32 multiply; its results are 8 bits wide. What leaves a product as int32 sums, or by a
// multiplier that XNNPACK refuses, is computed by sim/unit/array_values.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "sim/unit/activation_values.h"

struct pthreadpool;

namespace systole::compare {

// Bytes that must be readable behind x: XNNPACK and the array loops load whole vectors.
inline constexpr std::int64_t kReadableBehind = 64;

// y = x * w + bias, channels last: a matrix product is a convolution of `height` pixels with 1 x 1.
struct ExactProductSpec {
  std::int64_t batch = 1, height = 1, width = 1, channels = 1;  // of x, int8
  std::int64_t out_height = 1, out_width = 1, filters = 1;      // of y
  compiler::Window window;
  std::int64_t groups = 1;
  std::int32_t x_zero = 0;
  std::vector<std::int8_t> weights;  // [filters][kernel height][kernel width][channels / groups]
  std::vector<std::int32_t> bias;    // one a filter
  // One a filter: y is int8, requantised by it into `limits`. Empty: y is the int32 sums.
  std::vector<float> multipliers;
  sim::Limits limits{};
};

class ExactProduct {
 public:
  ExactProduct() = default;
  virtual ~ExactProduct() = default;
  ExactProduct(const ExactProduct&) = delete;
  ExactProduct& operator=(const ExactProduct&) = delete;

  // x with kReadableBehind bytes behind it; y of int8 or int32.
  virtual void run(const std::int8_t* x, void* y) = 0;
  [[nodiscard]] virtual std::string library() const = 0;  // "XNNPACK 20220216 (AVX2)"
  [[nodiscard]] virtual std::string kernel() const = 0;   // the code that runs, of that library
};

// Threads that products share. XNNPACK brings its own: it knows nothing of OpenMP.
using ThreadPool = std::shared_ptr<pthreadpool>;
[[nodiscard]] ThreadPool make_thread_pool(int threads);

[[nodiscard]] std::unique_ptr<ExactProduct> make_exact_product(ExactProductSpec spec,
                                                               const ThreadPool& pool);

// to[i] = from[i] ^ flip: with 0x80, uint8 as int8 less 128, and back.
void flip_bytes(const std::uint8_t* from, std::int64_t count, std::uint8_t flip, std::uint8_t* to,
                const ThreadPool& pool);

}  // namespace systole::compare
