// Job code: loads, operations and stores of one job.
#include "compiler/lower/job_code.h"

#include <algorithm>

#include "base/diag.h"

namespace systole::compiler {
namespace {

// Bytes of one DMA instruction: few, so that what waits for them can start and other transfers get
// their turn, but many beside the instruction itself, which crosses the link too.
constexpr std::int64_t kTransferBytes = 32'768;
constexpr std::int64_t kLoadsAhead = 4;  // of what is about to be read

}  // namespace

JobCode::JobCode(JobsInCode& all, const Job& job)
    : all_(all),
      phase_(all.phases.at(job.phase)),
      job_(job),
      context_{
          all.program,
          all.plan,
          all.buffer,
          job_,
          all.stream,
          all.params,
          [this](std::size_t resident, std::int64_t block, std::int64_t end) {
            need({resident, block, end});
          },
          [this] { stretch_done(); },
          [this](std::int64_t cycles) { passed(cycles); },
          [this](std::int64_t rows) { all_.pace.port(rows); },
          [this](std::int64_t block, std::int64_t end) {
            written_[block] = end;
            store_written(operation(position_), block, end);
          },
      },
      position_(phase_.first),
      taken_(phase_.first) {
  list_loads();
  for (int i = phase_.first; i < phase_.end; ++i) {
    const DeviceOp& op = operation(i);
    stretches_ += op.product != nullptr ? all_.products.stretches(context_, op)
                                        : all_.buffer.layout(op.output).blocks();
  }
}

void JobCode::step() {
  if (position_ == phase_.first && job_.begins_period) {
    all_.products.begin_anew();
    all_.params.begin_anew();
  }
  if (position_ == phase_.first && in_steps()) input_step();
  if (position_ == phase_.end) return push_items(std::ssize(items_));
  all_.pace.array(wait());
  const DeviceOp& op = operation(position_);
  if (in_steps()) layer_step(op);
  at_work_ = true;
  take_items();
  if (op.product != nullptr) {
    written_.clear();
    begin_stores(op);
    all_.products.emit(context_, op);
    store_rest(op);
  }
  at_work_ = false;
  const bool at_once = op.begins == position_ && op.ends == position_ && op.product == nullptr;
  if (at_once) push_items(std::ssize(items_));
  ++position_;
}

void JobCode::passed(std::int64_t cycles) {
  all_.pace.array(cycles);
  for (const auto& job : all_.jobs) job->spread();
}

// --- work of the vector unit ---

// Queues the items of the operation at work, or of those that may begin while it is.
void JobCode::take_items() {
  taken_ = std::max(taken_, position_);
  for (; taken_ < phase_.end && operation(taken_).begins <= position_; ++taken_) {
    if (operation(taken_).product != nullptr) continue;
    begin_stores(operation(taken_));
    for (VectorItem& item : VectorCode::items(context_, operation(taken_)))
      items_.push_back({taken_, std::move(item)});
  }
}

void JobCode::push_items(std::int64_t count) {
  for (; count > 0; --count) {
    QueuedItem next = std::move(items_.front());
    items_.pop_front();
    const DeviceOp& op = operation(next.operation);
    const Written writes = next.item.writes;
    const bool whole_rows = next.item.whole_rows, ends_block = next.item.ends_block;
    all_.pace.port(next.item.cycles);
    made_[op.output] = all_.pace.port_time();
    all_.vectors.push(context_, op, std::move(next.item));
    if (whole_rows) store_written(op, writes.block, writes.first + writes.rows);
    if (items_.empty() || items_.front().operation != next.operation) store_rest(op);
    if (ends_block) stretch_done();  // what is stored keeps its place until here
  }
}

void JobCode::spread() {
  while (!items_.empty() && all_.pace.port_idles() && ready(items_.front().item)) push_items(1);
}

// Pushes all up to the last queued item that writes any of these pixels.
void JobCode::push_writers(const Span& span) {
  for (std::int64_t i = std::ssize(items_); i > 0; --i) {
    const QueuedItem& queued = items_[static_cast<std::size_t>(i - 1)];
    const Written& writes = queued.item.writes;
    if (operation(queued.operation).output != span.resident || writes.block != span.block ||
        writes.first >= span.end)
      continue;
    return push_items(i);
  }
}

// Whether the product at work has written what the item reads of its output.
bool JobCode::ready(const VectorItem& item) const {
  if (!at_work_) return true;
  const std::size_t output = operation(position_).output;
  return std::all_of(item.reads.begin(), item.reads.end(), [&](const Span& span) {
    const auto end = written_.find(span.block);
    return span.resident != output || (end != written_.end() && end->second >= span.end);
  });
}

std::int64_t JobCode::wait() const {
  if (position_ == phase_.end) return kNever;
  const DeviceOp& op = operation(position_);
  if (op.product == nullptr) return 0;
  const auto reads = [&](std::size_t resident) {
    return std::ranges::find(op.inputs, resident) != op.inputs.end();
  };
  std::int64_t pending = 0, needed = 0;
  for (const QueuedItem& queued : items_) {
    pending += queued.item.cycles;
    if (reads(operation(queued.operation).output)) needed = pending;
  }
  std::int64_t until = needed > 0 ? all_.pace.port_time() + needed : 0;
  for (const std::size_t x : op.inputs) {
    if (const auto made = made_.find(x); made != made_.end()) until = std::max(until, made->second);
  }
  return std::max<std::int64_t>(0, until - all_.pace.array_time());
}

// --- transfers ---

template <typename Transfer>
Transfer JobCode::transfer(const Part& part) const {
  const Resident& r = all_.plan.residents[part.resident];
  const std::int64_t width = r.width(all_.program.machine);
  const std::int64_t begin = part.block * width;
  const std::int64_t pixel_bytes = r.map.channels * r.element_bytes();
  const std::int64_t before = r.is_constant ? 0 : pixels_of(all_.plan, r, job_.first_item);
  return Transfer{.host = r.host + (before + part.first) * pixel_bytes + begin * r.element_bytes(),
                  .stride = pixel_bytes,
                  .ub = all_.buffer.row(job_, part.resident, part.block, part.first),
                  .lane = 0,
                  .rows = part.rows,
                  .bytes = std::min(width, r.map.channels - begin) * r.element_bytes()};
}

// Pixels of a resident in parts of about kTransferBytes.
std::vector<JobCode::Part> JobCode::parts(std::size_t resident, const PixelRange& pixels) const {
  std::vector<Part> list;
  const Resident& r = all_.plan.residents[resident];
  const std::int64_t bytes =
      std::min(r.map.channels, r.width(all_.program.machine)) * r.element_bytes();
  const std::int64_t most = std::max<std::int64_t>(1, kTransferBytes / bytes);
  const std::int64_t rows = ceil_div(pixels.count(), ceil_div(pixels.count(), most));
  for (std::int64_t first = pixels.first; first < pixels.end; first += rows) {
    for (std::int64_t b = 0; b < all_.buffer.layout(resident).blocks(); ++b)
      list.push_back({resident, b, first, std::min(rows, pixels.end - first)});
  }
  return list;
}

// In the order of first use.
void JobCode::list_loads() {
  const std::vector<Resident>& residents = all_.plan.residents;
  for (std::size_t i = 0; i < residents.size(); ++i) {
    const Resident& r = residents[i];
    if (!r.loaded || r.first_use < phase_.first || r.first_use >= phase_.end) continue;
    for (const Part& part : parts(i, pixels_of(all_.plan, job_, i))) loads_.push_back(part);
  }
  std::ranges::stable_sort(loads_, {},
                           [&](const Part& part) { return residents[part.resident].first_use; });
  for (std::size_t i = 0; i < loads_.size(); ++i)
    open_of_.try_emplace(loads_[i].resident, OpenLoads{i, i}).first->second.end = i + 1;
  open_ = std::ssize(loads_);
}

void JobCode::load(Part& part) {
  all_.stream.push(transfer<isa::ReadHost>(part), all_.plan.residents[part.resident].layer);
  part.done = true;
  --open_;
}

// What is about to be read. Loads that were not preloaded come just before their first use ...
void JobCode::need(const Span& span) {
  push_writers(span);
  const auto mine = open_of_.find(span.resident);
  if (open_ == 0 || mine == open_of_.end()) return;
  OpenLoads& open = mine->second;
  while (open.first < open.end && loads_[open.first].done) ++open.first;
  std::size_t i = open.first;
  for (; i < open.end && loads_[i].first < span.end; ++i) {
    if (loads_[i].block <= span.block && !loads_[i].done) load(loads_[i]);
  }
  // A full queue further on is not to keep the next ones from being sent.
  std::int64_t ahead = std::min(kLoadsAhead, all_.program.machine.sequencer_queue / 4);
  for (; i < open.end && ahead > 0; ++i) {
    if (loads_[i].block != span.block) continue;
    if (!loads_[i].done) load(loads_[i]);
    --ahead;
  }
}

// ... and those of the next job are spread over the stretches of this one.
void JobCode::stretch_done() {
  const std::int64_t left = std::max<std::int64_t>(1, stretches_--);
  const auto& jobs = all_.jobs;
  auto next = std::ranges::find_if(jobs, [this](const auto& job) { return job.get() == this; });
  for (++next; next != jobs.end(); ++next) {
    if ((*next)->preload(ceil_div((*next)->open_loads(), left)) > 0) return;
  }
}

std::int64_t JobCode::preload(std::int64_t count) {
  if (in_steps()) return 0;
  std::int64_t loaded = 0;
  while (preloaded_ < loads_.size() && loads_[preloaded_].done) ++preloaded_;
  for (std::size_t i = preloaded_; i < loads_.size() && loaded < count; ++i) {
    if (loads_[i].done || !may_load(loads_[i])) continue;
    load(loads_[i]);
    ++loaded;
  }
  return loaded;
}

// Whether the place of a load is free before the job's own operations. What is used later shares
// its place with what is used before it.
bool JobCode::may_load(const Part& part) const {
  return all_.plan.residents[part.resident].first_use <= phase_.first &&
         std::ranges::all_of(before_, [&](const Before& before) {
           return before.needed_until[part.resident] < before.job->reached();
         });
}

void JobCode::follow(const JobCode& before) {
  Before& entry = before_.emplace_back(Before{&before, {}});
  for (std::size_t i = 0; i < all_.plan.residents.size(); ++i)
    entry.needed_until.push_back(all_.buffer.needed_until(before.job_, job_, i));
}

void JobCode::release(const JobCode& before) {
  std::erase_if(before_, [&](const Before& entry) { return entry.job == &before; });
}

// A result leaves part by part, as it is written ...
void JobCode::begin_stores(const DeviceOp& op) {
  if (!all_.plan.residents[op.output].stored) return;
  const std::vector<Part> all = parts(op.output, kept_pixels_of(all_.plan, job_, op.output));
  stores_[op.output].assign(all.begin(), all.end());
}

// ... when all that writes pixels [.., end) of a block is pushed. The parts lie in the order of
// pixels and, within one, of blocks.
void JobCode::store_written(const DeviceOp& op, std::int64_t block, std::int64_t end) {
  const auto stores = stores_.find(op.output);
  if (stores == stores_.end() || in_steps()) return;
  std::deque<Part>& parts = stores->second;
  while (!parts.empty() && parts.front().done) parts.pop_front();
  for (Part& part : parts) {
    if (part.first + part.rows > end) break;
    if (part.block == block && !part.done) store(part, op.layer);
  }
}

void JobCode::store_rest(const DeviceOp& op) {
  const auto stores = stores_.find(op.output);
  if (stores == stores_.end()) return;
  if (in_steps()) await_results(isa::Unit::kDmaOut);
  for (Part& part : stores->second) {
    if (!part.done) store(part, op.layer);
  }
  stores_.erase(stores);
}

void JobCode::store(Part& part, std::int64_t layer) {
  all_.stream.push(transfer<isa::WriteHost>(part), layer);
  part.done = true;
}

// --- paper2015: input, layers and output of a job are steps ---

// The whole input of a job, once the job before has left.
void JobCode::input_step() {
  all_.stream.await(isa::Unit::kDmaIn, isa::Unit::kDmaOut, isa::why::kWar);
  for (Part& part : loads_) load(part);
}

// A layer, once the input is there and the layer before has written its result.
void JobCode::layer_step(const DeviceOp& op) {
  const isa::Unit first = op.product != nullptr ? isa::Unit::kMatrix : isa::Unit::kVector;
  all_.stream.await(first, isa::Unit::kDmaIn, isa::why::kRaw);
  await_results(first);
}

void JobCode::await_results(isa::Unit queue) {
  all_.stream.await(queue, isa::Unit::kActivation, isa::why::kRaw);
  all_.stream.await(queue, isa::Unit::kVector, isa::why::kRaw);
}

}  // namespace systole::compiler
