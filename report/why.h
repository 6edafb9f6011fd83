// Why: a program's run explained (traces/explain), with the simulator that answers its questions.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "isa/program.h"
#include "sim/run.h"
#include "traces/explain/bound.h"

namespace systole::report {

// A recorded run that takes longer is not run again.
inline constexpr double kLongRunSeconds = 1.0;

struct WhyOptions {
  bool what_if = true;     // whether the best predicted changes are run again
  std::size_t reruns = 4;  // how many
  bool verified = false;   // whether the program has been run on this machine before
  double longest_seconds = kLongRunSeconds;  // a longer recorded run is not run again
  // Of the same program on these machines it is predicted what they gain (Explanation::asked).
  std::vector<isa::Machine> asked{};
};

// Records a timing-only run of the program, times it again and runs it again. The program's machine
// is `machine` but for what does not change it. Throws as sim::run does.
[[nodiscard]] traces::Explanation explain(const isa::Program& program, const isa::Machine& machine,
                                          const WhyOptions& options = {});

// The same of what one more batch takes, back to back: of the cycles that `more` takes beyond
// `fewer`, a program of fewer batches. Its path is that of as many cycles in the middle of `more`.
[[nodiscard]] traces::Explanation explain_more(const isa::Program& fewer, const isa::Program& more,
                                               const isa::Machine& machine,
                                               const WhyOptions& options = {});

}  // namespace systole::report
