// Registers: what `set` writes, one file for each unit that has one (rows of Register in
// choices.def).
//
// A `set` is an entry of the unit's queue and takes effect in the queue's order; the instructions
// behind it find the value, those before it have taken theirs along when they started.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <limits>

#include "isa/insn.h"
#include "isa/operand.h"

namespace systole::isa {

constexpr bool has_registers(Unit unit) {
  return kind_of(unit) == Unit::kVector || kind_of(unit) == Unit::kActivation;
}
// Registers that hold a scale, as the bits of a binary32 number.
constexpr bool is_scale(std::int64_t index) {
  return index == configuration::kAScale || index == configuration::kBScale ||
         index == configuration::kToScale;
}

class Registers {
 public:
  constexpr Registers() {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (is_scale(static_cast<std::int64_t>(i))) values_[i] = std::bit_cast<std::int32_t>(1.0F);
    }
    values_[static_cast<std::size_t>(configuration::kLo)] =
        std::numeric_limits<std::int32_t>::min();
    values_[static_cast<std::size_t>(configuration::kHi)] =
        std::numeric_limits<std::int32_t>::max();
  }

  void set(const Set& set) {
    values_.at(static_cast<std::size_t>(set.index)) = static_cast<std::int32_t>(set.value);
  }
  [[nodiscard]] std::int32_t integer(std::int64_t index) const {
    return values_.at(static_cast<std::size_t>(index));
  }
  [[nodiscard]] float scale(std::int64_t index) const {
    return std::bit_cast<float>(integer(index));
  }

 private:
  std::array<std::int32_t, static_cast<std::size_t>(choice_count(Operand::Register))> values_{};
};

}  // namespace systole::isa
