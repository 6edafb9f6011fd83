// Segment code: the order in which the jobs' operations come.
#include "compiler/lower/segment_code.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/diag.h"
#include "compiler/lower/job_code.h"
#include "compiler/lower/phases.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMaxInstructions = std::int64_t{1} << 20;  // about 1 GB with their syncs
constexpr std::size_t kJobsInCode = 3;  // two at work, and one whose inputs come meanwhile

// The job whose next operation waits least, the older of two; of jobs that have places of their
// own in the buffer, as only those may go beside each other.
JobCode& choose(const JobsInCode& all) {
  JobCode& oldest = *all.jobs.front();
  if (all.jobs.size() == 1) return oldest;
  JobCode& next = *all.jobs[1];
  const bool apart = oldest.job().phase == next.job().phase && oldest.job().copy != next.job().copy;
  return apart && next.wait() < oldest.wait() ? next : oldest;
}

// Takes out the jobs that are done; those behind may load what these held up.
void retire(JobsInCode& all) {
  for (std::size_t i = 0; i < all.jobs.size();) {
    if (!all.jobs[i]->done()) {
      ++i;
      continue;
    }
    const std::unique_ptr<JobCode> done = std::move(all.jobs[i]);
    all.jobs.erase(all.jobs.begin() + static_cast<std::ptrdiff_t>(i));
    for (const auto& job : all.jobs) job->release(*done);
    if (i < all.jobs.size()) all.jobs[i]->preload(all.jobs[i]->open_loads());
  }
}

}  // namespace

// Batches are unrolled, so a program's length is bounded here, before memory is taken for it: the
// tiles that the jobs pass over, and the instructions that these passes and the vector unit need.
void SegmentCode::check_length(const SegmentPlan& plan, const std::vector<Phase>& phases,
                               const std::vector<Job>& jobs) const {
  std::vector<std::int64_t> phase_jobs(phases.size(), 0);
  for (const Job& job : jobs) ++phase_jobs[job.phase];
  std::int64_t passes = 0, instructions = 0;
  for (std::size_t i = 0; i < plan.ops.size(); ++i) {
    const DeviceOp& op = plan.ops[i];
    const std::int64_t pixels = plan.residents[op.output].map.pixels() * program_.batches;
    const std::int64_t tiles = op.product != nullptr ? op.product->tile_count() : 0;
    passes += tiles * phase_jobs[phase_of(phases, static_cast<int>(i))];
    instructions +=
        std::max<std::int64_t>(tiles, 1) * ceil_div(pixels, stretch_rows(program_.machine));
  }
  if (passes <= kMaxPasses && instructions <= kMaxInstructions) return;
  throw InputError(
      "model " + program_.model,
      fmt::format("needs at least {} passes in {} jobs, and {} instructions", passes, jobs.size(),
                  instructions),
      fmt::format("at most {} passes and {} instructions in a program: a smaller model or fewer "
                  "--batches",
                  kMaxPasses, kMaxInstructions));
}

void SegmentCode::emit(const SegmentPlan& plan) {
  const std::vector<Phase> phases = choose_phases(plan, program_);
  const std::vector<Job> jobs = make_jobs(plan, program_, phases);
  check_length(plan, phases, jobs);
  const BufferMap buffer(plan, program_, phases);
  explain(plan, phases, buffer, jobs);
  JobsInCode all{program_, plan, phases, buffer, stream_, params_, products_, vectors_, pace_, {}};
  for (std::size_t next = 0;;) {
    for (; next < jobs.size() && all.jobs.size() < kJobsInCode; ++next) {
      auto job = std::make_unique<JobCode>(all, jobs[next]);
      for (const auto& before : all.jobs) job->follow(*before);
      all.jobs.push_back(std::move(job));
    }
    if (all.jobs.empty()) break;
    choose(all).step();
    retire(all);
  }
  stream_.finish();
}

// A phase's first job stands for all.
void SegmentCode::explain(const SegmentPlan& plan, const std::vector<Phase>& phases,
                          const BufferMap& buffer, const std::vector<Job>& jobs) {
  const std::int64_t samples = program_.batch / plan.units;
  const std::int64_t bands = std::max<std::int64_t>(1, std::ssize(plan.bands));
  std::vector<std::int64_t> count(phases.size(), 0);
  for (const Job& job : jobs) {
    if (count[job.phase]++ > 0) continue;
    const JobContext context{program_, plan, buffer, job, stream_, params_, {}, {}, {}, {}, {}};
    for (int i = phases[job.phase].first; i < phases[job.phase].end; ++i) {
      const DeviceOp& op = plan.ops[static_cast<std::size_t>(i)];
      const std::int64_t groups = op.product != nullptr ? products_.group_count(context, op) : 1;
      explanation_.layers.push_back(plan_of(op, plan, groups));
    }
  }
  for (std::size_t p = 0; p < phases.size(); ++p) {
    explanation_.segments.push_back({count[p], phases[p].items * samples, bands,
                                     std::min<std::int64_t>(count[p], phases[p].copies),
                                     phases[p].end - phases[p].first, buffer.rows()});
  }
}

}  // namespace systole::compiler
