// ONNX's GridSample and RoiAlign of constant places: for each image a product with a constant
// matrix, whose columns hold the weights of the pixels that a result is made of.
//
// Source: the texts of the two operators (opsets 10 to 22) and their references.
#include <algorithm>
#include <array>
#include <cmath>

#include "compiler/frontend/constant_tensor.h"
#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_ops.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMostWeights = std::int64_t{1} << 26;  // of a matrix

// Float [N, C, H, W].
Shape read_images(OnnxNode& node) {
  node.require_type("X", node.input(0), DType::kFloat32);
  const Shape shape = node.shape(0);
  node.require(shape.size() == 4 && element_count(shape) > 0, "X has shape " + shape_text(shape),
               "[N, C, H, W], not empty");
  return shape;
}

Tensor new_matrix(OnnxNode& node, const Shape& images, std::int64_t results) {
  const std::int64_t pixels = images[2] * images[3];
  node.require(results >= 1 && pixels <= kMostWeights / results,
               fmt::format("{} results of {} pixels", results, pixels),
               fmt::format("at most {} weights", kMostWeights));
  return Tensor(DType::kFloat32, {pixels, results});
}

// [1, C, results] of one image.
ValueId sampled(OnnxNode& node, std::int64_t image, Tensor matrix) {
  GraphBuilder& builder = node.builder();
  const Shape shape = node.shape(0);
  const ValueId one = emit_slice(builder, node.input(0), 0, image, image + 1);
  const ValueId rows = builder.reshape(one, {1, shape[1], shape[2] * shape[3]});
  return emit_product(builder, rows, builder.add_constant("matrix", std::move(matrix)));
}

// --- GridSample ---

enum class Beyond { kZeros, kBorder, kReflection };

// Places along an axis of `length` pixels.
struct GridAxis {
  std::int64_t length = 1;
  bool corners = false;
  Beyond beyond = Beyond::kZeros;

  [[nodiscard]] double low() const { return corners ? 0.0 : -0.5; }
  [[nodiscard]] double high() const { return static_cast<double>(length) - (corners ? 1.0 : 0.5); }
  // Of -1 to 1, pixels.
  [[nodiscard]] double place(double n) const {
    const auto all = static_cast<double>(length);
    return corners ? (n + 1.0) / 2.0 * (all - 1.0) : ((n + 1.0) * all - 1.0) / 2.0;
  }
  [[nodiscard]] bool has(double x) const { return x >= low() && x <= high(); }
  [[nodiscard]] double reflected(double x) const {
    const double range = high() - low();
    if (has(x)) return x;
    if (range == 0.0) return low();
    const double beyond_it = x < low() ? low() - x : x - high();
    const double times = std::floor(beyond_it / range);
    const double rest = beyond_it - times * range;
    const bool even = std::fmod(times, 2.0) == 0.0;
    return (x < low()) == even ? low() + rest : high() - rest;
  }
  [[nodiscard]] double inside(double x) const {
    if (beyond == Beyond::kBorder) return std::clamp(x, 0.0, static_cast<double>(length - 1));
    return beyond == Beyond::kReflection ? reflected(x) : x;
  }
  // The pixel that stands at `i`; -1 if none does.
  [[nodiscard]] std::int64_t pixel(std::int64_t i) const {
    if (i >= 0 && i < length) return i;
    if (beyond == Beyond::kZeros) return -1;
    if (beyond == Beyond::kBorder) return std::clamp<std::int64_t>(i, 0, length - 1);
    const auto at = static_cast<std::int64_t>(reflected(static_cast<double>(i)));
    return std::clamp<std::int64_t>(at, 0, length - 1);
  }
};

struct Taps {
  std::int64_t first = 0;
  std::vector<double> weights;
};

// Keys' cubic convolution with a = -0.75.
double cubic(double distance) {
  constexpr double kA = -0.75;
  const double d = std::abs(distance);
  if (d <= 1.0) return ((kA + 2.0) * d - (kA + 3.0)) * d * d + 1.0;
  return d < 2.0 ? ((kA * d - 5.0 * kA) * d + 8.0 * kA) * d - 4.0 * kA : 0.0;
}

Taps taps_at(const std::string& mode, double x) {
  if (mode == "nearest") return {static_cast<std::int64_t>(std::nearbyint(x)), {1.0}};
  const double floor = std::floor(x);
  const auto first = static_cast<std::int64_t>(floor);
  if (mode == "linear") return {first, {1.0 - (x - floor), x - floor}};
  Taps taps{first - 1, {}};
  for (std::int64_t i = -1; i <= 2; ++i)
    taps.weights.push_back(cubic(static_cast<double>(i) - (x - floor)));
  return taps;
}

struct Grid {
  std::string mode;
  GridAxis rows, columns;
};

