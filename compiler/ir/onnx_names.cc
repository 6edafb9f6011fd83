// See onnx_names.h.
#include "compiler/ir/onnx_names.h"

#include "base/diag.h"

namespace systole::compiler {

std::string onnx_operator(MapFn fn) {
  switch (fn) {
    case MapFn::kRelu:
      return "Relu";
    case MapFn::kClip:
      return "Clip";
    case MapFn::kGelu:
    case MapFn::kGeluTanh:
      return "Gelu";
#define SYSTOLE_ONNX_MAP(name, first, newest, function, ...) \
  case MapFn::function:                                      \
    return #name;
#include "compiler/ir/onnx_maps.def"
  }
  SYSTOLE_CHECK(false, "map function {}", static_cast<int>(fn));
}

std::int64_t first_opset(MapFn fn) {
  switch (fn) {
    case MapFn::kRelu:
    case MapFn::kClip:
      return 7;
    case MapFn::kGelu:
    case MapFn::kGeluTanh:
      return 20;
#define SYSTOLE_ONNX_MAP(name, first, newest, function, ...) \
  case MapFn::function:                                      \
    return first;
#include "compiler/ir/onnx_maps.def"
  }
  SYSTOLE_CHECK(false, "map function {}", static_cast<int>(fn));
}

std::string onnx_operator(ZipFn fn) {
  switch (fn) {
    case ZipFn::kAdd:
      return "Add";
    case ZipFn::kSub:
      return "Sub";
    case ZipFn::kMul:
      return "Mul";
    case ZipFn::kMax:
      return "Max";
    case ZipFn::kMin:
      return "Min";
    case ZipFn::kDiv:
      return "Div";
    case ZipFn::kPow:
      return "Pow";
    case ZipFn::kPRelu:
      return "PRelu";
    case ZipFn::kMod:
    case ZipFn::kFmod:
      return "Mod";
    case ZipFn::kAnd:
      return "And";
    case ZipFn::kOr:
      return "Or";
    case ZipFn::kXor:
      return "Xor";
    case ZipFn::kShiftLeft:
    case ZipFn::kShiftRight:
      return "BitShift";
    case ZipFn::kEqual:
      return "Equal";
    case ZipFn::kLess:
      return "Less";
    case ZipFn::kLessOrEqual:
      return "LessOrEqual";
  }
  SYSTOLE_CHECK(false, "zip function {}", static_cast<int>(fn));
}

std::string onnx_operator(ReduceFn fn) {
  switch (fn) {
    case ReduceFn::kSoftmax:
      return "Softmax";
    case ReduceFn::kMean:
      return "ReduceMean";
    case ReduceFn::kSum:
      return "ReduceSum";
    case ReduceFn::kProd:
      return "ReduceProd";
    case ReduceFn::kMax:
      return "ReduceMax";
    case ReduceFn::kMin:
      return "ReduceMin";
  }
  SYSTOLE_CHECK(false, "reduction {}", static_cast<int>(fn));
}

std::string onnx_operator(PoolFn fn) {
  switch (fn) {
    case PoolFn::kMax:
      return "MaxPool";
    case PoolFn::kAverage:
      return "AveragePool";
  }
  SYSTOLE_CHECK(false, "pool function {}", static_cast<int>(fn));
}

}  // namespace systole::compiler
