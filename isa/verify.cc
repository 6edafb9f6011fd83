// Verifier: requirements, structure, ranges, tiles, then races; a part runs only if those it relies
// on found nothing.
#include "isa/verify.h"

#include <fmt/core.h>

#include "isa/races.h"
#include "isa/verify_parts.h"

namespace systole::isa {

void add_too_long(Findings& findings) {
  findings.add_general(
      FindingKind::kStructure,
      fmt::format("the program executes more than {} instructions, in repeats whose repetitions do "
                  "not end alike; expected fewer",
                  kMostVisited));
}

std::vector<Finding> verify(const Program& program, const Machine& machine, std::size_t limit) {
  Findings findings(program, limit);
  check_requirements(program, machine, findings);
  check_structure(program, findings);
  if (findings.empty()) check_ranges(program, machine, findings);
  if (findings.empty()) {
    check_tiles(program, machine, findings);
    check_races(program, machine, findings);
  }
  return std::move(findings.list());
}

}  // namespace systole::isa
