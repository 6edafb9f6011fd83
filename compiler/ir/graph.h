// Graph: the compiler's intermediate representation, values and nodes over the closed op set.
//
// A graph is in topological order and in single assignment: each value is an input, a constant or
// the output of exactly one node. Shapes are complete (the batch is fixed before this point).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/tensor.h"
#include "isa/host_functions.h"

namespace systole::compiler {

enum class OpKind : std::uint8_t {
#define SYSTOLE_OP(name, text, meaning) name,
#include "compiler/ir/ops.def"
};
[[nodiscard]] std::string_view op_name(OpKind kind);

using ValueId = std::int32_t;
inline constexpr ValueId kNoValue = -1;

// Scales and zero points of a quantised tensor: one of each, or one per index of `axis`.
struct Quant {
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  std::int64_t axis = 0;
  DType type = DType::kUint8;  // the integer type
  [[nodiscard]] bool per_tensor() const { return scales.size() == 1; }
};

// table: by 256 entries, or 16 bits (signed) to 16 bits by 257 points that are interpolated
// (base/numerics.h).
struct TableAttrs {
  std::vector<std::uint8_t> entries;      // result bytes, by input byte
  std::vector<std::int16_t> points = {};  // results at -32768, -32512 ... 32768; else empty
};
// Quantised products (matmul and conv). With `output`, x and w are integers and the result is the
// requantised integer tensor (of bfloat16, see below): zero points x_quant / w_quant, bias int32 at
// scale xs*ws, multiplier xs*ws/ys, result saturated into [lo, hi]. Without `output` and with
// integer x, the result is the int32 sums.
//
// With bfloat16 x and w (whose quantisations say no more than the type) sums are float32: +0, then
// a fused multiply-add for each k, upwards (conv: kernel row, kernel column, channel; padding left
// out); with sum_rows each stretch of so many k (of one kernel position) begins anew and is added
// to the sum of those before. Then + bias, float32, limited to [lo, hi] (limits as integers, the
// least and the largest int32 are none), rounded to `output`, or float32 without.
struct ProductQuants {
  std::optional<Quant> x_quant, w_quant, output;  // w per column (matmul: axis 1, conv: axis 0)
  std::int32_t lo = 0, hi = 255;  // of the requantised result, activation functions folded in
  std::optional<TableAttrs> lookup = {};  // what the requantised result goes through
  std::int64_t sum_rows = 0;              // of bfloat16: rows of the array, 0: not cut
};
// matmul: alpha * x w (+ beta * bias). Requantised: beta 1, bias at alpha*xs*ws, multiplier
// (alpha*xs)*ws/ys. int32 sums leave alpha and beta aside (MatMulInteger).
struct MatmulAttrs : ProductQuants {
  float alpha = 1.0F, beta = 1.0F;
};
// A window that walks over the last two dimensions, rows first. Pads as ONNX has them: top, left,
// bottom, right.
struct Window {
  std::array<std::int64_t, 2> kernel = {1, 1}, strides = {1, 1}, dilations = {1, 1};
  std::array<std::int64_t, 4> pads = {};
};
// conv: group g of M/groups filters reads group g of C/groups channels.
struct ConvAttrs : ProductQuants {
  Window window;  // window.kernel is w's kH, kW
  std::int64_t groups = 1;
};
// map of floats; of 16-bit integers with both quants: quantise(fn(dequantise(x))) in float32, where
// fn is computed in float64 and rounded once.
enum class MapFn : std::uint8_t {
#define SYSTOLE_MAP(name, ...) name,
#include "isa/elementwise.def"
};
struct MapAttrs {
  MapFn fn = MapFn::kRelu;
  float lo = 0.0F, hi = 0.0F, alpha = 0.0F, beta = 0.0F;
  std::optional<Quant> x_quant = {}, output = {};
};
// zip of floats, integers or bools; of 8- and 16-bit integers with all three quants (per tensor):
// quantise(fn(dequantise(a), dequantise(b))) in float32, saturated into [lo, hi].
enum class ZipFn : std::uint8_t {
#define SYSTOLE_ZIP(name, ...) name,
#include "isa/elementwise.def"
};
// Whether the operands may change places.
[[nodiscard]] constexpr bool commutes(ZipFn fn) {
  switch (fn) {
#define SYSTOLE_ZIP(name, text, host_op, vector_op, commutes, ...) \
  case ZipFn::name:                                                \
    return (commutes);
#include "isa/elementwise.def"
  }
  return false;  // no function is left
}
// Whether it is of integers and bools alone, and whether its result is a bool.
[[nodiscard]] constexpr bool takes_bits(ZipFn fn) {
  switch (fn) {
#define SYSTOLE_ZIP(name, ...) case ZipFn::name:
#define SYSTOLE_COMPARISON(name, ...) case ZipFn::name:
#define SYSTOLE_BITS(...)
#include "isa/elementwise.def"
    return false;
    default:
      return true;
  }
}
[[nodiscard]] constexpr bool compares(ZipFn fn) {
  switch (fn) {
#define SYSTOLE_ZIP(name, ...) case ZipFn::name:
#define SYSTOLE_BITS(name, ...) case ZipFn::name:
#define SYSTOLE_COMPARISON(...)
#include "isa/elementwise.def"
    return false;
    default:
      return true;
  }
}
[[nodiscard]] constexpr bool shifts(ZipFn fn) {
  return fn == ZipFn::kShiftLeft || fn == ZipFn::kShiftRight;
}
// Whether it takes elements of this type.
[[nodiscard]] constexpr bool takes(ZipFn fn, DType type) {
  if (type == DType::kFloat64) return false;
  if (type == DType::kBool) return takes_bits(fn) ? !shifts(fn) : fn == ZipFn::kEqual;
  return type != DType::kFloat32 || !takes_bits(fn);
}
struct ZipAttrs {
  ZipFn fn = ZipFn::kAdd;
  std::optional<Quant> a_quant = {}, b_quant = {}, output = {};
  std::int32_t lo = 0, hi = 255;
};
enum class ReduceFn : std::uint8_t {
#define SYSTOLE_REDUCTION(name, text) name,
#include "isa/reductions.def"
};
struct ReduceAttrs {
  ReduceFn fn = ReduceFn::kSoftmax;
  std::int64_t first_axis = 0,
               end_axis = 0;  // softmax over dimensions [first_axis, end_axis) together
};
// pool: max of floats or integers; average of floats, or of integers with both quants (per tensor):
// round(float(sum of (x - x_zero)) * (xs / (ys * float(count)))) + y_zero, saturated. `count` is
// the window's elements inside x or, with count_padding, inside x and its pads without `overhang`:
// the last pixels of the bottom and right pads, which only fill the last windows (ceil_mode).
enum class PoolFn : std::uint8_t { kMax, kAverage };
struct PoolAttrs {
  PoolFn fn = PoolFn::kMax;
  Window window = {};
  bool count_padding = false;
  std::array<std::int64_t, 2> overhang = {};
  std::optional<Quant> x_quant = {}, output = {};
};
enum class MoveFn : std::uint8_t { kReshape, kTranspose, kConcat, kPad };
struct MoveAttrs {
  MoveFn fn = MoveFn::kReshape;
  std::vector<std::int64_t> permutation = {};  // of a transpose
  std::int64_t axis = 0;                       // of a concat, whose inputs are any number
  std::vector<std::int64_t> pads = {};  // of a pad: before each dimension, then behind each; < 0
                                        // cuts off
  double fill = 0.0;                    // what a pad adds
};
struct QuantAttrs {
  Quant quant;
};
// host: a function with its attributes; the result's type and shape belong to its meaning.
using HostAttrs = isa::HostFunction;
using isa::HostFn;
using Attrs = std::variant<std::monostate, MatmulAttrs, ConvAttrs, MapAttrs, ZipAttrs, TableAttrs,
                           ReduceAttrs, PoolAttrs, MoveAttrs, QuantAttrs, HostAttrs>;

struct Value {
  std::string name;
  DType type = DType::kFloat32;
  Shape shape;
  std::optional<Tensor> constant;
};

struct Node {
  OpKind kind{};
  std::string name;    // of the ONNX node it came from, for messages and layer names
  std::string origin;  // ONNX operator ("Gemm"), or "inline"
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  Attrs attrs;
};

// A product's inputs are its terms, pairs of x and w, and then a bias if their number is odd. Only
// integer matmuls have more than one term; all have the same quantisations.
[[nodiscard]] inline std::size_t term_count(const Node& product) {
  return product.inputs.size() / 2;
}
[[nodiscard]] inline ValueId bias_of(const Node& product) {
  return product.inputs.size() % 2 == 1 ? product.inputs.back() : kNoValue;
}

struct Graph {
  std::string name;
  std::string hash;                  // hex hash of the model file, empty for inline shapes
  bool structure_only = false;       // weights are absent (timing only); constants may lack data
  bool separate_layers = false;      // each device node starts when all before it is complete
  std::vector<std::string> notes;    // what a user should hear of how the model was read
  std::int64_t images_together = 1;  // of the batch that no layer takes apart (pack_images.h)
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;

