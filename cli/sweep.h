// Sweep: lists in --set. `--set k=a,b,c` is a run a value, several lists are all combinations of
// their values; every run computes cycles alone, and all of them share the computer's cores.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/job.h"
#include "report/why.h"
#include "sim/run.h"

namespace systole::cli {

// What a list may have beside it.
struct SweepOptions {
  std::string csv;
  std::optional<std::int64_t> threads;
};
void add_sweep_options(Command app, SweepOptions& options);

// Whether any --set has several values. Throws InputError for --csv or --threads without one.
[[nodiscard]] bool has_lists(const JobOptions& job, const SweepOptions& options);

struct SweepRequest {
  const JobOptions& job;
  const SweepOptions& options;
  sim::Engine engine = sim::Engine::kCycle;
  report::WhyOptions why;
  bool explains = false;  // each row says what it went to and what would help
  bool json = false;
};
// Runs every point and prints the table. A point that cannot run is a row that says why; throws
// InputError if none can, and for lists that are none.
void sweep(const SweepRequest& request);

}  // namespace systole::cli
