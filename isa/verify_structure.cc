// Verifier, first parts: what can be said without executing anything.
#include <fmt/core.h>

#include <algorithm>

#include "isa/verify_parts.h"

namespace systole::isa {
namespace {

// Programs longer than this once repeats are expanded are refused: nobody could wait for them.
constexpr std::int64_t kMaxExecuted = std::int64_t{1} << 40;

void require_equal(std::int64_t compiled, std::int64_t found, const char* key, Findings& findings) {
  if (compiled == found) return;
  findings.add_general(
      FindingKind::kRequirement,
      fmt::format("machine has {} = {}; expected {}, which the program was compiled for", key,
                  found, compiled));
}

class StructureChecker {
 public:
  StructureChecker(const Program& program, Findings& findings)
      : program_(program), code_(program.code), findings_(findings) {}

  void run() {
    check_end();
    for (std::size_t pc = 0; pc < code_.size(); ++pc) check(pc);
    if (executed_ > kMaxExecuted) {
      findings_.add_general(
          FindingKind::kStructure,
          fmt::format("the program executes more than {} instructions", kMaxExecuted));
    }
    check_stages();
  }

 private:
  void bad(std::size_t pc, const std::string& what) {
    findings_.add(FindingKind::kStructure, pc, what);
  }

  void check_end() {
    if (code_.empty() || !std::holds_alternative<Halt>(code_.back())) {
      findings_.add_general(FindingKind::kStructure,
                            "the program does not end; expected halt as the last instruction");
    }
    for (std::size_t pc = 0; pc + 1 < code_.size(); ++pc) {
      if (!std::holds_alternative<Halt>(code_[pc])) continue;
      return bad(pc,
                 "is not the last instruction, what follows is never reached; expected one "
                 "halt at the end");
    }
  }

  void check(std::size_t pc) {
    const bool in_body = pc < body_end_;
    executed_ = std::min(executed_ + (in_body ? body_count_ : 1), kMaxExecuted + 1);
    if (const auto* repeat = std::get_if<Repeat>(&code_[pc])) check_repeat(pc, *repeat, in_body);
    if (std::holds_alternative<StepBy>(code_[pc])) check_step(pc, in_body);
    if (std::holds_alternative<Halt>(code_[pc]) && in_body) bad(pc, "stands in a repeat body");
    if (const auto* tag = std::get_if<Tag>(&code_[pc])) check_tag(pc, *tag);
    if (const auto* interrupt = std::get_if<Interrupt>(&code_[pc])) check_stage(pc, *interrupt);
  }

  void check_repeat(std::size_t pc, const Repeat& repeat, bool in_body) {
    if (in_body) return bad(pc, "stands in a repeat body; expected no nesting");
    if (repeat.count < 1 || repeat.length < 1) {
      return bad(pc, "repeats nothing; expected count and length of at least 1");
    }
    const auto left = static_cast<std::int64_t>(code_.size() - pc - 1);
    if (repeat.length > left) {
      return bad(pc, fmt::format("has a body that leaves the program; expected at most {}", left));
    }
    body_end_ = pc + 1 + static_cast<std::size_t>(repeat.length);
    body_count_ = repeat.count;
  }

  void check_step(std::size_t pc, bool in_body) {
    if (!in_body) return bad(pc, "stands outside a repeat body");
    const bool last = pc + 1 == body_end_;
    if (last || std::holds_alternative<StepBy>(code_[pc + 1])) {
      bad(pc, "steps nothing; expected an instruction of the body after it");
    }
  }

  void check_tag(std::size_t pc, const Tag& tag) {
    if (tag.layer >= 0 && tag.layer < std::ssize(program_.layers)) return;
    bad(pc, fmt::format("names no layer; expected 0 to {}", std::ssize(program_.layers) - 1));
  }

  void check_stage(std::size_t pc, const Interrupt& interrupt) {
    if (interrupt.stage >= 1 && interrupt.stage < kFinalStage) return;
    bad(pc, fmt::format("names a stage that runs by itself; expected 1 to {}", kFinalStage - 1));
  }

  // Stages between the first and the last are run by an interrupt each.
  void check_stages() {
    for (const HostStep& step : program_.host_steps) {
      const auto runs_it = [&step](const Insn& insn) {
        const auto* interrupt = std::get_if<Interrupt>(&insn);
        return interrupt != nullptr && interrupt->stage == step.stage;
      };
      const bool by_itself = step.stage == 0 || step.stage == kFinalStage;
      if (by_itself || std::any_of(code_.begin(), code_.end(), runs_it)) continue;
      findings_.add_general(FindingKind::kStructure,
                            fmt::format("host step '{}' is of stage {}, which no interrupt runs",
                                        step.name, step.stage));
    }
  }

  const Program& program_;
  const std::vector<Insn>& code_;
  Findings& findings_;
  std::size_t body_end_ = 0;  // end of the latest repeat's body
  std::int64_t body_count_ = 1;
  std::int64_t executed_ = 0;
};

}  // namespace

void check_requirements(const Program& program, const Machine& machine, Findings& findings) {
  const Machine& compiled = program.machine;
  require_equal(compiled.array_rows, machine.array_rows, "array.rows", findings);
  require_equal(compiled.array_columns, machine.array_columns, "array.columns", findings);
  require_equal(compiled.unified_buffer_row_bytes, machine.unified_buffer_row_bytes,
                "unified_buffer.row_bytes", findings);
}

void check_structure(const Program& program, Findings& findings) {
  StructureChecker(program, findings).run();
}

}  // namespace systole::isa