Grid read_grid(OnnxNode& node, const Shape& images) {
  Grid grid;
  const bool old = node.opset() < 20;
  const std::string mode = node.string_or("mode", old ? "bilinear" : "linear");
  const bool cubic = mode == (old ? "bicubic" : "cubic");
  const bool linear = mode == (old ? "bilinear" : "linear");
  node.require(cubic || linear || mode == "nearest", "mode is '" + mode + "'",
               old ? "bilinear, nearest or bicubic" : "linear, nearest or cubic");
  grid.mode = cubic ? "cubic" : linear ? "linear" : "nearest";
  const std::string beyond = node.string_or("padding_mode", "zeros");
  const bool known = beyond == "zeros" || beyond == "border" || beyond == "reflection";
  node.require(known, "padding_mode is '" + beyond + "'", "zeros, border or reflection");
  const Beyond how = beyond == "zeros"    ? Beyond::kZeros
                     : beyond == "border" ? Beyond::kBorder
                                          : Beyond::kReflection;
  const bool corners = node.flag("align_corners");
  grid.rows = {images[2], corners, how};
  grid.columns = {images[3], corners, how};
  return grid;
}

// The weights of one result, in column `to`.
void add_place(const Grid& grid, double x, double y, Tensor& matrix, std::int64_t to) {
  x = grid.columns.place(x);
  y = grid.rows.place(y);
  if (grid.mode == "nearest") {
    x = std::nearbyint(x);
    y = std::nearbyint(y);
  }
  if (!grid.columns.has(x) || !grid.rows.has(y)) {
    x = grid.columns.inside(x);
    y = grid.rows.inside(y);
  }
  constexpr double kFar = 0x1p40;  // beyond all pixels
  if (!(std::abs(x) < kFar) || !(std::abs(y) < kFar)) return;
  const Taps across = taps_at(grid.mode, x);
  const Taps down = taps_at(grid.mode, y);
  const std::int64_t results = matrix.shape[1];
  for (std::size_t i = 0; i < down.weights.size(); ++i) {
    const std::int64_t row = grid.rows.pixel(down.first + static_cast<std::int64_t>(i));
    for (std::size_t j = 0; j < across.weights.size(); ++j) {
      const std::int64_t column = grid.columns.pixel(across.first + static_cast<std::int64_t>(j));
      if (row < 0 || column < 0) continue;
      const std::int64_t pixel = row * grid.columns.length + column;
      matrix.as<float>()[static_cast<std::size_t>(pixel * results + to)] +=
          static_cast<float>(down.weights[i] * across.weights[j]);
    }
  }
}

// --- RoiAlign ---

struct Rois {
  std::int64_t height = 1, width = 1, sampling = 0;
  double scale = 1.0, offset = 0.0;
  bool whole_pixels = false;  // a region has a pixel at least
};

// The weights of a pixel's neighbours along an axis; none outside.
Taps neighbours(double x, std::int64_t length) {
  if (x < -1.0 || x > static_cast<double>(length)) return {};
  const double inside = std::max(x, 0.0);
  const auto low = static_cast<std::int64_t>(inside);
  if (low >= length - 1) return {length - 1, {1.0}};
  const double f = inside - static_cast<double>(low);
  return {low, {1.0 - f, f}};
}

struct RoiAxis {
  double start = 0.0, bin = 1.0;
  std::int64_t samples = 1;
  [[nodiscard]] double place(std::int64_t cell, std::int64_t sample) const {
    return start + static_cast<double>(cell) * bin +
           (static_cast<double>(sample) + 0.5) * bin / static_cast<double>(samples);
  }
};

RoiAxis roi_axis(const Rois& rois, double begin, double end, std::int64_t cells) {
  RoiAxis axis;
  axis.start = begin * rois.scale - rois.offset;
  double length = end * rois.scale - rois.offset - axis.start;
  if (rois.whole_pixels) length = std::max(length, 1.0);
  axis.bin = length / static_cast<double>(cells);
  constexpr double kMostSamples = 4096.0;
  const double samples =
      rois.sampling > 0 ? static_cast<double>(rois.sampling) : std::ceil(axis.bin);
  axis.samples = static_cast<std::int64_t>(std::clamp(samples, 0.0, kMostSamples));
  return axis;
}

