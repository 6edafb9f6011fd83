// See exact_product.h.
#include "compare/targets/cpu/exact_product.h"

#include <fmt/core.h>
#include <xnnpack.h>

#include <algorithm>
#include <functional>

#include "base/diag.h"
#include "compare/targets/host_isa.h"
#include "sim/unit/array_values.h"

namespace systole::compare {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
std::uint32_t u32(std::int64_t i) { return static_cast<std::uint32_t>(i); }

using Blocks = std::function<void(std::int64_t first, std::int64_t count)>;

// work(first, count) over [0, total), at most `block` at a time, on all threads of the pool.
void in_blocks(const ThreadPool& pool, std::int64_t total, std::int64_t block, const Blocks& work) {
  pthreadpool_parallelize_1d_tile_1d(
      pool.get(),
      [](void* context, std::size_t first, std::size_t count) {
        (*static_cast<const Blocks*>(context))(static_cast<std::int64_t>(first),
                                               static_cast<std::int64_t>(count));
      },
      const_cast<Blocks*>(&work), at(total), at(block), 0);  // only called
}

// --- XNNPACK ---

struct DeleteOperator {
  void operator()(xnn_operator* op) const { xnn_delete_operator(op); }
};
using Operator = std::unique_ptr<xnn_operator, DeleteOperator>;

// Null if XNNPACK does not take it (a multiplier of 256 and more, or of no normal number).
Operator convolution(const ExactProductSpec& s) {
  static const bool ready = xnn_initialize(nullptr) == xnn_status_success;
  if (!ready || s.multipliers.empty()) return nullptr;
  const compiler::Window& w = s.window;
  xnn_operator_t made = nullptr;
  // Scales of 1 around the multipliers, so that nothing is rounded on the way to them.
  const xnn_status status = xnn_create_convolution2d_nhwc_qc8(
      u32(w.pads[0]), u32(w.pads[3]), u32(w.pads[2]), u32(w.pads[1]), u32(w.kernel[0]),
      u32(w.kernel[1]), u32(w.strides[0]), u32(w.strides[1]), u32(w.dilations[0]),
      u32(w.dilations[1]), u32(s.groups), at(s.channels / s.groups), at(s.filters / s.groups),
      at(s.channels), at(s.filters), static_cast<std::int8_t>(s.x_zero), 1.0F, s.multipliers.data(),
      s.weights.data(), s.bias.data(), static_cast<std::int8_t>(s.limits.zero_point), 1.0F,
      static_cast<std::int8_t>(s.limits.lo), static_cast<std::int8_t>(s.limits.hi), 0, &made);
  return Operator(status == xnn_status_success ? made : nullptr);
}

class XnnpackProduct : public ExactProduct {
 public:
  XnnpackProduct(const ExactProductSpec& spec, Operator op, ThreadPool pool)
      : batch_(spec.batch),
        height_(spec.height),
        width_(spec.width),
        op_(std::move(op)),
        pool_(std::move(pool)) {}

  void run(const std::int8_t* x, void* y) override {
    if (x != x_ || y != y_) {
      const xnn_status status =
          xnn_setup_convolution2d_nhwc_qc8(op_.get(), at(batch_), at(height_), at(width_), x,
                                           static_cast<std::int8_t*>(y), pool_.get());
      SYSTOLE_CHECK(status == xnn_status_success, "XNNPACK's setup: {}", static_cast<int>(status));
      x_ = x;
      y_ = y;
    }
    const xnn_status status = xnn_run_operator(op_.get(), pool_.get());
    SYSTOLE_CHECK(status == xnn_status_success, "XNNPACK's run: {}", static_cast<int>(status));
  }
  [[nodiscard]] std::string library() const override { return xnnpack_text(); }
  [[nodiscard]] std::string kernel() const override { return "xnnpack:convolution_nhwc_qc8"; }

 private:
  std::int64_t batch_, height_, width_;
  Operator op_;
  ThreadPool pool_;
  const std::int8_t* x_ = nullptr;  // what the operator was set up for
  void* y_ = nullptr;
};

// --- the array's loops ---

constexpr std::int64_t kPixels = 48;  // of a block: a multiple of what the loops keep in registers
constexpr std::int64_t kDeepest = 1024;  // rows of a tile

// A group's weights [k][n], in tiles of at most kDeepest rows.
std::vector<sim::PackedTile> packed_group(const ExactProductSpec& s, std::int64_t group) {
  const std::int64_t n = s.filters / s.groups, k = std::ssize(s.weights) / s.filters;
  std::vector<std::uint8_t> rows(at(k * n));
  for (std::int64_t c = 0; c < n; ++c) {
    for (std::int64_t r = 0; r < k; ++r) {
      rows[at(r * n + c)] = static_cast<std::uint8_t>(s.weights[at((group * n + c) * k + r)]);
    }
  }
  std::vector<sim::PackedTile> tiles;
  for (std::int64_t r = 0; r < k; r += kDeepest) {
    tiles.push_back(sim::pack_tile(rows.data() + r * n, n, std::min(kDeepest, k - r), n, true));
  }
  return tiles;
}

class ArrayProduct : public ExactProduct {
 public:
  ArrayProduct(ExactProductSpec spec, ThreadPool pool)
      : s_(std::move(spec)), pool_(std::move(pool)) {
    for (std::int64_t g = 0; g < s_.groups; ++g) tiles_.push_back(packed_group(s_, g));
    const compiler::Window& w = s_.window;
    pointwise_ = s_.groups == 1 && w.kernel == std::array<std::int64_t, 2>{1, 1} &&
                 w.strides == w.kernel && w.pads == std::array<std::int64_t, 4>{};
  }

