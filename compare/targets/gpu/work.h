// Work for a GPU: every operation that a device is asked for, as plain data over device addresses.
//
// The host decides what to compute (model.h) and a backend how (backend.h): products, convolutions
// and float pools by a library, all the rest by one generic kernel per struct, whose meaning is in
// bodies.h. Sizes are in elements, tensors are dense and row-major unless a field says otherwise.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>

namespace systole::compare::gpu {

// How elements lie in device memory.
enum class Element : std::uint8_t { kF32, kF16, kBf16, kS8, kU8, kS32 };

// The arithmetic of a product: element type of its operands and the unit that multiplies them.
struct MathInfo {
  std::string_view name;  // as in measurement files
  Element operand, result;
  int bytes;  // of an operand element
};
enum class Math : std::uint8_t { kFp32, kTf32, kFp16, kBf16, kInt8 };
inline constexpr std::array<MathInfo, 5> kMaths = {{
    {"fp32", Element::kF32, Element::kF32, 4},    // plain binary32, no tensor cores
    {"tf32", Element::kF32, Element::kF32, 4},    // tensor cores, operands rounded to 10 bits
    {"fp16", Element::kF16, Element::kF16, 2},    // sums in binary32
    {"bf16", Element::kBf16, Element::kBf16, 2},  // sums in binary32
    {"int8", Element::kS8, Element::kS32, 1},
}};
constexpr const MathInfo& info(Math math) { return kMaths[static_cast<std::size_t>(math)]; }

using Address = void*;  // in device memory
using ConstAddress = const void*;

inline constexpr int kMaxRank = 6;
using Extents = std::array<std::int64_t, kMaxRank>;  // unused leading ones are 1 (strides: 0)

// c[m, n] = a[m, k] * b[n, k]^T (+ bias[n]) (then relu). Weights lie with k innermost, which every
// library kernel accepts, int8's only this way (there n and k are multiples of 4, no bias or relu).
struct Gemm {
  Math math = Math::kFp32;
  std::int64_t m = 0, n = 0, k = 0;
  ConstAddress a = nullptr, b = nullptr;
  ConstAddress bias = nullptr;  // of the result's type
  bool relu = false;
  Address c = nullptr;
};

// A picture's place in memory: [n, c, h, w], or [n, h, w, c] if channels_last.
struct Picture {
  std::int64_t n = 0, c = 0, h = 0, w = 0;
  bool channels_last = false;
};
struct Window2d {
  std::array<std::int64_t, 2> kernel{}, strides{}, dilations{}, pads{};  // pads: top and left
};

// Float convolution with square padding (as much below as above); w is [filters, channels / groups,
// kh, kw], channels last if x is.
struct Conv {
  Math math = Math::kFp32;
  Picture x, y;
  Window2d window;
  std::int64_t groups = 1;
  ConstAddress in = nullptr, weights = nullptr, bias = nullptr;  // bias of the result's type
  bool relu = false;
  Address out = nullptr;
};

// --- one generic kernel each; `count` results, one an index ---

// An integer type's step, zero point and limits. scale 0: the values are not quantised.
struct Steps {
  float scale = 0.0F;
  std::int32_t zero = 0, lo = 0, hi = 0;
};

enum class MapKind : std::uint8_t {
  kCopy,
#define SYSTOLE_MAP(name, ...) name,
#include "isa/elementwise.def"
};
// y[i] = fn(x[i]), through binary32. Quantise and dequantise are copies between steps; with
// `scales` the step is scales[i / inner % channels] (dequantised: x; quantised: y).
struct Map {
  MapKind kind = MapKind::kCopy;
  Element from = Element::kF32, to = Element::kF32;
  float lo = 0.0F, hi = 0.0F, alpha = 0.0F, beta = 0.0F;
  Steps x_steps, y_steps;
  const float* scales = nullptr;
  const std::int32_t* zeros = nullptr;
  std::int64_t inner = 1, channels = 1;
  std::int64_t count = 0;
  ConstAddress x = nullptr;
  Address y = nullptr;
};

enum class ZipKind : std::uint8_t {
#define SYSTOLE_ZIP(name, ...) name,
#include "isa/elementwise.def"
};
// y = fn(a, b), broadcast by strides over `shape`.
struct Zip {
  ZipKind kind = ZipKind::kAdd;
  Element element = Element::kF32;  // of a, b and y
  Steps a_steps, b_steps, y_steps;
  Extents shape{}, a_strides{}, b_strides{};
  std::int64_t count = 0;
  ConstAddress a = nullptr, b = nullptr;
  Address y = nullptr;
};

// y[i] = entries[x[i]], bytes.
struct Table {
  std::array<std::uint8_t, 256> entries{};
  std::int64_t count = 0;
  ConstAddress x = nullptr;
  Address y = nullptr;
};

enum class ReduceKind : std::uint8_t {
#define SYSTOLE_REDUCTION(name, text) name,
#include "isa/reductions.def"
};
// A reduction of `length` elements `stride` apart, for each of `count` lines.
struct Reduce {
  ReduceKind kind = ReduceKind::kSoftmax;
  Element element = Element::kF32;
  std::int64_t length = 1, stride = 1, count = 0;
  ConstAddress x = nullptr;
  Address y = nullptr;
};

// y in order, x by strides, converted: transposes, layouts and types.
struct Reorder {
  Element from = Element::kF32, to = Element::kF32;
  Extents shape{}, strides{};
  std::int64_t count = 0;
  ConstAddress x = nullptr;
  Address y = nullptr;
};

// The windows of x (channels last, s8) as rows of a matrix [n * h * w of y, columns], columns of
// (kernel row, kernel column, channel) with zeros behind; outside x a pixel is `padding`.
struct Patches {
  Picture x, y;  // y: h and w count
  Window2d window;
  std::int64_t columns = 0;
  std::int32_t padding = 0;
  std::int64_t count = 0;  // elements of the matrix
  ConstAddress in = nullptr;
  Address out = nullptr;
};

// int32 sums [rows, stride] to [rows, channels]: bias added, then, if there are multipliers,
// requantised to s8.
struct Requantise {
  std::int64_t channels = 0, stride = 0, count = 0;
  const std::int32_t* bias = nullptr;
  const float* multipliers = nullptr;  // one a channel
  Steps y_steps;
  const std::int32_t* sums = nullptr;
  Address y = nullptr;
};

enum class PoolKind : std::uint8_t { kMax, kAverage };
// Max or average pool, of integers exactly; `library`: floats with square padding, which the
// library's pool can do too.
struct Pool {
  bool library = false;
  Element element = Element::kF32;
  Picture x, y;
  Window2d window;
  PoolKind kind = PoolKind::kMax;
  bool count_padding = false;
  std::array<std::int64_t, 2> padded_end{};  // average with count_padding: rows and columns
                                             // before these count
  Steps x_steps, y_steps;
  std::int64_t count = 0;
  ConstAddress in = nullptr;
  Address out = nullptr;
};

// --- the lesson: kernels of one's own (cuda/lesson.cu) ---

struct VectorAdd {
  std::int64_t count = 0;
  const float *a = nullptr, *b = nullptr;
  float* y = nullptr;
};
// c[m, n] = a[m, k] b[n, k]^T in binary32.
struct LessonGemm {
  bool tiled = false;
  std::int64_t m = 0, n = 0, k = 0;
  const float *a = nullptr, *b = nullptr;
  float* c = nullptr;
};
struct Nothing {};  // an empty kernel

using Work = std::variant<Gemm, Conv, Map, Zip, Table, Reduce, Reorder, Patches, Requantise, Pool,
                          VectorAdd, LessonGemm, Nothing>;

}  // namespace systole::compare::gpu
