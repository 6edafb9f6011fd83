// Syncs for random programs: puts before each instruction the waits that make it free of races.
//
// Every pair of accesses to the same place, one of them a write, is found by comparing with all
// earlier instructions; the wait is exact, looser than needed or, now and then, repeated. Nothing
// is known transitively here, so there are more syncs than a compiler would write.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "isa/access.h"
#include "isa/insn.h"
#include "isa/machine.h"
#include "tests/support/random_choice.h"

namespace systole {

class RandomSync {
 public:
  RandomSync(const isa::Machine& machine, RandomChoice& random, std::vector<isa::Insn>& code)
      : machine_(machine), random_(random), code_(code) {}

  // Appends the syncs that `insn` needs, then `insn`.
  void emit(const isa::Insn& insn);
  // Notes an instruction that runs but stands elsewhere in the code (in a repeat's body).
  void note(const isa::Insn& insn);
  // Appends waits of `unit` for everything dispatched so far to every unit.
  void wait_for_all(isa::Unit unit);
  // Everything so far is done: an interrupt.
  void barrier() { past_.clear(); }

 private:
  struct Past {
    isa::Unit unit;
    std::int64_t number;  // how many of its unit were dispatched with it
    std::vector<isa::Access> accesses;
  };
  struct Need {
    std::int64_t number = 0;
    bool raw = false;
  };

  [[nodiscard]] std::array<Need, isa::kMaxUnits> needs(const isa::Insn& insn) const;
  void sync(isa::Unit unit, isa::Unit wait_for, Need need);

  const isa::Machine& machine_;
  RandomChoice& random_;
  std::vector<isa::Insn>& code_;
  std::vector<Past> past_;
  std::array<std::int64_t, isa::kMaxUnits> sent_{};
  std::array<std::array<std::int64_t, isa::kMaxUnits>, isa::kMaxUnits> waited_{};
};

}  // namespace systole
