// Verifier: relations between the operands of set, activate, activate_pool, vector, pool and copy,
// and the registers as they are when each instruction runs.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "isa/insn.h"
#include "isa/machine.h"
#include "isa/operand.h"
#include "isa/registers.h"

namespace systole::isa {

// The values that a type holds.
[[nodiscard]] OperandRange type_range(std::int64_t type);

// That an instruction writes what it reads: rows from `to` on, from `from` on.
[[nodiscard]] std::string overlap_text(std::int64_t to, std::int64_t from,
                                       std::string_view expected);

// Shown every instruction in the order in which they execute, operands within their ranges.
class VectorChecker {
 public:
  // `bad` is told what is wrong with the instruction at hand, as "has lo = 3; expected 4 to 5".
  using Bad = std::function<void(const std::string&)>;
  VectorChecker(const Machine& machine, Bad bad) : machine_(machine), bad_(std::move(bad)) {}

  void check(const Set& insn);
  void check(const Activate& insn);
  void check(const ActivatePool& insn);
  void check(const Vector& insn);
  void check(const Pool& insn);
  void check(const Copy& insn);

 private:
  // Unified buffer rows as an operand names them.
  struct Place {
    std::int64_t ub, lane, rows, bytes;
    bool operator==(const Place&) const = default;
  };

  void require(std::string_view name, std::int64_t value, std::int64_t low, std::int64_t high);
  template <typename Insn>
  void check_activation(const Insn& insn);
  template <typename Insn>
  void check_window(const Insn& insn);
  void check_window_side(std::string_view axis, std::array<std::int64_t, 5> extents);
  void check_zero(Unit unit, std::int64_t index, std::int64_t type);
  // to_zero, lo and hi for a result of `type`.
  void check_result(Unit unit, std::int64_t type);
  [[nodiscard]] bool meet(const Place& x, const Place& y) const;
  void apart(const Place& from, const Place& to, std::string_view expected);
  [[nodiscard]] const Registers& registers(Unit unit) const { return registers_[index(unit)]; }

  const Machine& machine_;
  Bad bad_;
  std::array<Registers, kMaxUnits> registers_{};  // by unit
};

}  // namespace systole::isa
