// Spill: choosing a cut, and renumbering the stages behind it.
#include "compiler/lower/spill.h"

#include <algorithm>

#include "compiler/lower/phases.h"

namespace systole::compiler {
namespace {

// The first `count` operations alone. Residents stand in the order of their first use.
SegmentPlan prefix(SegmentPlan plan, std::size_t count) {
  plan.ops.resize(count);
  const int last = static_cast<int>(count) - 1;
  const auto later = std::find_if(plan.residents.begin(), plan.residents.end(),
                                  [&](const Resident& r) { return r.first_use > last; });
  plan.residents.erase(later, plan.residents.end());
  for (Resident& r : plan.residents) r.last_use = std::min(r.last_use, last);
  plan.one_by_one = true;
  plan.set_times();
  return plan;
}

std::int64_t bytes_across(const SegmentPlan& plan, std::size_t cut) {
  std::int64_t bytes = 0;
  for (const Resident& r : plan.residents) {
    const bool crosses = r.first_use < static_cast<int>(cut) && r.last_use >= static_cast<int>(cut);
    if (crosses) bytes += r.map.pixels() * r.map.channels * r.element_bytes();
  }
  return bytes;
}

}  // namespace

std::optional<std::size_t> spill_cut(const SegmentPlan& plan, const isa::Program& program) {
  std::size_t most = 0;
  while (most + 1 < plan.ops.size() && one_unit_fits(prefix(plan, most + 1), program)) ++most;
  if (most == 0) return std::nullopt;
  std::size_t best = most;
  for (std::size_t cut = most; cut > most / 2; --cut) {
    if (bytes_across(plan, cut) < bytes_across(plan, best)) best = cut;
  }
  return best;
}

void split_segment(Placement& placement, int segment, const std::vector<std::size_t>& later) {
  for (int& stage : placement.stage) stage += stage > segment ? 1 : 0;
  for (std::size_t node : later) placement.stage[node] = segment + 1;
  ++placement.segments;
}

}  // namespace systole::compiler