  void run(const std::int8_t* x, void* y) override {
    in_blocks(pool_, s_.batch * s_.out_height * s_.out_width, kPixels,
              [&](std::int64_t first, std::int64_t count) { block(x, first, count, y); });
  }
  [[nodiscard]] std::string library() const override { return array_loops_text(); }
  [[nodiscard]] std::string kernel() const override { return "systole:array_values"; }

 private:
  // Results of pixels [first, first + count).
  void block(const std::int8_t* x, std::int64_t first, std::int64_t count, void* y) const {
    if (s_.multipliers.empty()) {
      return sums(x, first, count, static_cast<std::int32_t*>(y) + first * s_.filters);
    }
    thread_local std::vector<std::int32_t> wide;
    wide.resize(at(count * s_.filters));
    sums(x, first, count, wide.data());
    for (std::int64_t p = 0; p < count; ++p) {
      std::int32_t* row = wide.data() + p * s_.filters;
      sim::requantise_row(row, nullptr, s_.multipliers.data(), s_.limits, s_.filters, row);
      sim::narrow_row(row, s_.filters, 1, static_cast<std::uint8_t*>(y) + (first + p) * s_.filters);
    }
  }

  void sums(const std::int8_t* x, std::int64_t first, std::int64_t count, std::int32_t* y) const {
    for (std::int64_t p = 0; p < count; ++p) std::ranges::copy(s_.bias, y + p * s_.filters);
    for (std::int64_t g = 0; g < s_.groups; ++g) {
      multiply(
          g, pointwise_ ? Rows{x + first * s_.channels, s_.channels} : windows(x, g, first, count),
          count, y + g * (s_.filters / s_.groups));
    }
  }

  struct Rows {
    const std::int8_t* first;
    std::int64_t stride;
  };

  void multiply(std::int64_t group, Rows rows, std::int64_t count, std::int32_t* y) const {
    for (const sim::PackedTile& tile : tiles_[at(group)]) {
      (void)sim::compute_pass({.tile = tile,
                               .zero = {},
                               .x = reinterpret_cast<const std::uint8_t*>(rows.first),
                               .x_stride = rows.stride,
                               .rows = count,
                               .x_bytes = 1,
                               .x_signed = true,
                               .zero_point = s_.x_zero,
                               .acc = y,
                               .acc_stride = s_.filters,
                               .accumulate = true},
                              host_isa().simd);
      rows.first += tile.k;
    }
  }

  // What each pixel's window holds, a row a pixel; x_zero where the window leaves x.
  [[nodiscard]] Rows windows(const std::int8_t* x, std::int64_t group, std::int64_t first,
                             std::int64_t count) const {
    thread_local std::vector<std::int8_t> rows;
    const std::int64_t depth = s_.channels / s_.groups;
    const std::int64_t stride = s_.window.kernel[0] * s_.window.kernel[1] * depth;
    rows.assign(at(count * stride + kReadableBehind), static_cast<std::int8_t>(s_.x_zero));
    for (std::int64_t p = 0; p < count; ++p) {
      gather(x + group * depth, first + p, rows.data() + p * stride);
    }
    return {rows.data(), stride};
  }

  void gather(const std::int8_t* x, std::int64_t pixel, std::int8_t* row) const {
    const compiler::Window& w = s_.window;
    const std::int64_t depth = s_.channels / s_.groups;
    const std::int64_t image = pixel / (s_.out_height * s_.out_width);
    const std::int64_t top = pixel / s_.out_width % s_.out_height * w.strides[0] - w.pads[0];
    const std::int64_t left = pixel % s_.out_width * w.strides[1] - w.pads[1];
    for (std::int64_t i = 0; i < w.kernel[0] * w.kernel[1]; ++i) {
      const std::int64_t row_of_x = top + i / w.kernel[1] * w.dilations[0];
      const std::int64_t column = left + i % w.kernel[1] * w.dilations[1];
      if (row_of_x < 0 || row_of_x >= s_.height || column < 0 || column >= s_.width) continue;
      const std::int64_t from = (image * s_.height + row_of_x) * s_.width + column;
      std::copy_n(x + from * s_.channels, depth, row + i * depth);
    }
  }

  ExactProductSpec s_;
  ThreadPool pool_;
  std::vector<std::vector<sim::PackedTile>> tiles_;  // by group
  bool pointwise_ = false;
};

}  // namespace

ThreadPool make_thread_pool(int threads) {
  if (threads <= 1) return nullptr;  // in the caller's thread
  return {pthreadpool_create(at(threads)), pthreadpool_destroy};
}

std::unique_ptr<ExactProduct> make_exact_product(ExactProductSpec spec, const ThreadPool& pool) {
  if (Operator op = convolution(spec)) {
    return std::make_unique<XnnpackProduct>(spec, std::move(op), pool);
  }
  return std::make_unique<ArrayProduct>(std::move(spec), pool);
}

void flip_bytes(const std::uint8_t* from, std::int64_t count, std::uint8_t flip, std::uint8_t* to,
                const ThreadPool& pool) {
  constexpr std::int64_t kBlock = 1 << 16;
  in_blocks(pool, count, kBlock, [&](std::int64_t first, std::int64_t bytes) {
    for (std::int64_t i = first; i < first + bytes; ++i) {
      to[i] = static_cast<std::uint8_t>(from[i] ^ flip);
    }
  });
}

}  // namespace systole::compare
