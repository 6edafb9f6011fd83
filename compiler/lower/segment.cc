// Segment: unified buffer allocation by lifetime, and jobs.
#include "compiler/lower/segment.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "base/diag.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMaxJobs = std::int64_t{1} << 20;

// The units of a batch in jobs of each phase, and these in order. Each in bands, where there are
// any (of one phase then).
class JobList {
 public:
  JobList(const std::vector<Phase>& phases, std::int64_t units, std::int64_t bands)
      : phases_(phases), bands_(bands), first_(phases.size()), count_(phases.size(), 0) {
    std::vector<std::size_t> by_size(phases.size());
    std::iota(by_size.begin(), by_size.end(), std::size_t{0});
    std::ranges::stable_sort(by_size, std::greater{}, [&](std::size_t p) {
      return std::pair(phases[p].items, phases[p].granule);
    });
    std::int64_t granule = 1;
    for (const Phase& phase : phases) granule = std::max(granule, phase.granule);
    std::vector<std::int64_t> cuts = {0, units};
    for (const std::size_t p : by_size) {
      cuts = cut(cuts, phases[p].items, phases[p].items < granule ? 1 : granule);
      first_[p] = cuts;
    }
  }

  void add_batch(std::int64_t begin) {
    begin_ = begin;
    done_.assign(phases_.size(), 0);
    add(phases_.size() - 1, std::ssize(first_.back()) - 1);
  }
  std::vector<Job> take() { return std::move(jobs_); }

 private:
  // Each range between cuts in equal jobs of whole granules, of any phase's: those of another phase
  // lie in them.
  static std::vector<std::int64_t> cut(const std::vector<std::int64_t>& cuts, std::int64_t items,
                                       std::int64_t granule) {
    std::vector<std::int64_t> finer = {0};
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
      const std::int64_t granules = ceil_div(cuts[i + 1] - cuts[i], granule);
      const std::int64_t each = ceil_div(granules, ceil_div(granules, items / granule)) * granule;
      for (std::int64_t end = cuts[i] + each; end < cuts[i + 1]; end += each) finer.push_back(end);
      finer.push_back(cuts[i + 1]);
    }
    return finer;
  }

  // Jobs of `phase` up to number `count`, each behind those that it needs.
  void add(std::size_t phase, std::int64_t count) {
    for (std::int64_t& j = done_[phase]; j < count; ++j) {
      const auto at = static_cast<std::size_t>(j);
      const std::int64_t first = first_[phase][at], end = first_[phase][at + 1];
      if (phase > 0) {
        const auto& before = first_[phase - 1];
        add(phase - 1, std::ranges::lower_bound(before, end) - before.begin());
      }
      std::vector<std::int64_t> starts;
      for (const auto& cuts : first_)
        starts.push_back(begin_ + *std::prev(std::ranges::upper_bound(cuts, first)));
      for (std::int64_t band = 0; band < bands_; ++band) {
        const int copy = count_[phase]++ % phases_[phase].copies;
        jobs_.push_back({phase, begin_ + first, end - first, copy, band, starts});
      }
    }
  }

  const std::vector<Phase>& phases_;
  std::int64_t bands_;
  std::vector<std::vector<std::int64_t>> first_;  // by phase: first unit of each job, and the end
  std::vector<std::int64_t> done_;                // by phase: jobs of this batch
  std::vector<int> count_;                        // by phase: of all batches
  std::int64_t begin_ = 0;
  std::vector<Job> jobs_;
};

}  // namespace

