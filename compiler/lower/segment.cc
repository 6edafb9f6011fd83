// Segment: unified buffer allocation by lifetime, and job sizes.
#include "compiler/lower/segment.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/diag.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMaxJobs = std::int64_t{1} << 18;

bool live_together(const Resident& a, const Resident& b) {
  return a.first_use <= b.last_use && b.first_use <= a.last_use;
}

// The most items of which `copies` jobs fit the unified buffer at once; 0 if not even one does.
std::int64_t most_items(const SegmentPlan& plan, const isa::Program& program, std::int64_t copies) {
  std::int64_t fits = 0;
  for (std::int64_t low = 1, high = program.batch; low <= high;) {
    const std::int64_t middle = (low + high) / 2;
    const bool ok = BufferMap(plan, program, middle).rows() * copies <= program.machine.ub_rows();
    if (ok) fits = middle;
    (ok ? low : high) = ok ? middle + 1 : middle - 1;
  }
  return fits;
}

}  // namespace

std::int64_t pixels_in_job(const Resident& resident, const isa::Program& program,
                           std::int64_t items) {
  if (resident.is_constant) return resident.map.pixels();
  return resident.map.pixels() / program.batch * items;
}

BufferMap::BufferMap(const SegmentPlan& plan, const isa::Program& program, std::int64_t items) {
  for (std::size_t i = 0; i < plan.residents.size(); ++i) {
    const Resident& mine = plan.residents[i];
    Place place{Layout(program.machine, pixels_in_job(mine, program, items), mine.map.channels,
                       mine.element_bytes()),
                0};
    std::vector<std::pair<std::int64_t, std::int64_t>> taken;
    for (std::size_t j = 0; j < i; ++j) {
      if (!live_together(mine, plan.residents[j])) continue;
      const Place& other = places_[j];
      taken.emplace_back(other.base, other.base + other.layout.total_rows());
    }
    std::sort(taken.begin(), taken.end());
    for (const auto& [begin, end] : taken) {
      if (place.base + place.layout.total_rows() <= begin) break;
      place.base = std::max(place.base, end);
    }
    peak_ = std::max(peak_, place.base + place.layout.total_rows());
    places_.push_back(std::move(place));
  }
}

int BufferMap::needed_until(const SegmentPlan& plan, const Job& job, const BufferMap& other,
                            const Job& other_job, std::size_t other_resident) const {
  const Place& theirs = other.places_.at(other_resident);
  const std::int64_t begin = other_job.arena + theirs.base;
  const std::int64_t end = begin + theirs.layout.total_rows();
  int until = -1;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const std::int64_t mine = job.arena + places_[i].base;
    const bool overlap = mine < end && begin < mine + places_[i].layout.total_rows();
    if (overlap) until = std::max(until, plan.residents[i].last_use);
  }
  return until;
}

std::vector<Job> make_jobs(const SegmentPlan& plan, const isa::Program& program) {
  const isa::Machine& machine = program.machine;
  std::int64_t copies = plan.schedule == Schedule::kPaper2015 ? 1 : 2;
  std::int64_t items = most_items(plan, program, copies);
  if (items < program.batch && copies == 2) {
    // Rather the whole batch at once, which reads each weight tile once, than two jobs at a time.
    const std::int64_t alone = most_items(plan, program, 1);
    if (items == 0 || alone == program.batch) {
      items = alone;
      copies = 1;
    }
  }
  if (items == 0) {
    throw InputError(
        "model " + program.model,
        fmt::format("one sample needs {} unified buffer rows", BufferMap(plan, program, 1).rows()),
        fmt::format("at most {} on machine {} (unified_buffer.bytes)", machine.ub_rows(),
                    machine.name));
  }
  items = ceil_div(program.batch, ceil_div(program.batch, items));
  const std::int64_t count = ceil_div(program.batch, items) * program.batches;
  if (count > kMaxJobs) {
    throw InputError(
        "model " + program.model,
        fmt::format("needs {} jobs, as {} of its samples fit the unified buffer", count, items),
        fmt::format("at most {}: a smaller batch or fewer --batches", kMaxJobs));
  }
  std::vector<Job> jobs;
  for (std::int64_t b = 0; b < program.batches; ++b) {
    for (std::int64_t first = 0; first < program.batch; first += items) {
      const std::int64_t parity = std::ssize(jobs) % copies;
      jobs.push_back({b * program.batch + first, std::min(items, program.batch - first),
                      parity * (machine.ub_rows() / copies)});
    }
  }
  return jobs;
}

}  // namespace systole::compiler