// The mean of the samples of each cell of a region [x1, y1, x2, y2].
void add_region(const Rois& rois, const Shape& images, std::span<const float> region,
                Tensor& matrix) {
  const RoiAxis across = roi_axis(rois, double{region[0]}, double{region[2]}, rois.width);
  const RoiAxis down = roi_axis(rois, double{region[1]}, double{region[3]}, rois.height);
  const auto count = static_cast<double>(std::max<std::int64_t>(1, across.samples * down.samples));
  const auto add = [&](std::int64_t cell, const Taps& rows, const Taps& columns) {
    for (std::size_t i = 0; i < rows.weights.size(); ++i) {
      for (std::size_t j = 0; j < columns.weights.size(); ++j) {
        const std::int64_t pixel = (rows.first + static_cast<std::int64_t>(i)) * images[3] +
                                   columns.first + static_cast<std::int64_t>(j);
        matrix.as<float>()[static_cast<std::size_t>(pixel * matrix.shape[1] + cell)] +=
            static_cast<float>(rows.weights[i] * columns.weights[j] / count);
      }
    }
  };
  for (std::int64_t cell = 0; cell < rois.height * rois.width; ++cell) {
    for (std::int64_t i = 0; i < down.samples * across.samples; ++i) {
      add(cell, neighbours(down.place(cell / rois.width, i / across.samples), images[2]),
          neighbours(across.place(cell % rois.width, i % across.samples), images[3]));
    }
  }
}

Rois read_rois(OnnxNode& node) {
  Rois rois;
  const std::string mode = node.string_or("mode", "avg");
  node.require(mode == "avg", "mode is '" + mode + "'", "avg");
  rois.height = node.int_or("output_height", 1);
  rois.width = node.int_or("output_width", 1);
  rois.sampling = node.int_or("sampling_ratio", 0);
  rois.scale = double{node.float_or("spatial_scale", 1.0F)};
  std::string places = "output_half_pixel";
  if (node.opset() >= 16) places = node.string_or("coordinate_transformation_mode", "half_pixel");
  node.require(places == "half_pixel" || places == "output_half_pixel",
               "coordinate_transformation_mode is '" + places + "'",
               "half_pixel or output_half_pixel");
  rois.whole_pixels = places == "output_half_pixel";
  rois.offset = rois.whole_pixels ? 0.0 : 0.5;
  constexpr std::int64_t kMost = 4096;
  const bool fits = rois.height >= 1 && rois.width >= 1 && rois.height <= kMost &&
                    rois.width <= kMost && rois.sampling >= 0 && rois.sampling <= kMost;
  node.require(fits, fmt::format("a result of {} by {}", rois.height, rois.width),
               fmt::format("1 to {} each", kMost));
  return rois;
}

}  // namespace

void rewrite_grid_sample(OnnxNode& node) {
  node.require_arity(2, 2);
  const Shape images = read_images(node);
  const Grid grid = read_grid(node, images);
  const Tensor places = node.constant(1, "grid");
  const Shape& shape = places.shape;
  node.require(
      places.type == DType::kFloat32 && shape.size() == 4 && shape[0] == images[0] && shape[3] == 2,
      fmt::format("grid is {} {}", dtype_name(places.type), shape_text(shape)),
      fmt::format("float32 [{}, H, W, 2]", images[0]));
  const std::int64_t results = shape[1] * shape[2];
  std::vector<ValueId> all;
  for (std::int64_t n = 0; n < images[0]; ++n) {
    Tensor matrix = new_matrix(node, images, results);
    for (std::int64_t i = 0; i < results; ++i) {
      const auto at = static_cast<std::size_t>(2 * (n * results + i));
      add_place(grid, double{places.as<float>()[at]}, double{places.as<float>()[at + 1]}, matrix,
                i);
    }
    all.push_back(sampled(node, n, std::move(matrix)));
  }
  const ValueId y = emit_concat(node.builder(), all, 0);
  node.result(node.builder().reshape(y, {images[0], images[1], shape[1], shape[2]}));
}

void rewrite_roi_align(OnnxNode& node) {
  node.require_arity(3, 3);
  const Shape images = read_images(node);
  const Rois rois = read_rois(node);
  const Tensor regions = node.constant(1, "rois");
  const std::vector<std::int64_t> of = integers(node, 2, "batch_indices");
  const Shape& shape = regions.shape;
  node.require(regions.type == DType::kFloat32 && shape.size() == 2 && shape[1] == 4 &&
                   shape[0] == std::ssize(of) && shape[0] >= 1,
               fmt::format("rois are {} {}", dtype_name(regions.type), shape_text(shape)),
               "float32 [R, 4], and a batch index for each");
  const auto finite = [](float v) { return std::isfinite(v); };
  node.require(std::ranges::all_of(regions.as<float>(), finite), "rois that are not finite",
               "numbers");
  std::vector<ValueId> all;
  for (std::size_t r = 0; r < of.size(); ++r) {
    node.require(of[r] >= 0 && of[r] < images[0], fmt::format("batch index {}", of[r]),
                 fmt::format("0 to {}", images[0] - 1));
    Tensor matrix = new_matrix(node, images, rois.height * rois.width);
    add_region(rois, images, regions.as<float>().subspan(4 * r, 4), matrix);
    all.push_back(sampled(node, of[r], std::move(matrix)));
  }
  const ValueId y = emit_concat(node.builder(), all, 0);
  node.result(node.builder().reshape(y, {std::ssize(of), images[1], rois.height, rois.width}));
}

}  // namespace systole::compiler
