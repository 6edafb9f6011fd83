// Explanation: words for a mapping.
#include "compiler/lower/explain.h"

#include <fmt/core.h>

#include <algorithm>

namespace systole::compiler {
namespace {

std::string walk_text(const Product& p) {
  const Window& w = p.window;
  switch (p.walk) {
    case Walk::kRows:
      return "matmul";
    case Walk::kFlatten:
      return fmt::format("matmul of {} flattened pixels", w.kernel[1]);
    case Walk::kWindow:
      break;
  }
  std::string text = fmt::format("convolve {} x {}", w.kernel[0], w.kernel[1]);
  if (w.strides != std::array<std::int64_t, 2>{1, 1})
    text += fmt::format(" stride {} x {}", w.strides[0], w.strides[1]);
  if (p.groups > 1) text += fmt::format(" in {} groups", p.groups);
  if (p.fold != Fold{}) text += fmt::format(" over blocks of {} x {} pixels", p.fold.y, p.fold.x);
  return text;
}

std::string product_text(const Product& p, std::int64_t groups) {
  std::string text = walk_text(p);
  if (p.pairs_lines()) text += ", lines in pairs";
  const std::int64_t taps = p.slices.front().taps;
  if (taps > 1) text += fmt::format(", {} taps a row", taps);
  text += fmt::format(", {} slices x {} columns", p.slices.size(), p.columns.size());
  const bool resident = p.tile_count() == std::ssize(p.columns);
  if (resident) return text + ", tile by tile over all rows";
  return text +
         fmt::format(", {} group{} of rows, all tiles a group", groups, groups == 1 ? "" : "s");
}

std::string residency_text(const DeviceOp& op, const SegmentPlan& segment) {
  const bool loaded =
      std::ranges::any_of(op.inputs, [&](std::size_t i) { return segment.residents.at(i).loaded; });
  std::string text = loaded ? "input from the host" : "";
  if (segment.residents.at(op.output).stored)
    text += std::string(loaded ? ", " : "") + "result to the host";
  return text;
}

}  // namespace

LayerPlan plan_of(const DeviceOp& op, const SegmentPlan& segment, std::int64_t groups) {
  LayerPlan plan;
  plan.layer = op.layer;
  plan.residency = residency_text(op, segment);
  if (op.product == nullptr) {
    plan.mapping = "vector unit: " + std::string(op_name(op.node->kind));
    return plan;
  }
  const Product& p = *op.product;
  plan.mapping = product_text(p, groups);
  plan.tiles = p.tile_count();
  return plan;
}

}  // namespace systole::compiler
