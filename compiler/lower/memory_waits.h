// Waits: instructions of a program that is written for a memory that holds everything, with the
// waits that are asked for; one that is implied by an earlier one of the same pair of units is left
// out.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "isa/insn.h"
#include "isa/unit.h"

namespace systole::compiler {

class Waits {
 public:
  explicit Waits(std::vector<isa::Insn>& code) : code_(code) {}

  // `queue` waits until `of` has done what it was sent `number`-th.
  void need(isa::Unit queue, isa::Unit of, std::int64_t number, std::int64_t why) {
    std::int64_t& known = known_.at(isa::index(queue)).at(isa::index(of));
    if (number <= known) return;
    known = number;
    code_.push_back(isa::Sync{.unit = kind(queue),
                              .wait_for = kind(of),
                              .distance = sent(of) - number,
                              .why = why,
                              .unit_instance = isa::instance_of(queue),
                              .wait_instance = isa::instance_of(of)});
  }
  // Its number.
  std::int64_t push(const isa::Insn& insn) {
    code_.push_back(insn);
    return ++sent_.at(isa::index(isa::queue_of(insn)));
  }
  // Everything so far is done before anything that follows.
  void barrier() {
    code_.push_back(isa::Interrupt{.stage = 1});
    for (auto& known : known_) known = sent_;
  }
  [[nodiscard]] std::int64_t sent(isa::Unit unit) const { return sent_.at(isa::index(unit)); }

 private:
  static std::int64_t kind(isa::Unit unit) { return static_cast<std::int64_t>(isa::kind_of(unit)); }

  std::vector<isa::Insn>& code_;
  std::array<std::int64_t, isa::kMaxUnits> sent_{};
  std::array<std::array<std::int64_t, isa::kMaxUnits>, isa::kMaxUnits> known_{};
};

}  // namespace systole::compiler
