// Flows: from the work that was awaited to the work that awaited it.
//
// Who awaited an instruction is known only when the awaiting one's life is told, so slices of work
// are held until it is too late for anybody to await them (horizon.h).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "sim/kernel/probe.h"
#include "traces/sinks/horizon.h"

namespace systole::traces {

// A slice of work of an instruction.
struct Work {
  std::int64_t ordinal = 0;  // of its unit, as in Life
  CyclePoint begin, end;
  std::uint64_t name = 0, layer = 0;  // interned by whoever holds it
  std::int64_t insn = -1, rows = -1, bytes = -1;
};

struct WorkFlows {
  std::vector<std::uint64_t> out, in;  // that begin at a slice of work, that end there
};

class Flows {
 public:
  using Write = std::function<void(std::size_t unit, const Work& work, const WorkFlows& flows)>;
  using NextFlow = std::function<std::uint64_t()>;

  // `write` gets each slice, those of a unit in the order in which they came; every flow that
  // begins at one ends at one.
  Flows(std::size_t units, Write write, NextFlow next_flow)
      : write_(std::move(write)), next_flow_(std::move(next_flow)), units_(units) {}

  void work(std::size_t unit, const Work& work);
  // `awaited` is the unit of life.awaited_ordinal.
  void life(std::size_t unit, const sim::Life& life, std::size_t awaited);
  void finish();
  // How many slices are held.
  [[nodiscard]] std::size_t held() const;

 private:
  struct End {
    std::uint64_t flow = 0;
    std::size_t unit = 0;
    std::int64_t ordinal = 0;  // of the instruction at the other end
  };
  // What is known of an instruction.
  struct Insn {
    CyclePoint completed = kNever;
    int held = 0;        // slices
    bool begun = false;  // one has been written
    std::vector<End> out, in;
  };
  struct Unit {
    std::deque<Work> work;
    std::map<std::int64_t, Insn> insns;  // by ordinal
  };

  [[nodiscard]] bool settled(const Insn& insn) const {
    return finished_ || horizon_.is_behind(insn.completed);
  }
  // Whether all that can be known of who awaited it is known.
  [[nodiscard]] bool ready(const Insn& insn) const;
  [[nodiscard]] const Insn* find(const End& end) const;
  void write_ready();
  void write_front(std::size_t unit);
  void forget(const Insn& insn);
  [[nodiscard]] std::vector<std::uint64_t> take_out(Insn& insn);

  Write write_;
  NextFlow next_flow_;
  std::vector<Unit> units_;
  Horizon horizon_;
  bool finished_ = false;
};

}  // namespace systole::traces
