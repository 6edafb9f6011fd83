// ONNX operators on bools, bits and numbers of any type: comparisons, logic, choices, changes of
// type.
#include <limits>

#include "compiler/frontend/constant_tensor.h"
#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_ops.h"

namespace systole::compiler {
namespace {

DType type_of(OnnxNode& node, int i) { return node.builder().value(node.input(i)).type; }

// Throws unless both inputs have one type that the function takes, and shapes that broadcast.
void require_pair(OnnxNode& node, ZipFn fn, const std::string& types) {
  node.require_arity(2, 2);
  const DType a = type_of(node, 0);
  const DType b = type_of(node, 1);
  node.require(a == b && takes(fn, a), fmt::format("types {} and {}", dtype_name(a), dtype_name(b)),
               types);
  static_cast<void>(broadcast_inputs(node));
}

void zip(OnnxNode& node, ZipFn fn, const std::string& types) {
  require_pair(node, fn, types);
  node.result(emit_zip(node.builder(), fn, node.input(0), node.input(1)));
}

// b fn a.
void swapped(OnnxNode& node, ZipFn fn) {
  require_pair(node, fn, "numbers of one type");
  node.result(emit_zip(node.builder(), fn, node.input(1), node.input(0)));
}

void logic(OnnxNode& node, ZipFn fn) {
  node.require_type("the first input", node.input(0), DType::kBool);
  zip(node, fn, "bools");
}

void bitwise(OnnxNode& node, ZipFn fn) {
  node.require(type_of(node, 0) != DType::kBool, "the first input is bool", "integers");
  zip(node, fn, "integers of one type");
}

// An integer of up to 32 bits becomes a float as a dequantisation by a scale of 1, which passes
// know.
ValueId as_type(GraphBuilder& builder, ValueId x, DType to) {
  const DType from = builder.value(x).type;
  const bool integer = from != DType::kBool && from != DType::kUint32 && dtype_bytes(from) <= 4;
  if (to != DType::kFloat32 || from == to || !integer) return emit_cast(builder, x, to);
  const Shape shape = builder.value(x).shape;
  return builder.emit(OpKind::kDequantise, {x}, DType::kFloat32, shape,
                      QuantAttrs{Quant{{1.0F}, {0}, 0, from}});
}

}  // namespace

void rewrite_equal(OnnxNode& node) { zip(node, ZipFn::kEqual, "two of one type"); }
void rewrite_less(OnnxNode& node) { zip(node, ZipFn::kLess, "numbers of one type"); }
void rewrite_less_or_equal(OnnxNode& node) {
  zip(node, ZipFn::kLessOrEqual, "numbers of one type");
}
void rewrite_greater(OnnxNode& node) { swapped(node, ZipFn::kLess); }
void rewrite_greater_or_equal(OnnxNode& node) { swapped(node, ZipFn::kLessOrEqual); }

void rewrite_and(OnnxNode& node) { logic(node, ZipFn::kAnd); }
void rewrite_or(OnnxNode& node) { logic(node, ZipFn::kOr); }
void rewrite_xor(OnnxNode& node) { logic(node, ZipFn::kXor); }
void rewrite_bitwise_and(OnnxNode& node) { bitwise(node, ZipFn::kAnd); }
void rewrite_bitwise_or(OnnxNode& node) { bitwise(node, ZipFn::kOr); }
void rewrite_bitwise_xor(OnnxNode& node) { bitwise(node, ZipFn::kXor); }

void rewrite_not(OnnxNode& node) {
  node.require_arity(1, 1);
  node.require_type("the input", node.input(0), DType::kBool);
  node.result(emit_not(node.builder(), node.input(0)));
}

// The bits that x does not have: those in which it differs from all ones, which are -1.
void rewrite_bitwise_not(OnnxNode& node) {
  node.require_arity(1, 1);
  const DType type = type_of(node, 0);
  node.require(takes(ZipFn::kXor, type) && type != DType::kBool,
               fmt::format("the input is {}", dtype_name(type)), "integers");
  GraphBuilder& builder = node.builder();
  const ValueId ones = emit_cast(builder, emit_number(builder, DType::kInt64, -1.0), type);
  node.result(emit_zip(builder, ZipFn::kXor, node.input(0), ones));
}

void rewrite_bit_shift(OnnxNode& node) {
  const std::string direction = node.string_or("direction", "");
  node.require(direction == "LEFT" || direction == "RIGHT", "direction is '" + direction + "'",
               "LEFT or RIGHT");
  const DType type = type_of(node, 0);
  const bool is_unsigned = type == DType::kUint8 || type == DType::kUint16 ||
                           type == DType::kUint32 || type == DType::kUint64;
  node.require(is_unsigned, fmt::format("the input is {}", dtype_name(type)),
               "integers without a sign");
  zip(node, direction == "LEFT" ? ZipFn::kShiftLeft : ZipFn::kShiftRight, "integers of one type");
}

// With fmod the sign is the dividend's, as in C, else the divisor's, as in Python.
void rewrite_mod(OnnxNode& node) {
  const bool fmod = node.flag("fmod");
  node.require(fmod || type_of(node, 0) != DType::kFloat32, "fmod is 0 for floats", "fmod = 1");
  zip(node, fmod ? ZipFn::kFmod : ZipFn::kMod, "numbers of one type");
}

void rewrite_where(OnnxNode& node) {
  node.require_arity(3, 3);
  node.require_type("the condition", node.input(0), DType::kBool);
  node.require_type("Y", node.input(2), type_of(node, 1));
  static_cast<void>(broadcast_inputs(node));
  node.result(emit_select(node.builder(), node.input(0), node.input(1), node.input(2)));
}

// A number that is not itself.
void rewrite_is_nan(OnnxNode& node) {
  node.require_arity(1, 1);
  const ValueId x = node.input(0);
  node.require_type("the input", x, DType::kFloat32);
  GraphBuilder& builder = node.builder();
  node.result(emit_not(builder, emit_zip(builder, ZipFn::kEqual, x, x)));
}

void rewrite_is_inf(OnnxNode& node) {
  node.require_arity(1, 1);
  const ValueId x = node.input(0);
  node.require_type("the input", x, DType::kFloat32);
  const bool above = node.int_or("detect_positive", 1) != 0;
  const bool below = node.int_or("detect_negative", 1) != 0;
  GraphBuilder& builder = node.builder();
  const auto equals = [&](bool wanted, double value) {
    const ValueId same =
        emit_zip(builder, ZipFn::kEqual, x, emit_number(builder, DType::kFloat32, value));
    return emit_zip(builder, ZipFn::kAnd, same, emit_number(builder, DType::kBool, wanted));
  };
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  node.result(emit_zip(builder, ZipFn::kOr, equals(above, kInfinite), equals(below, -kInfinite)));
}

// Floats of every width are float32 here; bfloat16 has too few digits for that.
void rewrite_cast(OnnxNode& node) {
  node.require_arity(1, 1);
  const auto code = static_cast<int>(node.int_or("to", 0));
  if (node.opset() >= 19) static_cast<void>(node.int_or("saturate", 1));
  const bool is_float = code == onnx::TensorProto::FLOAT || code == onnx::TensorProto::FLOAT16 ||
                        code == onnx::TensorProto::DOUBLE;
  const DType to = is_float ? DType::kFloat32 : dtype_from_onnx(code, node.name());
  node.result(as_type(node.builder(), node.input(0), to));
}

void rewrite_cast_like(OnnxNode& node) {
  node.require_arity(2, 2);
  if (node.opset() >= 19) static_cast<void>(node.int_or("saturate", 1));
  node.result(as_type(node.builder(), node.input(0), type_of(node, 1)));
}

// The upper or lower triangles of the last two dimensions; elsewhere 0.
void rewrite_trilu(OnnxNode& node) {
  node.require_arity(1, 2);
  const bool upper = node.int_or("upper", 1) != 0;
  const Shape shape = node.shape(0);
  const std::vector<std::int64_t> k = node.has(1) ? integers(node, 1, "k") : Shape{0};
  node.require(shape.size() >= 2 && k.size() == 1, "the input has shape " + shape_text(shape),
               "matrices, and one k");
  const std::int64_t columns = shape.back();
  Tensor kept = new_constant(node, DType::kBool, {shape[shape.size() - 2], columns});
  std::int64_t i = 0;
  for (bool& keeps : kept.as<bool>()) {
    const std::int64_t above = i % columns - i / columns;
    keeps = upper ? above >= k[0] : above <= k[0];
    ++i;
  }
  GraphBuilder& builder = node.builder();
  const ValueId mask = builder.add_constant("triangle", std::move(kept));
  const ValueId zero = emit_number(builder, type_of(node, 0), 0.0);
  node.result(emit_select(builder, mask, node.input(0), zero));
}

}  // namespace systole::compiler
