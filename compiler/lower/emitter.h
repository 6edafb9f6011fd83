// Emitter: appends instructions to a program and puts exactly the syncs in front that T10 needs.
//
// For each address space it keeps, per range of rows, the latest write and the latest read of every
// unit. A new instruction must know every conflicting earlier access to be done; what its queue
// already knows (from earlier waits, and from what those instructions knew) is not waited for
// again. Host memory needs syncs only where the program reads what it has written itself
// (read_again): all else is touched in one transfer only, or everything waits in between.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "isa/access.h"
#include "isa/program.h"

namespace systole::compiler {

class Emitter {
 public:
  Emitter(const isa::Machine& machine, std::vector<isa::Insn>& code)
      : machine_(machine), code_(code) {}

  // Appends `insn`, preceded by a tag if the layer changes and by the syncs it needs.
  void emit(const isa::Insn& insn, std::int64_t layer);
  // Host bytes [begin, end) are written, each once, and then read, without a barrier in between.
  void read_again(std::int64_t begin, std::int64_t end) { again_[end] = begin; }
  // Makes `queue` wait until all that was dispatched to `of` is done, if it does not know that.
  void await(isa::Unit queue, isa::Unit of, std::int64_t why);
  // Appends interrupt or halt: afterwards everything before is known to be done by all.
  void barrier(const isa::Insn& insn);

 private:
  // Counts by unit, of which the compiler uses the first of each kind: of instructions dispatched,
  // or known to be complete.
  using Counts = std::array<std::int64_t, isa::kUnitKinds>;

  // Who last touched a range, as 1-based dispatch numbers by unit (0: nobody).
  struct Touch {
    Counts wrote{}, read{};
  };
  using Ranges = std::map<std::int64_t, std::pair<std::int64_t, Touch>>;  // begin -> (end, touch)

  // What a unit's instructions know from the number-th on, until the next moment.
  struct Moment {
    std::int64_t number;
    Counts known;
  };

  struct Needs {
    Counts raw{}, war{};
  };

  // Adds the hull of the instruction's bytes of host memory, if they are read again.
  void add_host_access(const isa::Insn& insn);
  void collect(const isa::Access& access, Needs& needs);
  void record(const isa::Access& access, std::size_t unit, std::int64_t number);
  // Splits ranges so that `at` is a boundary, and fills [begin, end) with ranges without gaps.
  static Ranges::iterator boundary(Ranges& ranges, std::int64_t at);
  static void cover(Ranges& ranges, std::int64_t begin, std::int64_t end);
  void wait(isa::Unit queue, const Needs& needs);
  // Whether another open wait already brings the knowledge that `v`'s would.
  [[nodiscard]] bool implied(const Counts& open, std::size_t v) const;
  // What is known once the number-th instruction of `unit` is done (itself included).
  [[nodiscard]] Counts knowledge(std::size_t unit, std::int64_t number) const;

  const isa::Machine& machine_;
  std::vector<isa::Insn>& code_;
  std::int64_t layer_ = 0;
  Counts sent_{};
  std::array<Counts, isa::kUnitKinds> known_{};                 // by queue
  std::array<std::vector<Moment>, isa::kUnitKinds> moments_{};  // by unit, in order
  std::map<isa::Space, Ranges> spaces_;
  std::map<std::int64_t, std::int64_t> again_;  // of read_again: begin by end
  std::vector<isa::Access> scratch_;
};

}  // namespace systole::compiler
