// Segment code: loads, operations and stores of each job.
#include "compiler/lower/segment_code.h"

#include <fmt/core.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <set>

#include "base/diag.h"
#include "compiler/lower/phases.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMaxInstructions = std::int64_t{1} << 20;  // about 1 GB with their syncs
constexpr int kNever = std::numeric_limits<int>::max();
constexpr std::int64_t kMostAhead = 4096;     // cycles for which the vector unit's idleness counts
constexpr std::int64_t kTransferRows = 2048;  // of one DMA instruction, so that others can start

}  // namespace

// One job: its instructions, and the list of its loads.
class SegmentCode::JobEmission {
 public:
  JobEmission(SegmentCode& code, const Layouts& layouts, const Job& job)
      : code_(code),
        plan_(layouts.plan),
        phase_(layouts.phases.at(job.phase)),
        job_(job),
        buffer_(layouts.buffer),
        position_(phase_.first) {
    for (std::size_t i = 0; i < plan_.residents.size(); ++i) {
      const Resident& r = plan_.residents[i];
      if (r.loaded && r.first_use >= phase_.first && r.first_use < phase_.end) list_loads(i);
    }
    std::stable_sort(loads_.begin(), loads_.end(), [&](const Load& a, const Load& b) {
      return plan_.residents[a.resident].first_use < plan_.residents[b.resident].first_use;
    });
  }

  // A phase's first job stands for all in the explanation.
  void explain_operations() { explains_ = true; }

  // The operations; `next` may load its inputs meanwhile (null: there is none).
  void compute(JobEmission* next) {
    next_ = next;
    if (next_ != nullptr) next_->follow(*this);
    const JobContext context{
        code_.program_,
        plan_,
        buffer_,
        job_,
        code_.stream_,
        code_.params_,
        [this, &context](std::size_t resident, std::int64_t block, std::int64_t end) {
          need(context, {resident, block, end});
        },
        [this] { stretch_done(); },
        [this, &context](std::int64_t block, std::int64_t end, std::int64_t cycles) {
          written_[block] = end;
          spread_items(context, cycles);
        }};
    for (int i = phase_.first; i < phase_.end; ++i) {
      stretches_ += stretches(context, operation(i));
      if (explains_) explain(context, operation(i));
    }
    if (in_steps()) input_step();
    for (; position_ < phase_.end; ++position_) {
      const DeviceOp& op = operation(position_);
      if (in_steps()) layer_step(op);
      take_items(context);
      if (op.product != nullptr) {
        written_.clear();
        code_.products_.emit(context, op);
        store(op);
      }
      const bool at_once = op.begins == position_ && op.ends == position_ && op.product == nullptr;
      if (at_once || position_ + 1 == phase_.end) push_items(context, std::ssize(items_));
    }
    if (next_ != nullptr) next_->preload(next_->open_, position_);
  }

 private:
  [[nodiscard]] const DeviceOp& operation(int i) const {
    return plan_.ops[static_cast<std::size_t>(i)];
  }

  void explain(const JobContext& context, const DeviceOp& op) const {
    const std::int64_t groups =
        op.product != nullptr ? code_.products_.group_count(context, op) : 1;
    code_.explanation_.layers.push_back(plan_of(op, plan_, groups));
  }

  std::int64_t stretches(const JobContext& context, const DeviceOp& op) const {
    return op.product != nullptr ? code_.products_.stretches(context, op)
                                 : buffer_.layout(op.output).blocks();
  }

  // Notes until when the job before needs the places of this one's loads.
  void follow(const JobEmission& before) {
    for (Load& part : loads_) {
      part.free_after = buffer_.needed_until(before.job_, job_, part.resident);
      // What is used later shares its place with what is used before it.
      if (plan_.residents[part.resident].first_use > phase_.first) part.free_after = kNever;
    }
  }

