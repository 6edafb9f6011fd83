// Findings: wording and limit.
#include "isa/findings.h"

#include <fmt/core.h>

namespace systole::isa {

bool Findings::is_new(FindingKind kind, std::int64_t first, std::int64_t second) {
  return !full() && seen_.emplace(kind, first, second).second;
}

std::string Findings::name_of(std::size_t insn) const {
  const SourceLines& source = program_.source;
  const std::string place =
      insn < source.lines.size() ? fmt::format(" at {}:{}", source.file, source.lines[insn]) : "";
  return fmt::format("instruction {}{} ({})", insn + 1, place, disassemble(program_.code[insn]));
}

void Findings::add(FindingKind kind, std::size_t insn, const std::string& what) {
  const auto first = static_cast<std::int64_t>(insn);
  if (!is_new(kind, first, -1)) return;
  list_.push_back({kind, first, -1, fmt::format("{} {}", name_of(insn), what)});
}

void Findings::add_pair(FindingKind kind, std::size_t insn, std::size_t other,
                        const std::string& what, const std::string& expected) {
  const auto first = static_cast<std::int64_t>(insn);
  const auto second = static_cast<std::int64_t>(other);
  if (!is_new(kind, first, second)) return;
  list_.push_back(
      {kind, first, second,
       fmt::format("{} {} {}; expected {}", name_of(insn), what, name_of(other), expected)});
}

void Findings::add_general(FindingKind kind, const std::string& what) {
  if (full()) return;
  list_.push_back({kind, -1, -1, what});
}

}  // namespace systole::isa
