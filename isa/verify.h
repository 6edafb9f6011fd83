// Verifier: ranges, never-written rows, races (T10), tile order, tiles read ahead, structure.
#pragma once

#include <string>
#include <vector>

#include "isa/program.h"

namespace systole::isa {

enum class FindingKind : std::uint8_t {
  kRange,
  kNeverWritten,
  kRace,
  kTileOrder,
  kTilesAhead,
  kStructure,
  kRequirement
};

// One finding. Instructions are indices into program.code (also the line of the disassembly, shown
// 1-based); `second` is -1 when only one instruction is involved.
struct Finding {
  FindingKind kind{};
  std::int64_t first = -1;
  std::int64_t second = -1;
  std::string text;  // one line that names both instructions, what was found and what was expected
};

// All findings, at most `limit` of them. An empty list means the program may run on `machine`.
[[nodiscard]] std::vector<Finding> verify(const Program& program, const Machine& machine,
                                          std::size_t limit = 20);

}  // namespace systole::isa
