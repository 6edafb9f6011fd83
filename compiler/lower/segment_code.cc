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
constexpr std::size_t kMostCode = std::size_t{1} << 22;           // instructions, syncs among them
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

// At least: the tiles that the jobs pass over, and the instructions that these passes and the
// vector unit need.
SegmentCode::Length SegmentCode::length_of(const SegmentPlan& plan,
                                           const std::vector<Phase>& phases,
                                           const std::vector<Job>& jobs) const {
  std::vector<std::int64_t> phase_jobs(phases.size(), 0), items(phases.size(), 0);
  for (const Job& job : jobs) {
    ++phase_jobs[job.phase];
    items[job.phase] += job.items;
  }
  const std::int64_t bands = std::max<std::int64_t>(1, std::ssize(plan.bands));
  Length length;
  for (std::size_t i = 0; i < plan.ops.size(); ++i) {
    const DeviceOp& op = plan.ops[i];
    const std::size_t phase = phase_of(phases, static_cast<int>(i));
    const std::int64_t pixels =
        ceil_div(plan.residents[op.output].map.pixels() * items[phase], plan.units * bands);
    const std::int64_t tiles = op.product != nullptr ? op.product->tile_count() : 0;
    length.passes += tiles * phase_jobs[phase];
    length.instructions +=
        std::max<std::int64_t>(tiles, 1) * ceil_div(pixels, stretch_rows(program_.machine));
  }
  return length;
}

// Before memory is taken for it.
void SegmentCode::check_length(const Length& length, std::size_t jobs) const {
  if (length.passes <= kMaxPasses && length.instructions <= kMaxInstructions) return;
  throw InputError(
      "model " + program_.model,
      fmt::format("needs at least {} passes in {} jobs, and {} instructions", length.passes, jobs,
                  length.instructions),
      fmt::format("at most {} passes and {} instructions in a program: a smaller model or fewer "
                  "--batches",
                  kMaxPasses, kMaxInstructions));
}

// Periods of jobs whose sums fill the accumulators once, so that these are handed out in turn
// almost as without periods; but no more than the instruction buffer holds, if it holds one.
std::int64_t SegmentCode::periods_together(const SegmentPlan& plan,
                                           const std::vector<Phase>& phases,
                                           const std::vector<Job>& jobs) const {
  constexpr std::int64_t kBytesEach = 64;  // of code, about: for a pass, with what comes before it
  const std::vector<Job> period(jobs.begin(),
                                jobs.begin() + static_cast<std::ptrdiff_t>(period_of(jobs)));
  std::int64_t rows = 1;
  for (const Job& job : period) {
    for (int i = phases[job.phase].first; i < phases[job.phase].end; ++i) {
      const DeviceOp& op = plan.ops[static_cast<std::size_t>(i)];
      if (op.product == nullptr) continue;
      rows += pixels_of(plan, job, op.output).count() * std::ssize(op.product->columns);
    }
  }
  const Length length = length_of(plan, phases, period);
  const std::int64_t bytes = 1 + kBytesEach * (length.passes + length.instructions);
  const std::int64_t held = program_.machine.sequencer_buffer_bytes / bytes;
  const std::int64_t summed = std::max<std::int64_t>(1, program_.machine.accumulators_rows / rows);
  return held > 0 ? std::min(held, summed) : summed;
}

// With no tile to read ahead nothing leaves the stream before the end; then it is emptied with each
// period, so that a period has code of its own.
void SegmentCode::note_done(RowCode& code, std::size_t done) {
  const std::size_t before = code.marks.size() - 1;
  if (code.period > 0 && done / code.period > before / code.period) {
    const std::size_t begin = code.marks[before / code.period * code.period];
    if (program_.code.size() == begin) stream_.finish();
  }
  code.marks.resize(1 + done, program_.code.size());
}

std::optional<RowCode> SegmentCode::emit(const SegmentPlan& given, std::size_t periods) {
  const auto [plan, phases] = choose_phases(given, program_);
  ShortRow row{make_jobs(plan, program_, phases), 0, 0};
  const BufferMap buffer(plan, program_, phases);
  explain(plan, phases, buffer, row.jobs);
  const Length whole = length_of(plan, phases, row.jobs);
  if (periods > 0 && whole.passes + whole.instructions + std::ssize(row.jobs) > unrolled_) {
    row = shorten(std::move(row.jobs), periods, periods_together(plan, phases, row.jobs));
  }
  check_length(length_of(plan, phases, row.jobs), row.jobs.size());
  RowCode code{{program_.code.size()}, row.period, row.left_out};
  JobsInCode all{program_, plan, phases, buffer, stream_, params_, products_, vectors_, pace_, {}};
  for (std::size_t next = 0;;) {
    for (; next < row.jobs.size() && all.jobs.size() < kJobsInCode; ++next) {
      auto job = std::make_unique<JobCode>(all, row.jobs[next]);
      for (const auto& before : all.jobs) job->follow(*before);
      all.jobs.push_back(std::move(job));
    }
    if (all.jobs.empty()) break;
    choose(all).step();
    retire(all);
    if (program_.code.size() + stream_.waiting() > kMostCode) {
      throw InputError("model " + program_.model,
                       fmt::format("needs over {} instructions", kMostCode),
                       "fewer: a smaller model or fewer --batches");
    }
    note_done(code, next - all.jobs.size());
  }
  stream_.finish();
  return row.left_out > 0 ? std::optional(std::move(code)) : std::nullopt;
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
