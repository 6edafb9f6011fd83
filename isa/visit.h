// Exhaustive dispatch: a unit, or whoever prices its work, names every instruction of opcodes.def
// that the unit does, or does not compile.
#pragma once

#include <type_traits>
#include <variant>

#include "base/diag.h"
#include "isa/insn.h"

namespace systole::isa {

// One function object of several, as std::visit's visitors are written.
template <typename... Cases>
struct Either : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Either(Cases...) -> Either<Cases...>;  // which clang 14 does not deduce by itself

// visit(i) of an instruction that is work of one of these units (its row's unit; sync, set and
// other rows of the sequencer are nobody's work). A fault of ours if it is not.
template <typename Result, Unit... units, typename Visitor>
Result visit_work(const Insn& insn, Visitor&& visit) {
  return std::visit(
      [&](const auto& i) -> Result {
        using One = std::remove_cvref_t<decltype(i)>;
        if constexpr (((One::kUnit == units) || ...)) {
          return visit(i);
        } else {
          SYSTOLE_CHECK(false, "{} in the queue of another unit", One::kMnemonic);
        }
      },
      insn);
}

}  // namespace systole::isa
