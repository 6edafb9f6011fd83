// Random vector, pool, copy and fused pooling instructions, with the registers they need.
//
// Operands come from whoever generates the program; here are the relations the verifier asks for.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "isa/machine.h"
#include "isa/registers.h"
#include "tests/support/random_choice.h"

namespace systole {

// A rectangle: rows and lanes (bytes in the unified buffer, columns in accumulators).
struct Area {
  std::int64_t row, rows, lane, lanes;
};

class RandomVector {
 public:
  // What the program's generator lends.
  struct Lender {
    std::function<Area(std::int64_t rows, std::int64_t bytes)> written;  // at most so many rows
    std::function<Area(std::int64_t rows, std::int64_t bytes)> place;    // anywhere
    std::function<void(const isa::Insn&)> emit;
    std::int64_t table;  // parameter row where a table begins
  };
  RandomVector(const isa::Machine& machine, RandomChoice& random, Lender lender)
      : machine_(machine), random_(random), lender_(std::move(lender)) {}

  // One of vector, pool and copy. May emit nothing if no place is found for the result.
  void instruction();
  // Completes and emits an instruction that pools over accumulator rows [acc, acc + rows).
  void fused(isa::ActivatePool insn, std::int64_t rows);

 private:
  void vector();
  void pool();
  void copy();
  template <typename Insn>
  void window(Insn& insn, std::int64_t pixels);
  // Sets a register to a value in [low, high] if it holds another, and now and then anyway.
  void hold(isa::Unit unit, std::int64_t index, std::int64_t low, std::int64_t high);
  void hold_scale(isa::Unit unit, std::int64_t index);
  void hold_limits(isa::Unit unit);
  void hold_result(isa::Unit unit, std::int64_t type);
  std::int64_t pick_type();
  [[nodiscard]] bool apart(const Area& a, const Area& b) const;

  const isa::Machine& machine_;
  RandomChoice& random_;
  Lender lender_;
  std::array<isa::Registers, isa::kMaxUnits> registers_{};
};

}  // namespace systole
