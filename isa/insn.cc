// What every instruction answers about itself. Out of line: each visit of all alternatives costs a
// tenth of a second wherever it is compiled.
#include "isa/insn.h"

namespace systole::isa {

std::string_view mnemonic(const Insn& insn) {
  return std::visit([](const auto& i) { return i.kMnemonic; }, insn);
}

Unit queue_of(const Insn& insn) {
  return std::visit(
      [](const auto& i) {
        if constexpr (requires { i.unit_instance; }) {
          return unit_at(static_cast<Unit>(i.unit), i.unit_instance);
        } else if constexpr (requires { i.instance; }) {
          return unit_at(i.kUnit, i.instance);
        } else {
          return i.kUnit;
        }
      },
      insn);
}

bool counts(const Insn& insn) {
  return std::visit([](const auto& i) { return i.kUnit != Unit::kSequencer; }, insn);
}

}  // namespace systole::isa
