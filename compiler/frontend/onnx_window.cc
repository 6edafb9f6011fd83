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
using Ints = std::vector<std::int64_t>;

std::string numbers(std::size_t count) {
  constexpr std::array<const char*, 7> kWords = {"no",   "one",  "two", "three",
                                                 "four", "five", "six"};
  return fmt::format("{} {}", count < kWords.size() ? kWords[count] : std::to_string(count),
                     count == 1 ? "number" : "numbers");
}

// An attribute of one number per spatial dimension, each in [1, 2^31].
Ints sizes_or_ones(OnnxNode& node, const std::string& name, std::size_t dimensions) {
  Ints found = node.ints(name);
  if (!node.has_attribute(name)) return Ints(dimensions, 1);
  const std::string number = numbers(dimensions);
  const std::string word = number.substr(0, number.find(' '));
  node.require(found.size() == dimensions,
               fmt::format("attribute '{}' is {}", name, shape_text(found)),
               fmt::format("{}, as the window has {} {}", number, word,
                           dimensions == 1 ? "dimension" : "dimensions"));
  for (const std::int64_t v : found) {
    node.require(v >= 1 && v <= kMaxSize,
                 fmt::format("attribute '{}' is {}", name, shape_text(found)), "1 to 2^31");
  }
  return found;
}

Ints read_pads(OnnxNode& node, std::size_t dimensions) {
  Ints pads = node.ints("pads");
  if (!node.has_attribute("pads")) return Ints(2 * dimensions, 0);
  const bool known =
      pads.size() == 2 * dimensions &&
      std::all_of(pads.begin(), pads.end(), [](auto p) { return p >= 0 && p <= kMaxSize; });
  const std::string number = numbers(2 * dimensions);
  node.require(known, "attribute 'pads' is " + shape_text(pads), number + " from 0 to 2^31");
  return pads;
}

void pad_to_same(WindowAxis& w, std::int64_t size, bool upper) {
  const std::int64_t steps = ceil_div(size, w.stride);
  const std::int64_t reach = (w.kernel - 1) * w.dilation + 1;
  const std::int64_t total = std::max<std::int64_t>(0, (steps - 1) * w.stride + reach - size);
  w.before = upper ? total / 2 : total - total / 2;
  w.behind = total - w.before;
}

// Grows the pads behind so that the window is also placed where it passes the edge.
void round_up(WindowAxis& w, std::int64_t size) {
  const std::int64_t length = size + w.before + w.behind;
  const std::int64_t reach = (w.kernel - 1) * w.dilation + 1;
  if (length < reach) return;
  std::int64_t steps = ceil_div(length - reach, w.stride) + 1;
  if ((steps - 1) * w.stride >= size + w.before) --steps;
  w.overhang = std::max<std::int64_t>(0, (steps - 1) * w.stride + reach - length);
  w.behind += w.overhang;
}

}  // namespace

Shape image_shape(const Shape& x) { return x.size() == 3 ? Shape{x[0], x[1], 1, x[2]} : x; }

Pair read_kernel(OnnxNode& node, bool flat, std::optional<Pair> otherwise) {
  Ints found = sizes_or_ones(node, "kernel_shape", flat ? 1 : 2);
  if (flat) found.insert(found.begin(), 1);
  const Pair kernel = {found[0], found[1]};
  node.require(otherwise || node.has_attribute("kernel_shape"),
               "attribute 'kernel_shape' is absent", flat ? "one number" : "two numbers");
  if (!otherwise) return kernel;
  node.require(!node.has_attribute("kernel_shape") || kernel == *otherwise,
               fmt::format("kernel_shape {}x{} for weights of {}x{}", kernel[0], kernel[1],
                           (*otherwise)[0], (*otherwise)[1]),
               "the weights' own size");
  return *otherwise;
}

Ints read_kernel_of(OnnxNode& node, std::size_t dimensions) {
  node.require(node.has_attribute("kernel_shape"), "attribute 'kernel_shape' is absent",
               numbers(dimensions));
  return sizes_or_ones(node, "kernel_shape", dimensions);
}

std::vector<WindowAxis> read_axes(OnnxNode& node, const Ints& kernel, const Shape& x,
                                  WindowOptions options) {
  const std::size_t dimensions = kernel.size();
  const Ints strides = sizes_or_ones(node, "strides", dimensions);
  const Ints dilations =
      options.dilations ? sizes_or_ones(node, "dilations", dimensions) : Ints(dimensions, 1);
  const Ints pads = read_pads(node, dimensions);
  const std::string automatic = node.string_or("auto_pad", "NOTSET");
  const bool upper = automatic == "SAME_UPPER";
  const bool same = upper || automatic == "SAME_LOWER";
  node.require(same || automatic == "NOTSET" || automatic == "VALID",
               "auto_pad is '" + automatic + "'", "NOTSET, SAME_UPPER, SAME_LOWER or VALID");
  node.require(automatic == "NOTSET" || pads == Ints(2 * dimensions, 0), "both pads and auto_pad",
               "one of them");
  const bool ceil = options.ceil_mode && node.flag("ceil_mode");
  std::vector<WindowAxis> axes;
  for (std::size_t d = 0; d < dimensions; ++d) {
    const std::int64_t size = x[x.size() - dimensions + d];
    WindowAxis w{kernel[d], strides[d], dilations[d], pads[d], pads[dimensions + d]};
    if (same) pad_to_same(w, size, upper);
    if (ceil && !same) round_up(w, size);
    w.steps = window_steps(size + w.before + w.behind, w.kernel, w.stride, w.dilation);
    node.require(w.steps >= 1,
                 fmt::format("a window of {} over {} with pads {} and {}",
                             (w.kernel - 1) * w.dilation + 1, size, w.before, w.behind),
                 "a window that fits");
    axes.push_back(w);
  }
  return axes;
}

PlacedWindow placed_window(const WindowAxis& rows, const WindowAxis& columns) {
  return {{{rows.kernel, columns.kernel},
           {rows.stride, columns.stride},
           {rows.dilation, columns.dilation},
           {rows.before, columns.before, rows.behind, columns.behind}},
          {rows.steps, columns.steps},
          {rows.overhang, columns.overhang}};
}

PlacedWindow read_window(OnnxNode& node, Pair kernel, const Shape& x, WindowOptions options) {
  if (!options.flat) {
    const auto axes = read_axes(node, {kernel[0], kernel[1]}, x, options);
    return placed_window(axes[0], axes[1]);
  }
  return placed_window({}, read_axes(node, {kernel[1]}, x, options)[0]);
}

}  // namespace systole::compiler
