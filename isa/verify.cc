// Verifier: requirements, structure, ranges, tiles, then races; a part runs only if those it relies
// on found nothing.
#include "isa/verify.h"

#include "isa/races.h"
#include "isa/verify_parts.h"

namespace systole::isa {

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
