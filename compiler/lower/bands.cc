// Bands: lines wanted of each value, from the last operation to the first.
#include "compiler/lower/bands.h"

#include <algorithm>

#include "compiler/lower/segment.h"

namespace systole::compiler {
namespace {

void add(Lines& lines, const Lines& more) {
  if (lines.count() == 0) {
    lines = more;
    return;
  }
  lines = {std::min(lines.begin, more.begin), std::max(lines.end, more.end)};
}

// Lines of a map of `height` that the windows of output lines `out` reach.
Lines reached(const Window& w, const Lines& out, std::int64_t height) {
  const std::int64_t top = out.begin * w.strides[0] - w.pads[0];
  const std::int64_t bottom =
      (out.end - 1) * w.strides[0] - w.pads[0] + (w.kernel[0] - 1) * w.dilations[0];
  const std::int64_t begin = std::clamp<std::int64_t>(top, 0, height - 1);
  return {begin, std::clamp(bottom + 1, begin + 1, height)};
}

// Lines of input `i` that `op` reads for lines `out` of its result.
Lines read_lines(const SegmentPlan& plan, const DeviceOp& op, std::size_t i, const Lines& out) {
  const FeatureMap& in = plan.residents.at(op.inputs[i]).map;
  if (op.product != nullptr && op.product->walk == Walk::kWindow)
    return reached(op.product->window, out, in.height);
  if (const auto* pool = std::get_if<PoolAttrs>(&op.node->attrs))
    return reached(pool->window, out, in.height);
  const bool broadcast = in.height != plan.residents.at(op.output).map.height;
  return broadcast ? Lines{0, in.height} : out;
}

// Whether the operation's result can be computed some lines at a time.
bool goes_by_lines(const DeviceOp& op) {
  if (op.product != nullptr)
    return op.product->walk != Walk::kFlatten && !op.product->misses_lines();
  const auto* move = std::get_if<MoveAttrs>(&op.node->attrs);
  return move == nullptr || move->fn == MoveFn::kConcat;
}

// Whether a job of one unit holds one image of each value.
bool holds_single_images(const SegmentPlan& plan) {
  return std::ranges::all_of(plan.residents, [&](const Resident& r) {
    return r.map.images == (r.is_constant ? 1 : plan.units);
  });
}

}  // namespace

Lines kept_lines(std::int64_t height, std::int64_t band, std::int64_t count) {
  return {height * band / count, height * (band + 1) / count};
}

std::optional<BandLines> cut_lines(const SegmentPlan& plan, std::int64_t count) {
  if (!holds_single_images(plan) || !std::ranges::all_of(plan.ops, goes_by_lines))
    return std::nullopt;
  BandLines bands;
  for (std::int64_t band = 0; band < count; ++band) {
    std::vector<Lines> lines(plan.residents.size());
    for (std::size_t i = 0; i < plan.residents.size(); ++i) {
      const Resident& r = plan.residents[i];
      if (r.stored && r.map.height < count) return std::nullopt;
      if (r.stored) lines[i] = kept_lines(r.map.height, band, count);
    }
    for (auto op = plan.ops.rbegin(); op != plan.ops.rend(); ++op) {
      for (std::size_t i = 0; i < op->inputs.size(); ++i)
        add(lines[op->inputs[i]], read_lines(plan, *op, i, lines[op->output]));
    }
    bands.push_back(std::move(lines));
  }
  return bands;
}

}  // namespace systole::compiler