  [[nodiscard]] const Value& value(ValueId id) const {
    return values.at(static_cast<std::size_t>(id));
  }
  [[nodiscard]] Value& value(ValueId id) { return values.at(static_cast<std::size_t>(id)); }
  ValueId add_value(Value v);
};

// What breaks the graph's invariants (order, single assignment, arity, shapes), if anything does.
[[nodiscard]] std::optional<std::string> fault_of(const Graph& graph);
// Throws InternalError if anything does.
void verify(const Graph& graph);
// Text form for --emit-ir and tests: a line for each value, all but the model file's hash and
// constants that nothing reads (docs/compiler.md; parse_text.h reads it).
[[nodiscard]] std::string to_text(const Graph& graph);

// Reference evaluator: every op in its written meaning (float32 for float tensors, exact integers
// for quantised ones), independent of lowering. Returns the requested values (outputs if empty).
[[nodiscard]] std::vector<Tensor> evaluate(const Graph& graph, const std::vector<Tensor>& inputs,
                                           const std::vector<ValueId>& wanted = {});
// The same, calling observe(value, tensor) for each input and each result as it is computed.
void evaluate_each(const Graph& graph, const std::vector<Tensor>& inputs,
                   const std::function<void(ValueId, const Tensor&)>& observe);

}  // namespace systole::compiler
