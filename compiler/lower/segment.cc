// Segment: job sizes, unified buffer allocation by lifetime, and the order of instructions.
#include "compiler/lower/segment.h"

#include <algorithm>
#include <deque>

#include "base/diag.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMaxPasses = std::int64_t{1} << 18;

// Rows [first, first + items) of the batch dimension of one batch.
struct Job {
  std::int64_t first_item = 0;  // counted over all batches
  std::int64_t items = 0;
  std::int64_t arena = 0;  // first unified buffer row it may use
};

// An instruction in order; a matmul that switches tiles carries the read of its tile. A sync here
// waits for everything before it, whatever its distance.
struct Scheduled {
  isa::Insn insn;
  std::int64_t layer = 0;
  std::optional<isa::ReadWeights> tile;
};

struct Placed {
  Layout layout;
  std::int64_t base = 0;  // relative to the job's arena
};

class SegmentScheduler {
 public:
  SegmentScheduler(const SegmentPlan& plan, const isa::Program& program, ParamCache& params,
                   Emitter& emitter)
      : plan_(plan),
        program_(program),
        machine_(program.machine),
        params_(params),
        emitter_(emitter) {}

  void run() {
    const std::vector<Job> jobs = make_jobs();
    check_length(static_cast<std::int64_t>(jobs.size()));
    loads_ = load_instructions(jobs[0]);
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      lazy_ = std::move(loads_);
      if (in_steps()) input_step();
      const bool last = j + 1 == jobs.size();
      loads_ = last ? std::vector<Load>{} : load_instructions(jobs[j + 1]);
      compute(jobs[j]);
    }
    emit_all();
  }

 private:
  struct Load {
    ValueId value;
    std::int64_t block;
    Scheduled scheduled;
    bool done = false;
  };

  // --- job sizes and unified buffer allocation ---
  std::int64_t rows_in_job(const Resident& value, std::int64_t items) const {
    return value.rows / program_.batch * items;
  }

  // Places the values of a job of `items` items by lifetime, first fit; returns the rows it takes.
  std::int64_t allocate(std::int64_t items, std::map<ValueId, Placed>& placed) const {
    placed.clear();
    std::int64_t peak = 0;
    for (const auto& [id, value] : plan_.values) {
      Placed mine{Layout(machine_, rows_in_job(value, items), value.features, value.element_bytes),
                  0};
      std::vector<std::pair<std::int64_t, std::int64_t>>
          taken;  // ranges of values alive at the same time
      for (const auto& [other_id, other] : placed) {
        const Resident& o = plan_.values.at(other_id);
        if (o.first_use <= value.last_use && value.first_use <= o.last_use) {
          taken.emplace_back(other.base, other.base + other.layout.total_rows());
        }
      }
      std::sort(taken.begin(), taken.end());
      for (const auto& [begin, end] : taken) {
        if (mine.base + mine.layout.total_rows() <= begin) break;
        mine.base = std::max(mine.base, end);
      }
      peak = std::max(peak, mine.base + mine.layout.total_rows());
      placed[id] = std::move(mine);
    }
    return peak;
  }

  // The most items of which `copies` jobs fit the unified buffer at once; 0 if not even one does.
  std::int64_t most_items(std::int64_t copies) const {
    std::map<ValueId, Placed> placed;
    std::int64_t fits = 0;
    for (std::int64_t low = 1, high = program_.batch; low <= high;) {
      const std::int64_t middle = (low + high) / 2;
      const bool ok = allocate(middle, placed) * copies <= machine_.ub_rows();
      if (ok) fits = middle;
      (ok ? low : high) = ok ? middle + 1 : middle - 1;
    }
    return fits;
  }

  std::vector<Job> make_jobs() {
    std::int64_t copies = in_steps() ? 1 : 2;
    std::int64_t items = most_items(copies);
    if (items == 0) items = most_items(copies = 1);
    if (items == 0) {
      std::map<ValueId, Placed> placed;
      throw InputError(
          "model " + program_.model,
          "one sample needs " + std::to_string(allocate(1, placed)) + " unified buffer rows",
          "at most " + std::to_string(machine_.ub_rows()) + " on machine " + machine_.name +
              " (unified_buffer.bytes)");
    }
    const std::int64_t chunks = ceil_div(program_.batch, items);
    items = ceil_div(program_.batch, chunks);
    std::vector<Job> jobs;
    for (std::int64_t b = 0; b < program_.batches; ++b) {
      for (std::int64_t first = 0; first < program_.batch; first += items) {
        const std::int64_t parity = static_cast<std::int64_t>(jobs.size()) % copies;
        jobs.push_back({b * program_.batch + first, std::min(items, program_.batch - first),
                        parity * (machine_.ub_rows() / copies)});
      }
    }
    return jobs;
  }

  // Batches are unrolled, so a program's length is bounded here, before memory is taken for it.
  void check_length(std::int64_t jobs) const {
    std::int64_t passes = 0;
    for (const DeviceMatmul* m : plan_.matmuls) passes += m->tiles() * jobs;
    if (passes > kMaxPasses) {
      throw InputError(
          "model " + program_.model,
          fmt::format("needs at least {} passes in {} jobs", passes, jobs),
          fmt::format("at most {} passes in a program: a smaller model or fewer --batches",
                      kMaxPasses));
    }
  }

  const std::map<ValueId, Placed>& placement(std::int64_t items) {
    auto [it, fresh] = placements_.try_emplace(items);
    if (fresh) allocate(items, it->second);
    return it->second;
  }

  // --- transfers ---
  // Host address, unified buffer row and sizes of one block of a value, as a read or a write.
  template <typename Transfer>
  Transfer transfer(const Job& job, ValueId id, std::int64_t block) {
    const Resident& value = plan_.values.at(id);
    const Placed& placed = placement(job.items).at(id);
    const std::int64_t width = block_width(machine_, value.element_bytes);
    const std::int64_t begin = block * width;
    const std::int64_t row_bytes = value.features * value.element_bytes;
    const std::int64_t first_row = value.rows / program_.batch * job.first_item;
    return Transfer{.host = value.host + first_row * row_bytes + begin * value.element_bytes,
                    .stride = row_bytes,
                    .ub = job.arena + placed.base + placed.layout.row(block, 0),
                    .lane = 0,
                    .rows = rows_in_job(value, job.items),
                    .bytes = std::min(width, value.features - begin) * value.element_bytes};
  }

  std::vector<Load> load_instructions(const Job& job) {
    std::vector<Load> loads;
    for (ValueId id : plan_.x) {
      const Resident& value = plan_.values.at(id);
      const bool seen =
          std::any_of(loads.begin(), loads.end(), [&](const Load& l) { return l.value == id; });
      if (!value.loaded || seen) continue;
      for (std::int64_t b = 0; b < placement(job.items).at(id).layout.blocks(); ++b) {
        loads.push_back({id, b, {transfer<isa::ReadHost>(job, id, b), value.layer, {}}});
      }
    }
    return loads;
  }

  // --- compute ---
  void compute(const Job& job) {
    std::int64_t groups = 0;
    for (const DeviceMatmul* m : plan_.matmuls) {
      groups += static_cast<std::int64_t>(m->n_cuts.size()) *
                ceil_div(m->rows / program_.batch * job.items, rows_per_pass(*m, job));
    }
    for (std::size_t i = 0; i < plan_.matmuls.size(); ++i) {
      const DeviceMatmul& m = *plan_.matmuls[i];
      const std::int64_t rows = m.rows / program_.batch * job.items;
      const std::int64_t step = rows_per_pass(m, job);
      if (in_steps()) layer_step();
      for (std::int64_t first = 0; first < rows; first += step) {
        for (std::size_t nb = 0; nb < m.n_cuts.size(); ++nb) {
          group(job, i, nb, first, std::min(step, rows - first));
          if (!in_steps()) preload(groups--);
        }
      }
      store(job, plan_.y[i], m.layer);
    }
  }

  // Rows of one pass: at most half the accumulators, so that activation overlaps the next group.
  std::int64_t rows_per_pass(const DeviceMatmul& m, const Job& job) const {
    const std::int64_t rows = m.rows / program_.batch * job.items;
    const std::int64_t half = machine_.accumulators_rows / 2;
    return ceil_div(rows, ceil_div(rows, half));
  }

  // One group: all passes into one set of accumulator rows, then their activation.
  void group(const Job& job, std::size_t index, std::size_t nb, std::int64_t first,
             std::int64_t rows) {
    const DeviceMatmul& m = *plan_.matmuls[index];
    const std::int64_t param = parameters(m, static_cast<std::int64_t>(nb));
    const std::int64_t acc = next_accumulators(rows);
    for (std::size_t kb = 0; kb < m.k_cuts.size(); ++kb)
      pass(job, index, {nb, kb, first, rows, acc});
    activate(job, index, {nb, 0, first, rows, acc}, param);
  }

  // Where a pass takes its rows from and puts its sums.
  struct Pass {
    std::size_t nb, kb;
    std::int64_t first, rows, acc;
  };

  void pass(const Job& job, std::size_t index, const Pass& p) {
    const DeviceMatmul& m = *plan_.matmuls[index];
    const MatmulAttrs& a = m.attrs();
    const Cut& k_cut = m.k_cuts[p.kb];
    const Cut& n_cut = m.n_cuts[p.nb];
    const ValueId x = plan_.x[index];
    load_now(x, k_cut.block);
    const Placed& placed = placement(job.items).at(x);
    const isa::Matmul matmul{
        .ub = job.arena + placed.base + placed.layout.row(k_cut.block, p.first),
        .lane = k_cut.lane,
        .acc = p.acc,
        .rows = p.rows,
        .k = k_cut.width,
        .n = n_cut.width,
        .accumulate = p.kb > 0 ? 1 : 0,
        .switch_tile = 1,
        .is_signed = a.x_quant->type == DType::kInt8 ? 1 : 0,
        .zero_point = a.x_quant->zero_points[0],
        .precision = isa::precision::kInt8};
    const auto tile = static_cast<std::int64_t>(p.nb * m.k_cuts.size() + p.kb);
    const isa::ReadWeights read{
        .dram = m.dram + tile * machine_.tile_bytes(),
        .k = k_cut.width,
        .n = n_cut.width,
        .is_signed = a.w_quant->type == DType::kInt8 ? 1 : 0,
        .use_zero = m.zero_row >= 0 ? 1 : 0,
        .zero = m.zero_row >= 0 ? m.zero_row + static_cast<std::int64_t>(p.nb) : 0};
    schedule({matmul, m.layer, read});
  }

  void activate(const Job& job, std::size_t index, const Pass& p, std::int64_t param) {
    const DeviceMatmul& m = *plan_.matmuls[index];
    const MatmulAttrs& a = m.attrs();
    const Cut& n_cut = m.n_cuts[p.nb];
    const Placed& placed = placement(job.items).at(plan_.y[index]);
    isa::Activate activate{.acc = p.acc,
                           .ub = job.arena + placed.base + placed.layout.row(n_cut.block, p.first),
                           .lane = n_cut.lane,
                           .rows = p.rows,
                           .n = n_cut.width,
                           .type = isa::type::kS32};
    if (m.requantised()) {
      const bool is_signed = a.output->type == DType::kInt8;
      activate.type = is_signed ? isa::type::kS8 : isa::type::kU8;
      activate.zero_point = a.output->zero_points[0];
      activate.lo = a.lo;
      activate.hi = a.hi;
      activate.scale = param + 1;
      if (a.lo == a.output->zero_points[0] && a.lo > (is_signed ? -128 : 0))
        activate.function = isa::function::kRelu;
    }
    activate.use_bias = m.has_bias() ? 1 : 0;
    activate.bias = m.has_bias() ? param : 0;
    schedule({activate, m.layer, {}});
  }

  // The parameter row of a column block: bias there, scale in the row after it.
  std::int64_t parameters(const DeviceMatmul& m, std::int64_t nb) {
    if (m.param_rows() == 0) return 0;
    return params_.row(&m, nb, m.param_rows(), [&](std::int64_t row) {
      const std::int64_t host = m.params + nb * m.param_rows() * machine_.param_row_bytes();
      schedule({isa::ReadParams{.host = host, .param = row, .rows = m.param_rows()}, m.layer, {}});
    });
  }

  std::int64_t next_accumulators(std::int64_t rows) {
    if (acc_next_ + rows > machine_.accumulators_rows) acc_next_ = 0;
    const std::int64_t at = acc_next_;
    acc_next_ += rows;
    return at;
  }

  void store(const Job& job, ValueId id, std::int64_t layer) {
    if (!plan_.values.at(id).stored) return;
    if (in_steps()) await(isa::Unit::kDmaOut, isa::Unit::kActivation, isa::why::kRaw);
    for (std::int64_t b = 0; b < placement(job.items).at(id).layout.blocks(); ++b) {
      schedule({transfer<isa::WriteHost>(job, id, b), layer, {}});
    }
  }

  // Loads of the current job that were not preloaded come just before their first use ...
  void load_now(ValueId id, std::int64_t block) {
    for (Load& load : lazy_) {
      if (load.done || load.value != id || load.block > block) continue;
      schedule(load.scheduled);
      load.done = true;
    }
  }

  // ... and those of the next job are spread over the groups of this one.
  void preload(std::int64_t groups_left) {
    std::int64_t open =
        std::count_if(loads_.begin(), loads_.end(), [](const Load& l) { return !l.done; });
    std::int64_t now = groups_left > 0 ? ceil_div(open, groups_left) : open;
    for (Load& load : loads_) {
      if (now == 0) return;
      if (load.done) continue;
      schedule(load.scheduled);
      load.done = true;
      --now;
    }
  }

  // --- paper2015: input, layers and output of a job are steps, one after the other ---
  [[nodiscard]] bool in_steps() const { return plan_.schedule == Schedule::kPaper2015; }

  void await(isa::Unit queue, isa::Unit of, std::int64_t why) {
    schedule({isa::Sync{.unit = static_cast<std::int64_t>(isa::index(queue)),
                        .wait_for = static_cast<std::int64_t>(isa::index(of)),
                        .why = why},
              0,
              {}});
  }

  // The whole input of a job, once the job before has left.
  void input_step() {
    await(isa::Unit::kDmaIn, isa::Unit::kDmaOut, isa::why::kWar);
    for (const Load& load : lazy_) schedule(load.scheduled);
    lazy_.clear();
  }

  // A layer, once the input is there and the layer before has been activated.
  void layer_step() {
    await(isa::Unit::kMatrix, isa::Unit::kDmaIn, isa::why::kRaw);
    await(isa::Unit::kMatrix, isa::Unit::kActivation, isa::why::kRaw);
  }

  // --- emission: tiles are read ahead as far as FIFO and shadow plane hold them ---
  // Takes the next instruction; it leaves once the tiles to be read before it are known.
  void schedule(Scheduled next) {
    if (next.tile) unread_.push_back({*next.tile, next.layer});
    if (next.tile) ++known_tiles_;
    waiting_.push_back(std::move(next));
    const std::int64_t ahead = machine_.weight_fifo_tiles + 1;
    while (!waiting_.empty() && known_tiles_ >= switched_ + ahead) emit_next(ahead);
  }

  void emit_all() {
    while (!waiting_.empty()) emit_next(machine_.weight_fifo_tiles + 1);
  }

  void emit_next(std::int64_t ahead) {
    for (; read_ < std::min(known_tiles_, switched_ + ahead); ++read_) {
      emitter_.emit(unread_.front().first, unread_.front().second);
      unread_.pop_front();
    }
    const Scheduled& s = waiting_.front();
    if (const auto* sync = std::get_if<isa::Sync>(&s.insn)) {
      emitter_.await(static_cast<isa::Unit>(sync->unit), static_cast<isa::Unit>(sync->wait_for),
                     sync->why);
    } else {
      emitter_.emit(s.insn, s.layer);
    }
    if (s.tile) ++switched_;
    waiting_.pop_front();
  }

  const SegmentPlan& plan_;
  const isa::Program& program_;
  const isa::Machine& machine_;
  ParamCache& params_;
  Emitter& emitter_;
  std::map<std::int64_t, std::map<ValueId, Placed>> placements_;  // by items in a job
  std::vector<Load> lazy_, loads_;                                // of this job and of the next
  std::deque<Scheduled> waiting_;                                 // in order
  std::deque<std::pair<isa::ReadWeights, std::int64_t>> unread_;  // tiles of waiting_, layers
  std::int64_t known_tiles_ = 0, read_ = 0, switched_ = 0;        // tiles so far
  std::int64_t acc_next_ = 0;
};

}  // namespace

template <typename Load>
std::int64_t ParamCache::row(const DeviceMatmul* matmul, std::int64_t block, std::int64_t count,
                             Load&& load) {
  if (const auto held = held_.find({matmul, block}); held != held_.end()) return held->second;
  if (next_ + count > rows_) next_ = 0;
  const std::int64_t row = first_ + next_;
  auto overwritten = holders_.lower_bound(row + count);
  while (overwritten != holders_.begin()) {
    const auto holder = std::prev(overwritten);
    if (holder->first + holder->second.count <= row) break;
    held_.erase(holder->second.key);
    overwritten = holders_.erase(holder);
  }
  next_ += count;
  held_[{matmul, block}] = row;
  holders_[row] = {{matmul, block}, count};
  load(row);
  return row;
}

void emit_segment(const SegmentPlan& plan, const isa::Program& program, ParamCache& params,
                  Emitter& emitter) {
  SegmentScheduler(plan, program, params, emitter).run();
}

}  // namespace systole::compiler
