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
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "isa/access.h"
#include "isa/expand.h"
#include "isa/host_view.h"
#include "isa/moving.h"
#include "isa/race_state.h"
#include "isa/verify_parts.h"

namespace systole::isa {
namespace {

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
    for (std::size_t u = 0; u < kUnits; ++u) state_.queues.emplace_back(unit_at(u));
    for (std::size_t s = 0; s < kSpaceCount; ++s) {
      tracked_[s] = is_tracked(static_cast<Space>(s), machine);
    }
  }

  void run() {
    load_image();
    const auto visit = [this](std::size_t pc, const Insn& insn) {
      step(pc, insn);
      return !findings_.full();
    };
    const auto settled = [this](const Body& body, std::int64_t i) { return is_settled(body, i); };
    if (!for_each_unsettled(program_.code, kMostVisited, visit, settled)) add_too_long(findings_);
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

  // Whether the repetitions between this third one and the last two do what this one did, each at
  // its places of the memories. What they do there is booked as done by this one.
  bool is_settled(const Body& body, std::int64_t i) {
    if (i == 1) before_ = state_;
    if (i != 2 || !findings_.empty()) return false;
    const std::optional<Moving> moving = moving_of(program_, machine_, body);
    if (!moving || !state_.repeats(before_, moving->stepped)) return false;
    if (!reaches_back_one(body)) return false;
    RaceState<kUnits> now = state_;
    bool apart = true;
    for (const MovingAccess& one : moving->accesses) {
      for (const Access& access : places_of(one, body.count)) {
        if (!tracked_[static_cast<std::size_t>(access.space)]) continue;
        const Toucher who{static_cast<std::int32_t>(one.pc), state_.queues[index(one.unit)].sent()};
        map_of(access).touch(access, one.unit, who, [&](const Cell& cell) {
          apart = apart && is_sound(cell, access, one.unit, who);
        });
      }
    }
    if (!apart) state_ = std::move(now);
    return apart;
  }

  // All that the repetitions from the fourth to the last but two touch.
  const std::vector<Access>& places_of(const MovingAccess& one, std::int64_t count) {
    accesses_.clear();
    if (one.access.space == Space::kHost) {
      host_.add(one.rows(3, count - 2), accesses_);
    } else {
      accesses_.push_back(one.hull(3, count - 2));
    }
    return accesses_;
  }

  // No sync of the body waits for what lies further back than a repetition.
  bool reaches_back_one(const Body& body) {
    const Clock<kUnits> sent = state_.sent_since(before_);
    return std::all_of(program_.code.begin() + static_cast<std::ptrdiff_t>(body.begin),
                       program_.code.begin() + static_cast<std::ptrdiff_t>(body.end),
                       [&](const Insn& insn) {
                         const auto* sync = std::get_if<Sync>(&insn);
                         return sync == nullptr || sync->distance <= sent[index(awaited(*sync))];
                       });
  }

  void step(std::size_t pc, const Insn& insn) {
    if (const auto* sync = std::get_if<Sync>(&insn)) return wait(*sync);
    if (std::holds_alternative<Interrupt>(insn) || std::holds_alternative<Halt>(insn)) {
      return wait_for_all();
    }
    if (!counts(insn)) return;
    const Unit unit = queue_of(insn);
    const Toucher who{static_cast<std::int32_t>(pc), state_.queues[index(unit)].send()};
    device_accesses(insn, machine_, accesses_);
    host_.add(host_rows(insn, machine_), accesses_);
    for (const Access& access : accesses_) {
      if (tracked_[static_cast<std::size_t>(access.space)]) touch(access, unit, who);
    }
  }

  void wait(const Sync& sync) {
    const Queue<kUnits>& on = state_.queues[index(awaited(sync))];
    const std::int64_t need = on.sent() - sync.distance;
    if (need <= 0) return;
    state_.queues[index(queue_of(sync))].learn(on.after(static_cast<std::int32_t>(need)));
  }

  void wait_for_all() {
    Clock<kUnits> all{};
    for (std::size_t u = 0; u < kUnits; ++u) all[u] = state_.queues[u].sent();
    for (Queue<kUnits>& queue : state_.queues) queue.learn(all);
  }

  SpaceMap<kUnits>& map_of(const Access& access) {
    return state_
        .spaces[static_cast<std::size_t>(access.space)][static_cast<std::size_t>(access.instance)];
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
    return state_.queues[index(after)].knows(before, earlier.ordinal);
  }

  // Whether check() would find nothing.
  [[nodiscard]] bool is_sound(const Cell& cell, const Access& access, Unit unit,
                              Toucher who) const {
    const bool written = cell.writer.ordinal > 0;
    if (!written && !access.write && access.space != Space::kHost) return false;
    if (written && !ordered(cell.writer_unit, cell.writer, unit, who)) return false;
    for (std::size_t u = 0; access.write && u < kUnits; ++u) {
      const Toucher reader = cell.readers[u];
      if (reader.ordinal > 0 && !ordered(unit_at(u), reader, unit, who)) return false;
    }
    return true;
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
  RaceState<kUnits> state_;
  RaceState<kUnits> before_;  // as the repetition before left it
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
