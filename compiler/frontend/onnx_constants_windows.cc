// ONNX's window functions of a constant size: a constant and cosines of one and two turns.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "compiler/frontend/constant_tensor.h"
#include "compiler/frontend/onnx_constants.h"

namespace systole::compiler {
namespace {

// constant - once * cos(turn) + twice * cos(2 turn); a window that is not periodic ends as it
// begins.
struct Cosines {
  double constant, once, twice;
};

void fold_window(OnnxNode& node, const Cosines& cosines) {
  node.require_arity(1, 1);
  const std::vector<std::int64_t> size = integers(node, 0, "the size");
  node.require(size.size() == 1 && size[0] >= 0, fmt::format("{} sizes", size.size()),
               "one, 0 or more");
  const bool periodic = node.int_or("periodic", 1) != 0;
  const auto code = static_cast<int>(node.int_or("output_datatype", onnx::TensorProto::FLOAT));
  const DType type = graph_type(code, "attribute 'output_datatype' of " + node.name());
  Tensor y = new_constant(node, type, {size[0]});
  const double length =
      static_cast<double>(std::max<std::int64_t>(1, size[0] - (periodic ? 0 : 1)));
  with_number(type, [&](auto zero) {
    using T = decltype(zero);
    double i = 0.0;
    for (T& v : y.as<T>()) {
      const double turn = 2.0 * std::numbers::pi * i / length;
      v = static_cast<T>(cosines.constant - cosines.once * std::cos(turn) +
                         cosines.twice * std::cos(2.0 * turn));
      i += 1.0;
    }
  });
  give_constant(node, std::move(y));
}

}  // namespace

void fold_hann_window(OnnxNode& node) { fold_window(node, {0.5, 0.5, 0.0}); }
void fold_hamming_window(OnnxNode& node) { fold_window(node, {25.0 / 46.0, 21.0 / 46.0, 0.0}); }
void fold_blackman_window(OnnxNode& node) { fold_window(node, {0.42, 0.5, 0.08}); }

}  // namespace systole::compiler
