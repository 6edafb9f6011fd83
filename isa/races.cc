// Races: vector clocks over the units' queues, in one pass over the executed instructions.
//
// A queue's clock known[V] says how many of V's instructions are surely complete whenever the next
// entry of this queue starts. `sync U,V,d` raises known[V] of queue U to sent[V] - d and joins the
// clock that this V instruction had itself: what it waited for is complete too, and so are all
// instructions before it in its own unit, since units complete in order. `interrupt` and `halt`
// wait for everything. Two accesses to one place, one of them a write, are ordered if the later
// one's queue knows the earlier one to be complete; inside the matrix unit rule T2 orders them. It
// is the happens-before relation of Lamport (CACM 1978), kept as in vector clock race detectors.
#include "isa/races.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "isa/access.h"
#include "isa/expand.h"
#include "isa/host_view.h"
#include "isa/space_map.h"

namespace systole::isa {
namespace {

// By unit: how many of its instructions are complete.
template <std::size_t kUnits>
using Clock = std::array<std::int32_t, kUnits>;

// One unit's queue as far as knowledge goes.
template <std::size_t kUnits>
class Queue {
 public:
  using Clock = systole::isa::Clock<kUnits>;

  explicit Queue(Unit unit) : unit_(unit) {}

  // Books one counted instruction.
  std::int32_t send() {
    ++sent_;
    if (history_.empty() || history_.back().clock != known_) history_.push_back({sent_, known_});
    return sent_;
  }
  void learn(const Clock& clock) {
    for (std::size_t u = 0; u < kUnits; ++u) known_[u] = std::max(known_[u], clock[u]);
  }

  // What is complete once this unit's first `count` (> 0) instructions are.
  [[nodiscard]] Clock after(std::int32_t count) const {
    const auto later =
        std::upper_bound(history_.begin(), history_.end(), count,
                         [](std::int32_t n, const Moment& moment) { return n < moment.ordinal; });
    Clock clock = std::prev(later)->clock;
    clock[index(unit_)] = std::max(clock[index(unit_)], count);
    return clock;
  }
  [[nodiscard]] std::int32_t sent() const { return sent_; }
  [[nodiscard]] bool knows(Unit unit, std::int32_t ordinal) const {
    return known_[index(unit)] >= ordinal;
  }

 private:
  struct Moment {
    std::int32_t ordinal;  // from this instruction on
    Clock clock;
  };
  Unit unit_;
  std::int32_t sent_ = 0;
  Clock known_{};
  std::vector<Moment> history_;
};

// A set of bytes, whatever the order and the overlap of the ranges it is made of.
class ByteRanges {
 public:
  void add(std::int64_t begin, std::int64_t end) {
    if (begin >= end) return;
    auto at = ends_.lower_bound(begin);  // the first range that reaches up to `begin`
    for (; at != ends_.end() && at->second <= end; at = ends_.erase(at)) {
      begin = std::min(begin, at->second);
      end = std::max(end, at->first);
    }
    ends_[end] = begin;
  }
  // Whether it has a byte of [begin, end).
  [[nodiscard]] bool meet(std::int64_t begin, std::int64_t end) const {
    const auto next = ends_.upper_bound(begin);
    return next != ends_.end() && next->second < end;
  }

 private:
  std::map<std::int64_t, std::int64_t> ends_;  // end -> begin, disjoint
};

// kUnits: enough for the machine's units. Clocks and cells have a field for each, and most machines
// have but one unit of a kind.
template <std::size_t kUnits>
class RaceChecker {
 public:
  RaceChecker(const Program& program, const Machine& machine, Findings& findings)
      : program_(program), machine_(machine), findings_(findings), host_(program) {
    for (std::size_t u = 0; u < kUnits; ++u) queues_.emplace_back(unit_at(u));
    for (std::size_t s = 0; s < kSpaceCount; ++s) {
      tracked_[s] = is_tracked(static_cast<Space>(s), machine);
    }
  }

  void run() {
    load_image();
    for_each_executed(program_.code, [this](std::size_t pc, const Insn& insn) {
      step(pc, insn);
      return !findings_.full();
    });
    if (findings_.empty()) check_outputs();
  }

 private:
  using Cell = isa::Cell<kUnits>;

  // The weight image is in the device's memory before the program starts.
  void load_image() {
    if (program_.weight_bytes == 0 || !is_tracked(Space::kDram, machine_)) return;
    const Access image{Space::kDram, 0, program_.weight_bytes, true, 0, 1, 0};
    map_of(image).touch(image, Unit::kSequencer, {-1, 1}, [](const Cell&) {});
  }

  void step(std::size_t pc, const Insn& insn) {
    if (const auto* sync = std::get_if<Sync>(&insn)) return wait(*sync);
    if (std::holds_alternative<Interrupt>(insn) || std::holds_alternative<Halt>(insn)) {
      return wait_for_all();
    }
    if (!counts(insn)) return;
    const Unit unit = queue_of(insn);
    const Toucher who{static_cast<std::int32_t>(pc), queues_[index(unit)].send()};
    device_accesses(insn, machine_, accesses_);
    host_.add(host_rows(insn, machine_), accesses_);
    for (const Access& access : accesses_) {
      if (tracked_[static_cast<std::size_t>(access.space)]) touch(access, unit, who);
    }
  }

  void wait(const Sync& sync) {
    const Queue<kUnits>& on = queues_[index(awaited(sync))];
    const std::int64_t need = on.sent() - sync.distance;
    if (need <= 0) return;
    queues_[index(queue_of(sync))].learn(on.after(static_cast<std::int32_t>(need)));
  }

