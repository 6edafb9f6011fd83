// Segment: unified buffer allocation by lifetime, and jobs.
#include "compiler/lower/segment.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/diag.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMaxJobs = std::int64_t{1} << 18;

// Jobs of nested phases: those of the phase before come first, over the same samples.
class Nest {
 public:
  explicit Nest(const std::vector<Phase>& phases)
      : phases_(phases), starts_(phases.size(), 0), count_(phases.size(), 0) {}

  // Phases up to `phase` on samples [begin, end), in equal jobs.
  void add(std::size_t phase, std::int64_t begin, std::int64_t end) {
    const std::int64_t jobs = ceil_div(end - begin, phases_[phase].items);
    const std::int64_t items = ceil_div(end - begin, jobs);
    for (std::int64_t first = begin; first < end; first += items) {
      const std::int64_t last = std::min(end, first + items);
      starts_[phase] = first;
      if (phase > 0) add(phase - 1, first, last);
      const int copy = count_[phase]++ % phases_[phase].copies;
      jobs_.push_back({phase, first, last - first, copy, starts_});
    }
  }
  std::vector<Job> take() { return std::move(jobs_); }

 private:
  const std::vector<Phase>& phases_;
  std::vector<std::int64_t> starts_;
  std::vector<int> count_;
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

std::size_t phase_of(const std::vector<Phase>& phases, int operation) {
  std::size_t phase = 0;
  while (operation >= phases.at(phase).end) ++phase;
  return phase;
}

std::int64_t pixels_of(const SegmentPlan& plan, const Resident& resident, std::int64_t items) {
  if (resident.is_constant) return resident.map.pixels();
  return resident.map.pixels() / plan.units * items;
}

BufferMap::Place BufferMap::describe(const SegmentPlan& plan, const Resident& resident,
                                     const isa::Machine& machine,
                                     const std::vector<Phase>& phases) {
  Place place;
  place.phase = phase_of(phases, resident.last_use);
  place.local = phase_of(phases, resident.first_use) == place.phase;
  // What a later phase reads stays while earlier phases run for other samples.
  place.from = place.local ? std::max(phases[place.phase].first, resident.from) : 0;
  place.until = std::min(phases[place.phase].end - 1, resident.until);
  place.item_pixels = resident.is_constant ? 0 : resident.map.pixels() / plan.units;
  place.layout = Layout(machine, pixels_of(plan, resident, phases[place.phase].items),
                        resident.map.channels, resident.element_bytes(), resident.width(machine));
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
  for (const Resident& resident : plan.residents) {
    Place place = describe(plan, resident, program.machine, phases);
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
  const std::int64_t before = (job.first_item - job.starts.at(place.phase)) * place.item_pixels;
  return base(job, place) + place.layout.row(block, before + pixel);
}

int BufferMap::needed_until(const Job& job, const Job& next, std::size_t resident) const {
  const Place& wanted = places_.at(resident);
  const std::int64_t begin = base(next, wanted);
  const std::int64_t end = begin + wanted.layout.total_rows();
  int until = -1;
  for (const Place& place : places_) {
    const bool other_rows =
        &place == &wanted && !place.local && job.starts[place.phase] == next.starts[place.phase];
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
  std::int64_t count = 0;
  for (const Phase& phase : phases) count += ceil_div(plan.units, phase.items) * program.batches;
  if (count > kMaxJobs) {
    throw InputError("model " + program.model,
                     fmt::format("needs {} jobs, as {} of its samples fit the unified buffer",
                                 count, phases.front().items),
                     fmt::format("at most {}: a smaller batch or fewer --batches", kMaxJobs));
  }
  Nest nest(phases);
  for (std::int64_t b = 0; b < program.batches; ++b)
    nest.add(phases.size() - 1, b * plan.units, (b + 1) * plan.units);
  return nest.take();
}

}  // namespace systole::compiler
