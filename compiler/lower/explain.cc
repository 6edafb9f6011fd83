// Explanation: words for a mapping.
#include "compiler/lower/explain.h"

#include <fmt/format.h>

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
  const std::int64_t taps = p.slices.front().taps;
  if (taps > 1) text += fmt::format(", {} taps a row", taps);
  text += fmt::format(", {} slices x {} columns", p.slices.size(), p.columns.size());
  const bool resident = p.tile_count() == std::ssize(p.columns);
  if (resident) return text + ", tile by tile over all rows";
  return text +
         fmt::format(", {} group{} of rows, all tiles a group", groups, groups == 1 ? "" : "s");
}

}  // namespace

LayerPlan plan_of(const DeviceOp& op, std::int64_t groups) {
  LayerPlan plan;
  plan.layer = op.layer;
  if (op.product == nullptr) {
    plan.mapping = "vector unit: " + std::string(op_name(op.node->kind));
    return plan;
  }
  const Product& p = *op.product;
  plan.mapping = product_text(p, groups);
  plan.tiles = p.tile_count();
  plan.tile_reads = plan.tiles == std::ssize(p.columns) ? plan.tiles : plan.tiles * groups;
  return plan;
}

}  // namespace systole::compiler