  // --- work of the vector unit ---
  // Queues the items of the operation at work, or of those that may begin while it is.
  void take_items(const JobContext& context) {
    taken_ = std::max(taken_, position_);
    for (; taken_ < phase_.end && operation(taken_).begins <= position_; ++taken_) {
      if (operation(taken_).product != nullptr) continue;
      for (VectorItem& item : VectorCode::items(context, operation(taken_)))
        items_.push_back({taken_, std::move(item)});
    }
  }

  void push_items(const JobContext& context, std::int64_t count) {
    for (; count > 0; --count) {
      QueuedItem next = std::move(items_.front());
      items_.pop_front();
      ahead_ -= next.item.cycles;
      const DeviceOp& op = operation(next.operation);
      code_.vectors_.push(context, op, std::move(next.item));
      if (items_.empty() || items_.front().operation != next.operation) store(op);
    }
  }

  // Pushes items beside a product whose code has come `cycles` further, as long as the vector unit
  // has less to do than the array: else its full queue would hold up the array's instructions.
  void spread_items(const JobContext& context, std::int64_t cycles) {
    ahead_ = std::min(ahead_ + cycles, kMostAhead);
    while (!items_.empty() && ahead_ > 0 && ready(items_.front().item)) push_items(context, 1);
  }

  // Pushes all up to the last queued item that writes any of these pixels.
  void push_writers(const JobContext& context, const Span& span) {
    for (std::int64_t i = std::ssize(items_); i > 0; --i) {
      const QueuedItem& queued = items_[static_cast<std::size_t>(i - 1)];
      const Written& writes = queued.item.writes;
      if (operation(queued.operation).output != span.resident || writes.block != span.block ||
          writes.first >= span.end)
        continue;
      return push_items(context, i);
    }
  }

  // Whether the product at work has written what the item reads of its output.
  [[nodiscard]] bool ready(const VectorItem& item) const {
    const std::size_t output = operation(position_).output;
    return std::all_of(item.reads.begin(), item.reads.end(), [&](const Span& span) {
      const auto end = written_.find(span.block);
      return span.resident != output || (end != written_.end() && end->second >= span.end);
    });
  }

  // --- transfers ---
  template <typename Transfer>
  Transfer transfer(const Load& part) const {
    const Resident& r = plan_.residents[part.resident];
    const std::int64_t width = r.width(code_.program_.machine);
    const std::int64_t begin = part.block * width;
    const std::int64_t pixel_bytes = r.map.channels * r.element_bytes();
    const std::int64_t before = r.is_constant ? 0 : r.map.pixels() / plan_.units * job_.first_item;
    return Transfer{
        .host = r.host + (before + part.first) * pixel_bytes + begin * r.element_bytes(),
        .stride = pixel_bytes,
        .ub = buffer_.row(job_, part.resident, part.block, part.first),
        .lane = 0,
        .rows = part.rows,
        .bytes = std::min(width, r.map.channels - begin) * r.element_bytes()};
  }

  // The whole resident as parts of at most kTransferRows.
  [[nodiscard]] std::vector<Load> parts(std::size_t resident) const {
    std::vector<Load> list;
    const std::int64_t pixels = pixels_of(plan_, plan_.residents[resident], job_.items);
    const std::int64_t rows = ceil_div(pixels, ceil_div(pixels, kTransferRows));
    for (std::int64_t first = 0; first < pixels; first += rows) {
      for (std::int64_t b = 0; b < buffer_.layout(resident).blocks(); ++b)
        list.push_back({resident, b, first, std::min(rows, pixels - first), false, -1});
    }
    return list;
  }

  void list_loads(std::size_t resident) {
    for (const Load& part : parts(resident)) loads_.push_back(part);
    open_ = std::ssize(loads_);
  }

  void load(Load& part) {
    code_.stream_.push(transfer<isa::ReadHost>(part), plan_.residents[part.resident].layer);
    part.done = true;
    --open_;
  }

  void store(const DeviceOp& op) {
    if (!plan_.residents[op.output].stored) return;
    if (in_steps()) await_results(isa::Unit::kDmaOut);
    for (const Load& part : parts(op.output))
      code_.stream_.push(transfer<isa::WriteHost>(part), op.layer);
  }