void SegmentPlan::set_times() {
  const int count = static_cast<int>(ops.size());
  const auto op = [this](int i) -> DeviceOp& { return ops[static_cast<std::size_t>(i)]; };
  const auto spreads = [&](int i) {
    return !one_by_one && op(i).product == nullptr && op(i).table < 0;
  };
  for (int i = 0; i < count; ++i) {
    op(i).begins = i;
    if (!spreads(i)) continue;
    int before = i;
    while (before > 0 && spreads(before)) --before;
    if (op(before).product != nullptr) op(i).begins = before;
  }
  for (int i = count - 1; i >= 0; --i) {
    op(i).ends = spreads(i) ? count - 1 : i;
    for (int j = i + 1; j < count && spreads(i); ++j) {
      const auto& inputs = op(j).inputs;
      if (std::find(inputs.begin(), inputs.end(), op(i).output) != inputs.end())
        op(i).ends = std::min(op(i).ends, op(j).ends);
    }
  }
  for (Resident& r : residents) {
    r.from = op(r.first_use).begins;
    r.until = r.last_use;
  }
  for (int i = 0; i < count; ++i) {
    for (std::size_t x : op(i).inputs)
      residents[x].until = std::max(residents[x].until, op(i).ends);
    Resident& made = residents[op(i).output];
    made.until = std::max(made.until, op(i).ends);
  }
}

std::int64_t SegmentPlan::granule(int first, int end) const {
  std::int64_t granule = 1;
  const auto add = [&](std::size_t i) {
    if (!residents[i].is_constant) granule = std::max(granule, units / residents[i].map.images);
  };
  for (int k = first; k < end; ++k) {
    const DeviceOp& op = ops[static_cast<std::size_t>(k)];
    std::ranges::for_each(op.inputs, add);
    add(op.output);
  }
  return granule;
}

std::size_t phase_of(const std::vector<Phase>& phases, int operation) {
  std::size_t phase = 0;
  while (operation >= phases.at(phase).end) ++phase;
  return phase;
}

std::int64_t pixels_of(const SegmentPlan& plan, const Resident& resident, std::int64_t items) {
  if (resident.is_constant) return resident.map.pixels();
  return resident.map.pixels() * items / plan.units;
}

PixelRange pixels_of(const SegmentPlan& plan, const Job& job, std::size_t resident) {
  const Resident& r = plan.residents.at(resident);
  if (plan.bands.empty()) return {0, pixels_of(plan, r, job.items)};
  const Lines& lines = plan.bands.at(static_cast<std::size_t>(job.band)).at(resident);
  return {lines.begin * r.map.width, lines.end * r.map.width};
}

PixelRange kept_pixels_of(const SegmentPlan& plan, const Job& job, std::size_t resident) {
  const Resident& r = plan.residents.at(resident);
  if (plan.bands.empty()) return pixels_of(plan, job, resident);
  const Lines lines = kept_lines(r.map.height, job.band, std::ssize(plan.bands));
  return {lines.begin * r.map.width, lines.end * r.map.width};
}

BufferMap::Place BufferMap::describe(const SegmentPlan& plan, std::size_t index,
                                     const isa::Machine& machine,
                                     const std::vector<Phase>& phases) {
  const Resident& resident = plan.residents[index];
  Place place;
  place.phase = phase_of(phases, resident.last_use);
  place.group = phase_of(phases, resident.first_use);
  place.local = place.group == place.phase;
  for (std::size_t p = place.group; p <= place.phase; ++p) {
    if (phases[p].items > phases[place.group].items) place.group = p;
  }
  // What a later phase reads stays while earlier phases run for other samples.
  place.from = place.local ? std::max(phases[place.phase].first, resident.from) : 0;
  place.until = std::min(phases[place.phase].end - 1, resident.until);
  // And what several jobs read stays for the last of them, while later phases run for the others'
  // samples.
  for (std::size_t p = place.phase; p < phases.size(); ++p) {
    if (phases[p].items >= phases[place.group].items) break;
    place.until = phases[p].end - 1;
  }
  place.pixels = resident.is_constant ? 0 : resident.map.pixels();
  place.units = plan.units;
  std::int64_t pixels = pixels_of(plan, resident, phases[place.group].items);
  if (!plan.bands.empty()) pixels = 0;
  for (const std::vector<Lines>& lines : plan.bands) {
    pixels = std::max(pixels, lines[index].count() * resident.map.width);
    place.first.push_back(lines[index].begin * resident.map.width);
  }
  place.layout = Layout(machine, pixels, resident.map.channels, resident.element_bytes(),
                        resident.width(machine), resident.kept_blocks);
  return place;
}

