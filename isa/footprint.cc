// Footprint: addresses move by a fixed step from one repetition to the next, so that a body touches
// its outermost rows in its first or its last repetition.
#include "isa/footprint.h"

#include <algorithm>
#include <vector>

#include "isa/access.h"
#include "isa/expand.h"

namespace systole::isa {
namespace {

class Toucher {
 public:
  explicit Toucher(const Machine& machine) : machine_(machine) {}

  bool operator()(std::size_t /*pc*/, const Insn& insn) {
    device_accesses(insn, machine_, accesses_);
    for (const Access& access : accesses_) touch(access);
    return true;
  }
  [[nodiscard]] const Footprint& footprint() const { return footprint_; }

 private:
  void touch(const Access& access) {
    switch (access.space) {
      case Space::kUb:
        footprint_.ub_rows = std::max(footprint_.ub_rows, access.end);
        return;
      case Space::kAcc:
        footprint_.accumulator_rows = std::max(footprint_.accumulator_rows, access.end);
        return;
      case Space::kParam:
        footprint_.parameter_rows = std::max(footprint_.parameter_rows, access.end);
        return;
      case Space::kDram:
        footprint_.memory_bytes = std::max(footprint_.memory_bytes, access.end);
        return;
      case Space::kNone:
      case Space::kHost:
        return;
    }
  }

  const Machine& machine_;
  std::vector<Access> accesses_;
  Footprint footprint_;
};

}  // namespace

Footprint footprint(const Program& program, const Machine& machine) {
  Toucher touch(machine);
  const std::vector<Insn>& code = program.code;
  for (std::size_t pc = 0; pc < code.size(); ++pc) {
    const auto* repeat = std::get_if<Repeat>(&code[pc]);
    if (repeat == nullptr) {
      touch(pc, code[pc]);
      continue;
    }
    const std::size_t end = pc + 1 + static_cast<std::size_t>(repeat->length);
    if (repeat->count > 0) visit_body(code, pc + 1, end, 0, touch);
    if (repeat->count > 1) visit_body(code, pc + 1, end, repeat->count - 1, touch);
    pc = end - 1;
  }
  return touch.footprint();
}

}  // namespace systole::isa