  // What is about to be read. Loads that were not preloaded come just before their first use ...
  void need(const JobContext& context, const Span& span) {
    push_writers(context, span);
    if (open_ == 0 || !plan_.residents[span.resident].loaded) return;
    for (Load& part : loads_) {
      const bool wanted =
          part.resident == span.resident && part.block <= span.block && part.first < span.end;
      if (wanted && !part.done) load(part);
    }
  }

  // ... and those of the next job are spread over the stretches of this one.
  void stretch_done() {
    const std::int64_t left = stretches_--;
    if (next_ == nullptr || in_steps()) return;
    next_->preload(left > 0 ? ceil_div(next_->open_, left) : next_->open_, position_);
  }

  // Loads up to `count` parts whose place the job before no longer needs at its operation
  // `position`.
  void preload(std::int64_t count, int position) {
    if (in_steps()) return;
    for (Load& part : loads_) {
      if (count == 0) return;
      if (part.done || part.free_after >= position) continue;
      load(part);
      --count;
    }
  }

  // --- paper2015: input, layers and output of a job are steps ---
  [[nodiscard]] bool in_steps() const { return plan_.schedule == Schedule::kPaper2015; }

  // The whole input of a job, once the job before has left.
  void input_step() {
    code_.stream_.await(isa::Unit::kDmaIn, isa::Unit::kDmaOut, isa::why::kWar);
    for (Load& part : loads_) load(part);
  }

  // A layer, once the input is there and the layer before has written its result.
  void layer_step(const DeviceOp& op) {
    const isa::Unit first = op.product != nullptr ? isa::Unit::kMatrix : isa::Unit::kVector;
    code_.stream_.await(first, isa::Unit::kDmaIn, isa::why::kRaw);
    await_results(first);
  }

  void await_results(isa::Unit queue) {
    code_.stream_.await(queue, isa::Unit::kActivation, isa::why::kRaw);
    code_.stream_.await(queue, isa::Unit::kVector, isa::why::kRaw);
  }

  SegmentCode& code_;
  const SegmentPlan& plan_;
  const Phase& phase_;
  const Job& job_;
  const BufferMap& buffer_;
  struct QueuedItem {
    int operation;
    VectorItem item;
  };
  std::deque<QueuedItem> items_;                  // of the vector unit, not pushed yet
  std::map<std::int64_t, std::int64_t> written_;  // of the product at work: end pixel by block
  std::vector<Load> loads_;
  std::int64_t open_ = 0;  // loads not done
  JobEmission* next_ = nullptr;
  std::int64_t stretches_ = 0;  // still to come
  int position_;                // of the operation at work
  int taken_ = 0;               // operations before it are at work, queued or done
  std::int64_t ahead_ = 0;      // cycles by which the array has more to do than the vector unit
  bool explains_ = false;
};

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
  const Layouts layouts{plan, phases, buffer};
  explain_phases(layouts, jobs);
  std::set<std::size_t> explained;
  const auto emission = [&](const Job& job) {
    auto made = std::make_unique<JobEmission>(*this, layouts, job);
    if (explained.insert(job.phase).second) made->explain_operations();
    return made;
  };
  auto current = emission(jobs.front());
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    auto next = j + 1 < jobs.size() ? emission(jobs[j + 1]) : nullptr;
    current->compute(next.get());
    current = std::move(next);
  }
  stream_.finish();
}

void SegmentCode::explain_phases(const Layouts& layouts, const std::vector<Job>& jobs) {
  const std::vector<Phase>& phases = layouts.phases;
  const std::int64_t samples = program_.batch / layouts.plan.units;
  std::vector<std::int64_t> count(phases.size(), 0);
  for (const Job& job : jobs) ++count[job.phase];
  for (std::size_t p = 0; p < phases.size(); ++p) {
    explanation_.segments.push_back({count[p], phases[p].items * samples,
                                     std::min<std::int64_t>(count[p], phases[p].copies),
                                     phases[p].end - phases[p].first, layouts.buffer.rows()});
  }
}

}  // namespace systole::compiler
