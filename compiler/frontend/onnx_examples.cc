// Examples are nodes in ONNX text that read `f` (float32 [1, 4, 8, 8], perhaps dequantised) or `q`
// (uint8 [1, 4, 8, 8]) and the constants below. They make `g`, which is quantised behind, or `y`,
// the model's own result.
#include "compiler/frontend/onnx_examples.h"

#include <algorithm>

#include "compiler/frontend/onnx_file.h"
#include "compiler/frontend/onnx_import.h"

namespace systole::compiler {
namespace {

// s, z: scale and zero point; w, wz: filters [4, 4, 1, 1] and their zero point; m: a matrix [8, 2];
// v, n: the same two as floats; wf, mf: either, as the form needs; b: a bias; c: one positive
// number a channel; wide: one a column; lo, hi: limits; rows, steps, pads, first, next, four: lists
// of Reshapes, a Pad, an axis, a 1 and four; lengths: of rows; grid, roi: places; some: a
// condition; twice: scales of a Resize; lw to rr: recurrent weights.
constexpr std::string_view kConstants =
    "<float[1] s = {0.5}, uint8[1] z = {3}, int8[1] wz = {0},\n"
    "int8[4,4,1,1] w = {1,2,3,4,5,6,7,8,-1,-2,-3,-4,-5,-6,-7,-8},\n"
    "int8[8,2] m = {1,2,3,4,5,6,7,8,-1,-2,-3,-4,-5,-6,-7,-8},\n"
    "float[4,4,1,1] v = {1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0,1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0},\n"
    "float[8,2] n = {1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0,1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0},\n"
    "int32[2] b = {7,-7}, float[4] c = {1.0,2.0,3.0,4.0}, float[1] lo = {0.0}, float[1] hi = "
    "{6.0},\n"
    "int64[2] rows = {32,8}, int64[8] pads = {0,0,1,1,0,0,1,1}, int64[1] first = {0},\n"
    "int64[1] next = {1},\n"
    "int64[4] four = {1,1,1,1}, float[4] twice = {1.0,1.0,2.0,2.0}, int64[3] steps = {4,16,4},\n"
    "int64[8] lengths = {0,1,2,3,4,5,6,8},\n"
    "float[1,1,2,2] grid = {0.0,0.5,-0.5,0.25}, float[1,4] roi = {0.0,1.0,6.0,7.0},\n"
    "bool[4] some = {1,0,1,1}, bool yes = {1},\n"
    "float[8] wide = {1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0},\n"
    "float[1,4,4] lw = {1.0,2.0,3.0,4.0,1.0,2.0,3.0,4.0,1.0,2.0,3.0,4.0,1.0,2.0,3.0,4.0},\n"
    "float[1,4,1] lr = {1.0,2.0,3.0,4.0},\n"
    "float[1,3,4] gw = {1.0,2.0,3.0,4.0,1.0,2.0,3.0,4.0,1.0,2.0,3.0,4.0},\n"
    "float[1,3,1] gr = {1.0,2.0,3.0}, float[1,1,4] rw = {1.0,2.0,3.0,4.0}, float[1,1,1] rr = "
    "{1.0}>";

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// One that has the operator, and in which QuantizeLinear has scales per tensor and per axis.
std::int64_t opset_of(const OnnxOperator& op) {
  const bool gone = op.domain.empty() && (op.name == "Upsample" || op.name == "Scatter");
  return gone ? op.newest : std::max<std::int64_t>(13, op.first);
}

}  // namespace

std::optional<Graph> example_graph(const OnnxOperator& op, ExampleForm form) {
  const bool integers = has(op.example, "(q,") || has(op.example, "(q)") || has(op.example, " q,");
  const bool own_result = op.example.starts_with("y = ") || has(op.example, " y = ");
  const bool quantised = form == ExampleForm::kQuantised;
  if (integers != quantised && (integers || own_result)) return std::nullopt;
  const bool wrapped = quantised && !integers;
  const std::string text = fmt::format(
      "<ir_version: 8, opset_import: [\"\" : {}, \"com.microsoft\" : 1]>\n"
      "example ({}[1,4,8,8] {}) => (float[N] {})\n{}\n"
      "{{ {} {} {} {} }}\n",
      opset_of(op), quantised ? "uint8" : "float", quantised ? "q" : "f",
      wrapped || own_result ? "y" : "g", kConstants,
      wrapped ? "wf = DequantizeLinear(w, s, wz) mf = DequantizeLinear(m, s, wz)"
              : "wf = Identity(v) mf = Identity(n)",
      wrapped ? "f = DequantizeLinear(q, s, z)" : "", op.example,
      wrapped ? "y = QuantizeLinear(g, s, z)" : "");
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  OnnxFile file = parse_onnx("example.onnxtxt", {bytes, text.size()});
  return import_onnx(file, {});
}

}  // namespace systole::compiler