std::int64_t BufferMap::lowest_free(const Place& place, int copy,
                                    const std::vector<Phase>& phases) const {
  std::vector<std::pair<std::int64_t, std::int64_t>> taken;
  const auto take = [&](const Place& other, int other_copy) {
    const bool other_job =
        other.local && place.local && other.phase == place.phase && other_copy != copy;
    if (!other_job && (place.from > other.until || other.from > place.until)) return;
    const std::int64_t begin = other.base.at(static_cast<std::size_t>(other_copy));
    taken.emplace_back(begin, begin + other.layout.total_rows());
  };
  for (const Place& other : places_) {
    const int copies = other.local ? phases[other.phase].copies : 1;
    for (int c = 0; c < copies; ++c) take(other, c);
  }
  if (copy > 0) take(place, 0);
  std::sort(taken.begin(), taken.end());
  std::int64_t base = 0;
  for (const auto& [begin, end] : taken) {
    if (base + place.layout.total_rows() <= begin) break;
    base = std::max(base, end);
  }
  return base;
}

BufferMap::BufferMap(const SegmentPlan& plan, const isa::Program& program,
                     const std::vector<Phase>& phases) {
  places_.reserve(plan.residents.size());
  for (std::size_t i = 0; i < plan.residents.size(); ++i) {
    Place place = describe(plan, i, program.machine, phases);
    const int copies = place.local ? phases[place.phase].copies : 1;
    for (int c = 0; c < copies; ++c) {
      std::int64_t& base = place.base.at(static_cast<std::size_t>(c));
      base = lowest_free(place, c, phases);
      peak_ = std::max(peak_, base + place.layout.total_rows());
    }
    places_.push_back(place);
  }
}

std::int64_t BufferMap::row(const Job& job, std::size_t resident, std::int64_t block,
                            std::int64_t pixel) const {
  const Place& place = places_.at(resident);
  if (!place.first.empty()) pixel -= place.first.at(static_cast<std::size_t>(job.band));
  const std::int64_t items = job.first_item - job.starts.at(place.group);
  const std::int64_t before = items * place.pixels / place.units;
  return base(job, place) + place.layout.row(block, before + pixel);
}

int BufferMap::needed_until(const Job& job, const Job& next, std::size_t resident) const {
  const Place& wanted = places_.at(resident);
  const std::int64_t begin = base(next, wanted);
  const std::int64_t end = begin + wanted.layout.total_rows();
  int until = -1;
  for (const Place& place : places_) {
    const bool other_rows =
        &place == &wanted && !place.local && job.starts[place.group] == next.starts[place.group];
    if (other_rows) continue;  // of other samples that are kept together
    if (place.local && place.phase != job.phase) continue;
    const std::int64_t mine = base(job, place);
    const bool overlap = mine < end && begin < mine + place.layout.total_rows();
    if (overlap) until = std::max(until, place.until);
  }
  return until;
}

std::vector<Job> make_jobs(const SegmentPlan& plan, const isa::Program& program,
                           const std::vector<Phase>& phases) {
  const std::int64_t bands = std::max<std::int64_t>(1, std::ssize(plan.bands));
  std::int64_t count = 0;
  for (const Phase& phase : phases)
    count += ceil_div(plan.units, phase.items) * bands * program.batches;
  if (count > kMaxJobs) {
    throw InputError("model " + program.model,
                     fmt::format("needs {} jobs of {} of its samples", count, phases.front().items),
                     fmt::format("at most {}: fewer --batches, of more rows each", kMaxJobs));
  }
  JobList list(phases, plan.units, bands);
  for (std::int64_t b = 0; b < program.batches; ++b) list.add_batch(b * plan.units);
  return list.take();
}

}  // namespace systole::compiler
