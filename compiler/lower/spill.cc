// Spill: choosing a cut, and renumbering the stages behind it.
#include "compiler/lower/spill.h"

#include <algorithm>

#include "compiler/lower/phases.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMostBands = 1024;
constexpr double kMostTwice = 1.25;  // of the passes, what bands may make of them

// The first `count` operations alone. Residents stand in the order of their first use.
SegmentPlan prefix(SegmentPlan plan, std::size_t count) {
  plan.ops.resize(count);
  const int last = static_cast<int>(count) - 1;
  const auto later = std::find_if(plan.residents.begin(), plan.residents.end(),
                                  [&](const Resident& r) { return r.first_use > last; });
  plan.residents.erase(later, plan.residents.end());
  for (Resident& r : plan.residents) {
    r.stored = r.stored || (!r.loaded && r.last_use > last);
    r.last_use = std::min(r.last_use, last);
  }
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

// Cycles of the passes in bands over those of whole images, where lines are computed twice and
// tiles are read once a band.
double work_in_bands(const SegmentPlan& plan, const isa::Machine& machine) {
  double whole = 0, cut = 0;
  for (const DeviceOp& op : plan.ops) {
    if (op.product == nullptr) continue;
    std::int64_t lines = 0;
    for (const std::vector<Lines>& band : plan.bands) lines += band[op.output].count();
    const auto passes = static_cast<double>(pass_cycles(*op.product));
    const double fetches = static_cast<double>(op.product->tile_count()) * fetch_cycles(machine);
    const auto height = static_cast<double>(plan.residents[op.output].map.height);
    whole += std::max(passes, fetches);
    cut += std::max(passes * static_cast<double>(lines) / height,
                    fetches * static_cast<double>(std::ssize(plan.bands) * plan.units));
  }
  return whole > 0 ? cut / whole : 1;
}

// The fewest bands in which the plan fits: two jobs at once if it goes, else one. 0 if there are
// none, or too much would be done twice.
std::int64_t fewest_bands(SegmentPlan plan, const isa::Program& program) {
  std::int64_t alone = 0;
  for (std::int64_t bands = 2; bands <= kMostBands; bands += (bands + 3) / 4) {
    const auto lines = cut_lines(plan, bands);
    if (!lines) break;
    plan.bands = *lines;
    if (!one_unit_fits(plan, program)) continue;
    const bool costly = plan.ops.size() > 1 && work_in_bands(plan, program.machine) > kMostTwice;
    if (costly) break;
    if (two_units_fit(plan, program)) return bands;
    if (alone == 0) alone = bands;
  }
  return alone;
}

}  // namespace

std::optional<SpillCut> spill_cut(const SegmentPlan& plan, const isa::Program& program) {
  std::vector<std::int64_t> bands;  // by operations before the cut, from 1 on
  while (bands.size() < plan.ops.size()) {
    const SegmentPlan first = prefix(plan, bands.size() + 1);
    const std::int64_t needed = one_unit_fits(first, program) ? 1 : fewest_bands(first, program);
    if (needed == 0) break;
    bands.push_back(needed);
  }
  if (bands.empty()) return std::nullopt;
  std::size_t best = bands.size();
  for (std::size_t cut = bands.size(); cut > (bands.size() - 1) / 2; --cut) {
    if (bytes_across(plan, cut) < bytes_across(plan, best)) best = cut;
  }
  return SpillCut{best, bands[best - 1]};
}

void split_segment(Placement& placement, int segment, const std::vector<std::size_t>& later,
                   std::int64_t bands) {
  const auto at = placement.bands.begin() + segment;
  *at = bands;
  if (later.empty()) return;
  placement.bands.insert(at + 1, 1);
  for (int& stage : placement.stage) stage += stage > segment ? 1 : 0;
  for (std::size_t node : later) placement.stage[node] = segment + 1;
  ++placement.segments;
}

}  // namespace systole::compiler
