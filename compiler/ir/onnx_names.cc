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
    case MapFn::kLeakyRelu:
      return "LeakyRelu";
    case MapFn::kSigmoid:
      return "Sigmoid";
    case MapFn::kTanh:
      return "Tanh";
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
  }
  SYSTOLE_CHECK(false, "zip function {}", static_cast<int>(fn));
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
