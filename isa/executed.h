// Executed: the instructions of a program one after the other, as the sequencer executes them
// (expand.h), for whoever does not take them all at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "isa/expand.h"

namespace systole::isa {

class Executed {
 public:
  // The code, which has been checked, outlives this.
  explicit Executed(const std::vector<Insn>& code) : code_(code), end_(code.size()) {}

  // The next instruction, `repeat` and `step` left out; null at the end. Good until the next call.
  const Insn* next() {
    while (pc_ < end_ || repeats()) {
      const Insn& insn = code_[pc_++];
      if (const auto* repeat = std::get_if<Repeat>(&insn)) {
        enter(*repeat);
        continue;
      }
      if (std::holds_alternative<StepBy>(insn)) continue;
      const auto* step = pc_ > 1 ? std::get_if<StepBy>(&code_[pc_ - 2]) : nullptr;
      if (step == nullptr || repetition_ == 0) return &insn;
      stepped_ = stepped(insn, *step, repetition_);
      return &stepped_;
    }
    return nullptr;
  }

  // How many next() will have returned.
  [[nodiscard]] static std::int64_t count(const std::vector<Insn>& code) {
    std::int64_t all = 0, times = 1;
    std::size_t body_end = code.size();
    for (std::size_t pc = 0; pc < code.size(); ++pc) {
      if (pc == body_end) times = 1;
      if (const auto* repeat = std::get_if<Repeat>(&code[pc])) {
        times = repeat->count;
        body_end = pc + 1 + static_cast<std::size_t>(repeat->length);
        if (repeat->length == 0) times = 1;
      } else if (!std::holds_alternative<StepBy>(code[pc])) {
        all += times;
      }
    }
    return all;
  }

 private:
  void enter(const Repeat& repeat) {
    body_ = pc_;
    end_ = pc_ + static_cast<std::size_t>(repeat.length);
    repetition_ = 0;
    repetitions_ = repeat.length == 0 ? 0 : repeat.count;
    if (repetitions_ == 0) pc_ = end_;
  }
  // At the end of a body or of the program: whether something follows.
  bool repeats() {
    if (repetition_ + 1 < repetitions_) {
      ++repetition_;
      pc_ = body_;
      return true;
    }
    repetition_ = repetitions_ = 0;
    end_ = code_.size();
    return pc_ < end_;
  }

  const std::vector<Insn>& code_;
  std::size_t pc_ = 0, body_ = 0, end_;
  std::int64_t repetition_ = 0, repetitions_ = 0;
  Insn stepped_;
};

}  // namespace systole::isa
