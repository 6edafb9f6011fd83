// Stall replay (story in stall_replay.h).
#include "tests/laws/stall_replay.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/diag.h"
#include "isa/expand.h"
#include "isa/precisions.h"

namespace systole::laws {
namespace {

using isa::Unit;
using sim::Stall;

constexpr std::int64_t kFar = std::int64_t{1} << 60;

// An entry of the matrix unit's queue.
struct Queued {
  isa::Insn insn;
  std::int64_t visible = 0;  // first cycle in which it can be at the head
  std::int64_t layer = 0;
  std::int64_t need = 0;    // of a sync
  std::int64_t length = 0;  // of a pass: cycles in which it injects
  std::int64_t tile = -1;   // of a pass that switches tiles: which one

  [[nodiscard]] const isa::Sync* sync() const { return std::get_if<isa::Sync>(&insn); }
  [[nodiscard]] bool is_pass() const { return isa::counts(insn); }
};

bool switches_tile(const isa::Insn& insn) {
  if (const auto* m = std::get_if<isa::Matmul>(&insn)) return m->switch_tile != 0;
  if (const auto* c = std::get_if<isa::Convolve>(&insn)) return c->switch_tile != 0;
  return false;
}

// Cycles from a pass's start until its first row enters, and with it a new tile: a delay line fills
// and takes the row's own pixels.
std::int64_t first_row_after(const isa::Insn& insn) {
  const auto* c = std::get_if<isa::Convolve>(&insn);
  if (c == nullptr) return 0;
  const std::int64_t line = (c->taps - 1) * c->dilation_x + 1;
  const std::int64_t p = isa::precision_info(c->precision).row_cycles;
  return line - 1 + std::max(p, std::min(c->stride_x, line)) - p;
}

Stall class_of(const isa::Sync& sync) {
  switch (static_cast<Unit>(sync.wait_for)) {
    case Unit::kActivation:
    case Unit::kVector:
      return sync.why == isa::why::kRaw ? Stall::kRaw : Stall::kWar;
    case Unit::kDmaIn:
      return Stall::kInput;
    case Unit::kDmaOut:
      return Stall::kOutput;
    default:
      return Stall::kPort;
  }
}

class Replay {
 public:
  explicit Replay(const ObservedRun& run) : run_(run) {
    read_slices();
    read_program();
  }

  ReplayedStalls take() && {
    for (now_ = 0; now_ < run_.report.total.cycles.value; ++now_) {
      advance();
      const auto [stall, layer] = classify();
      book(stall, layer);
    }
    return std::move(result_);
  }

 private:
  // --- what the run tells ---
  void read_slices() {
    for (const RecordedSlice& s : run_.slices) {
      if (s.cls != "busy" || s.insn < 0) continue;
      if (s.track == "sequencer") dispatched_[s.insn] = s.begin.value;
      if (s.track == "matrix") passes_[s.insn] = {s.begin.value, s.end.value};
    }
  }

  void read_program() {
    std::int64_t layer = 0;
    for (std::size_t i = 0; i < run_.program.code.size(); ++i) {
      const isa::Insn& insn = run_.program.code[i];
      if (const auto* tag = std::get_if<isa::Tag>(&insn)) layer = tag->layer;
      const Unit unit = isa::queue_of(insn);
      if (unit == Unit::kMatrix)
        queue_.push_back(queued(insn, static_cast<std::int64_t>(i), layer));
      if (isa::counts(insn)) completed(unit, layer);
    }
  }

  void completed(Unit unit, std::int64_t layer) {
    const std::int64_t end = run_.report.layers.at(static_cast<std::size_t>(layer)).last.value + 1;
    done_[isa::index(unit)].push_back(end + 1);  // visible one cycle later
    ends_[layer] = end;
    if (unit == Unit::kWeights) whole_.push_back(end + 1);
  }

  Queued queued(const isa::Insn& insn, std::int64_t index, std::int64_t layer) {
    Queued entry{.insn = insn, .visible = dispatched_.at(index) + 1, .layer = layer};
    if (const isa::Sync* sync = entry.sync()) {
      const auto& sent = done_[static_cast<std::size_t>(sync->wait_for)];
      entry.need = std::ssize(sent) - sync->distance;
    } else if (entry.is_pass()) {
      const auto [begin, end] = passes_.at(index);
      entry.length = end - begin;
      result_.observed_starts[layer] = begin;
      if (switches_tile(insn)) entry.tile = tiles_++;
    }
    return entry;
  }

  // --- one cycle: what leaves the queue's head in it ---
  void advance() {
    for (; head_ < queue_.size() && queue_[head_].visible <= now_; ++head_) {
      const Queued& entry = queue_[head_];
      if (entry.sync() != nullptr && unmet(entry)) return;
      if (!entry.is_pass()) continue;
      if (at_head_ != head_) reached_head(entry);
      if (now_ < injected_ || (entry.tile >= 0 && now_ < usable(entry.tile))) return;
      start(entry);
    }
  }

