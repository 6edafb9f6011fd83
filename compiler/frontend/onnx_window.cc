// Window attributes: defaults, auto_pad and ceil_mode as the ONNX operators' text has them.
//
// auto_pad SAME_*: the result has ceil(size / stride) places, and what padding that takes is split
// in halves, an odd pixel at the end (UPPER) or at the start (LOWER). ceil_mode: one more place if
// the window does not end at the edge, unless it would start behind the input.
#include "compiler/frontend/onnx_window.h"

#include <algorithm>

#include "base/units.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMaxSize = std::int64_t{1} << 31;
using Pair = std::array<std::int64_t, 2>;

// An attribute of one number per spatial dimension, each in [low, 2^31].
Pair pair_or(OnnxNode& node, const std::string& name, bool flat) {
  std::vector<std::int64_t> found = node.ints(name);
  if (!node.has_attribute(name)) return {1, 1};
  node.require(found.size() == (flat ? 1U : 2U),
               fmt::format("attribute '{}' is {}", name, shape_text(found)),
               flat ? "one number, as the window has one dimension"
                    : "two numbers, as the window has two dimensions");
  if (flat) found.insert(found.begin(), 1);
  for (const std::int64_t v : found) {
    node.require(v >= 1 && v <= kMaxSize,
                 fmt::format("attribute '{}' is {}", name, shape_text(found)), "1 to 2^31");
  }
  return {found[0], found[1]};
}

void read_pads(OnnxNode& node, bool flat, Window& w) {
  std::vector<std::int64_t> pads = node.ints("pads");
  if (!node.has_attribute("pads")) return;
  if (flat && pads.size() == 2) pads = {0, pads[0], 0, pads[1]};
  const bool known = pads.size() == 4 && std::all_of(pads.begin(), pads.end(), [](auto p) {
                       return p >= 0 && p <= kMaxSize;
                     });
  node.require(known, "attribute 'pads' is " + shape_text(pads),
               fmt::format("{} numbers from 0 to 2^31", flat ? "two" : "four"));
  std::copy(pads.begin(), pads.end(), w.pads.begin());
}

void pad_to_same(Window& w, std::size_t d, std::int64_t size, bool upper) {
  const std::int64_t steps = ceil_div(size, w.strides[d]);
  const std::int64_t reach = (w.kernel[d] - 1) * w.dilations[d] + 1;
  const std::int64_t total = std::max<std::int64_t>(0, (steps - 1) * w.strides[d] + reach - size);
  w.pads[d] = upper ? total / 2 : total - total / 2;
  w.pads[d + 2] = total - w.pads[d];
}

// Grows the pads behind so that the window is also placed where it passes the edge.
void round_up(PlacedWindow& p, std::size_t d, std::int64_t size) {
  Window& w = p.window;
  const std::int64_t length = size + w.pads[d] + w.pads[d + 2];
  const std::int64_t reach = (w.kernel[d] - 1) * w.dilations[d] + 1;
  if (length < reach) return;
  std::int64_t steps = ceil_div(length - reach, w.strides[d]) + 1;
  if ((steps - 1) * w.strides[d] >= size + w.pads[d]) --steps;
  p.overhang[d] = std::max<std::int64_t>(0, (steps - 1) * w.strides[d] + reach - length);
  w.pads[d + 2] += p.overhang[d];
}

}  // namespace

Shape image_shape(const Shape& x) { return x.size() == 3 ? Shape{x[0], x[1], 1, x[2]} : x; }

Pair read_kernel(OnnxNode& node, bool flat, std::optional<Pair> otherwise) {
  const Pair kernel = pair_or(node, "kernel_shape", flat);
  node.require(otherwise || node.has_attribute("kernel_shape"),
               "attribute 'kernel_shape' is absent", flat ? "one number" : "two numbers");
  if (!otherwise) return kernel;
  node.require(!node.has_attribute("kernel_shape") || kernel == *otherwise,
               fmt::format("kernel_shape {}x{} for weights of {}x{}", kernel[0], kernel[1],
                           (*otherwise)[0], (*otherwise)[1]),
               "the weights' own size");
  return *otherwise;
}

PlacedWindow read_window(OnnxNode& node, Pair kernel, const Shape& x, WindowOptions options) {
  PlacedWindow p;
  Window& w = p.window;
  w.kernel = kernel;
  w.strides = pair_or(node, "strides", options.flat);
  if (options.dilations) w.dilations = pair_or(node, "dilations", options.flat);
  read_pads(node, options.flat, w);
  const std::string automatic = node.string_or("auto_pad", "NOTSET");
  const bool upper = automatic == "SAME_UPPER";
  const bool same = upper || automatic == "SAME_LOWER";
  node.require(same || automatic == "NOTSET" || automatic == "VALID",
               "auto_pad is '" + automatic + "'", "NOTSET, SAME_UPPER, SAME_LOWER or VALID");
  node.require(automatic == "NOTSET" || w.pads == Window{}.pads, "both pads and auto_pad",
               "one of them");
  const bool ceil = options.ceil_mode && node.flag("ceil_mode");
  for (std::size_t d = 0; d < 2; ++d) {
    if (same) pad_to_same(w, d, x[d + 2], upper);
    if (ceil && !same) round_up(p, d, x[d + 2]);
    p.steps[d] = window_steps(x[d + 2] + w.pads[d] + w.pads[d + 2], w.kernel[d], w.strides[d],
                              w.dilations[d]);
    node.require(
        p.steps[d] >= 1,
        fmt::format("a window of {} over {} with pads {} and {}",
                    (w.kernel[d] - 1) * w.dilations[d] + 1, x[d + 2], w.pads[d], w.pads[d + 2]),
        "a window that fits");
  }
  return p;
}

}  // namespace systole::compiler
