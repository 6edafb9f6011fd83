// Ports of the unified buffer: deciding (rules in ub_ports.h).
#include "sim/unit/ub_ports.h"

#include <algorithm>

#include "base/diag.h"

namespace systole::sim {

UbPorts::UbPorts(Kernel& kernel, const isa::Machine& machine) : kernel_(kernel), banks_(machine) {}

bool UbPorts::Ask::await_ready() {
  if (ports.banks_.limits(use)) return false;
  raised = trail.now();
  grant = {raised, raised};
  return true;
}

void UbPorts::Ask::await_suspend(Kernel::Handle handle) {
  SYSTOLE_CHECK(use.rows > 0 && use.rows <= kChunkRows, "a request for {} rows", use.rows);
  raised = trail.now();
  ports.pending_.push_back(this);
  ports.kernel_.resume_at(raised + CycleCount(1), handle);
}

PortGrant UbPorts::Ask::await_resume() {
  if (raised < ports.kernel_.now()) {
    ports.decide();
    trail.join({raised, Resource::kControl, CycleCount(1)});
  }
  return grant;
}

void UbPorts::decide() {
  const CyclePoint now = kernel_.now();
  const auto due = std::partition(pending_.begin(), pending_.end(),
                                  [&](Ask* ask) { return ask->raised >= now; });
  std::sort(due, pending_.end(), [](const Ask* a, const Ask* b) { return a->unit < b->unit; });
  for (auto ask = due; ask != pending_.end(); ++ask) (*ask)->grant = place(**ask);
  pending_.erase(due, pending_.end());
}

PortGrant UbPorts::place(const Ask& ask) {
  const Cause ready{ask.raised, Resource::kControl, CycleCount(1)};
  const PortTimes times = banks_.find(ready.at(), ask.use);
  PortGrant grant{Instant(times.begin), Instant(times.end())};
  if (ask.trail.records()) {
    Causes& causes = ask.trail.causes();
    const Cause held{times.held};
    grant.begin =
        causes.granted(Rule::kPorts, ready, times.begin > ready.at() ? &held : nullptr,
                       {.rows = ask.use.rows, .reads = ask.use.reads, .writes = ask.use.writes},
                       ask.trail.layer());
    const Cause writes{grant.begin, Resource::kWritePort, times.writes};
    grant.end = causes.follows(Rule::kPortsDone, {grant.begin, Resource::kReadPort, times.reads},
                               &writes, ask.trail.layer());
  }
  banks_.take(ask.use, grant.begin, grant.end);
  return grant;
}

std::string UbPorts::state() const {
  if (banks_.free_reads().empty() && banks_.free_writes().empty())
    return "unified buffer ports have no limit";
  std::string text = "unified buffer ports are free from cycle";
  for (const CyclePoint at : banks_.free_reads()) text += fmt::format(" {} (read)", at.value);
  for (const CyclePoint at : banks_.free_writes()) text += fmt::format(" {} (write)", at.value);
  return text;
}

}  // namespace systole::sim