  [[nodiscard]] bool unmet(const Queued& entry) const {
    const auto& done = done_[static_cast<std::size_t>(entry.sync()->wait_for)];
    return std::upper_bound(done.begin(), done.end(), now_) - done.begin() < entry.need;
  }

  void reached_head(const Queued& entry) {
    at_head_ = head_;
    const bool single = run_.machine.array_weight_load == isa::WeightLoad::kSingle;
    if (single && entry.tile > 0) free_[entry.tile] = std::max(now_, left_);
  }

  void start(const Queued& entry) {
    result_.starts[entry.layer] = now_;
    active_layer_ = entry.layer;
    injected_ = now_ + entry.length;
    left_ = ends_.at(entry.layer) - 1;
    if (entry.tile < 0) return;
    const std::int64_t first_row = now_ + first_row_after(entry.insn);
    const std::int64_t leave = run_.machine.r() - 1;
    if (run_.machine.array_weight_load == isa::WeightLoad::kThrough) {
      free_[entry.tile + 1] = first_row;
    }
    if (run_.machine.array_weight_load == isa::WeightLoad::kChain) {
      free_[entry.tile + 1] = first_row + leave;
    }
  }

  // First cycle in which the planes see the tile whole; in which a pass may switch to it.
  [[nodiscard]] std::int64_t whole(std::int64_t tile) const {
    return whole_.at(static_cast<std::size_t>(tile));
  }
  [[nodiscard]] std::int64_t usable(std::int64_t tile) const {
    const auto free = free_.find(tile);
    if (tile > 0 && free == free_.end()) return kFar;
    return std::max(whole(tile), tile == 0 ? 0 : free->second) + run_.machine.r();
  }

  // --- the class ---
  [[nodiscard]] std::pair<Stall, std::int64_t> classify() const {
    if (now_ < injected_) return {Stall::kActive, active_layer_};
    const auto next = std::find_if(queue_.begin() + static_cast<std::ptrdiff_t>(head_),
                                   queue_.end(), [](const Queued& q) { return q.is_pass(); });
    if (next == queue_.end()) return {Stall::kDrain, active_layer_};
    if (next->visible <= now_ && next->tile >= 0) {
      if (now_ < whole(next->tile)) return {Stall::kWeightStall, next->layer};
      if (now_ < usable(next->tile)) return {Stall::kWeightShift, next->layer};
    }
    const Queued& head = queue_[head_];
    if (head.visible > now_) return {Stall::kSequencer, next->layer};
    return {head.sync() != nullptr ? class_of(*head.sync()) : Stall::kPort, next->layer};
  }

  void book(Stall stall, std::int64_t layer) {
    for (sim::Counters* c : {&result_.total, &result_.layers[layer]}) {
      c->matrix.at(static_cast<std::size_t>(stall)) += CycleCount(1);
      c->cycles += CycleCount(1);
      if (stall == Stall::kActive || head_ == queue_.size()) continue;
      const Queued& head = queue_[head_];
      if (head.visible > now_ || head.sync() == nullptr) continue;
      if (class_of(*head.sync()) == Stall::kRaw) c->raw_any += CycleCount(1);
      if (class_of(*head.sync()) == Stall::kInput) c->input_any += CycleCount(1);
    }
  }

  const ObservedRun& run_;
  std::map<std::int64_t, std::int64_t> dispatched_;                       // by index in the code
  std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> passes_;  // injecting, the same
  std::map<std::int64_t, std::int64_t> ends_;                             // completion by layer
  std::array<std::vector<std::int64_t>, isa::kUnitKinds> done_;           // visible, in order
  std::vector<std::int64_t> whole_;                                       // by tile
  std::vector<Queued> queue_;
  std::int64_t tiles_ = 0;

  std::int64_t now_ = 0;
  std::size_t head_ = 0;
  std::size_t at_head_ = SIZE_MAX;             // the pass that was last seen at the head
  std::map<std::int64_t, std::int64_t> free_;  // by tile: the shadow plane is free for it
  std::int64_t injected_ = 0, left_ = 0;       // of the last pass that started
  std::int64_t active_layer_ = 0;              // its layer
  ReplayedStalls result_;
};

}  // namespace

isa::Program one_layer_each(const isa::Program& program) {
  isa::Program out = program;
  out.code.clear();
  out.layers.resize(1);
  isa::for_each_executed(program.code, [&](std::size_t, const isa::Insn& insn) {
    if (std::holds_alternative<isa::Tag>(insn) || std::holds_alternative<isa::StepBy>(insn)) {
      return true;
    }
    if (isa::counts(insn)) {
      out.code.emplace_back(isa::Tag{std::ssize(out.layers)});
      out.layers.push_back({std::string(isa::mnemonic(insn)), "test", 0, 0});
    }
    out.code.push_back(insn);
    return true;
  });
  return out;
}

ReplayedStalls replay_stalls(const ObservedRun& run) { return Replay(run).take(); }

}  // namespace systole::laws