  void wait_for_all() {
    Clock<kUnits> all{};
    for (std::size_t u = 0; u < kUnits; ++u) all[u] = queues_[u].sent();
    for (Queue<kUnits>& queue : queues_) queue.learn(all);
  }

  SpaceMap<kUnits>& map_of(const Access& access) {
    return spaces_[static_cast<std::size_t>(access.space)]
                  [static_cast<std::size_t>(access.instance)];
  }
  void touch(const Access& access, Unit unit, Toucher who) {
    map_of(access).touch(access, unit, who,
                         [&](const Cell& cell) { check(cell, access, unit, who); });
  }

  void check(const Cell& cell, const Access& access, Unit unit, Toucher who) {
    const std::size_t pc = static_cast<std::size_t>(who.insn);
    const bool written = cell.writer.ordinal > 0;
    if (!written && !access.write && access.space != Space::kHost) {
      findings_.add(FindingKind::kNeverWritten, pc, never_written(access, cell));
    }
    if (written && !ordered(cell.writer_unit, cell.writer, unit, who)) {
      add_race(access, unit, who, cell.writer_unit, cell.writer, "write");
    }
    if (!access.write) return;
    for (std::size_t u = 0; u < kUnits; ++u) {
      const Toucher reader = cell.readers[u];
      if (reader.ordinal > 0 && !ordered(unit_at(u), reader, unit, who)) {
        add_race(access, unit, who, unit_at(u), reader, "read");
      }
    }
  }

  // An instruction's own accesses are ordered by the instruction, those of one matrix unit by T2,
  // and what was there before the program (load_image) before all.
  [[nodiscard]] bool ordered(Unit before, Toucher earlier, Unit after, Toucher later) const {
    const bool in_order = kind_of(before) == Unit::kMatrix || earlier.ordinal == later.ordinal;
    if ((before == after && in_order) || before == Unit::kSequencer) return true;
    return queues_[index(after)].knows(before, earlier.ordinal);
  }

  static std::string never_written(const Access& access, const Cell& cell) {
    return fmt::format("reads {}s [{}, {}) lanes [{}, {}), part of which nothing before it writes",
                       place_name(access.space), access.begin, access.end, cell.lane_begin,
                       cell.lane_end);
  }

  // Whoever runs the program reads its outputs. One may share bytes with what the host writes: an
  // input, a constant, the result of a step.
  void check_outputs() {
    const ByteRanges by_host = written_by_host();
    for (const HostTensor& tensor : program_.tensors) {
      const std::int64_t end = tensor.address + tensor.bytes();
      const bool read = tensor.role == Role::kOutput && end > tensor.address;
      if (!read || by_host.meet(tensor.address, end) || any_written(tensor)) continue;
      findings_.add_general(
          FindingKind::kNeverWritten,
          fmt::format("output '{}' is never written; expected a write_host or a host step",
                      tensor.name));
    }
  }

  [[nodiscard]] ByteRanges written_by_host() const {
    ByteRanges ranges;
    const auto add = [&](const HostTensor& t) { ranges.add(t.address, t.address + t.bytes()); };
    for (const HostTensor& tensor : program_.tensors) {
      if (tensor.role == Role::kInput || tensor.role == Role::kConstant) add(tensor);
    }
    for (const HostStep& step : program_.host_steps) {
      for (const std::int64_t i : step.outputs) add(program_.tensors[static_cast<std::size_t>(i)]);
    }
    return ranges;
  }

  bool any_written(const HostTensor& tensor) {
    accesses_.clear();
    host_.add({.address = tensor.address, .stride = 0, .rows = 1, .bytes = tensor.bytes()},
              accesses_);
    bool written = false;
    for (const Access& access : accesses_) {
      map_of(access).touch(access, Unit::kSequencer, {},
                           [&](const Cell& cell) { written = written || cell.writer.ordinal > 0; });
    }
    return written;
  }

  void add_race(const Access& access, Unit unit, Toucher who, Unit other_unit, Toucher other,
                std::string_view earlier) {
    // Host memory is seen as rows of tensors here, which mean nothing to a reader.
    const std::string place =
        access.space == Space::kHost
            ? "host memory"
            : fmt::format("{}s [{}, {})", place_name(access.space), access.begin, access.end);
    const std::string what = fmt::format("{} {} without waiting for the {} by",
                                         access.write ? "writes" : "reads", place, earlier);
    findings_.add_pair(
        FindingKind::kRace, static_cast<std::size_t>(who.insn),
        static_cast<std::size_t>(other.insn), what,
        fmt::format("a sync that lets {} wait for {}", unit_name(unit), unit_name(other_unit)));
  }

  const Program& program_;
  const Machine& machine_;
  Findings& findings_;
  HostView host_;
  std::array<bool, kSpaceCount> tracked_{};  // by space
  std::vector<Queue<kUnits>> queues_;
  std::array<std::array<SpaceMap<kUnits>, kUnits / kUnitKinds>, kSpaceCount> spaces_;
  std::vector<Access> accesses_;
};

}  // namespace

void check_races(const Program& program, const Machine& machine, Findings& findings) {
  if (unit_slots(machine) == kUnitKinds) {
    RaceChecker<kUnitKinds>(program, machine, findings).run();
  } else {
    RaceChecker<kMaxUnits>(program, machine, findings).run();
  }
}

}  // namespace systole::isa
