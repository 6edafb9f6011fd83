// Ports of the unified buffer: deciding (rules in ub_ports.h).
#include "sim/unit/ub_ports.h"

#include <algorithm>

#include "base/diag.h"

namespace systole::sim {

UbPorts::UbPorts(Kernel& kernel, const isa::Machine& machine) : kernel_(kernel) {
  reads_.free.resize(static_cast<std::size_t>(machine.unified_buffer_read_ports));
  writes_.free.resize(static_cast<std::size_t>(machine.unified_buffer_write_ports));
}

bool UbPorts::Ask::await_ready() {
  const bool limited =
      ports.reads_.ports_for(use.reads) > 0 || ports.writes_.ports_for(use.writes) > 0;
  if (!limited) grant = {ports.kernel_.now(), ports.kernel_.now()};
  return !limited;
}

void UbPorts::Ask::await_suspend(Kernel::Handle handle) {
  SYSTOLE_CHECK(use.rows > 0 && use.rows <= kChunkRows, "a request for {} rows", use.rows);
  raised = ports.kernel_.now();
  ports.pending_.push_back(this);
  ports.kernel_.resume_at(raised + CycleCount(1), handle);
}

PortGrant UbPorts::Ask::await_resume() {
  ports.decide();
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
  const std::int64_t reads = reads_.ports_for(ask.use.reads);
  const std::int64_t writes = writes_.ports_for(ask.use.writes);
  const CyclePoint begin =
      std::max({ask.raised + CycleCount(1), reads_.earliest(reads), writes_.earliest(writes)});
  const CycleCount length(std::max(reads_.cycles(ask.use.rows, ask.use.reads),
                                   writes_.cycles(ask.use.rows, ask.use.writes)));
  const PortGrant grant{begin, begin + length};
  reads_.take(reads, grant);
  writes_.take(writes, grant);
  return grant;
}

CyclePoint UbPorts::Bank::earliest(std::int64_t count) const {
  if (count == 0) return CyclePoint(0);
  return std::max(free[static_cast<std::size_t>(count - 1)], last_begin);
}

void UbPorts::Bank::take(std::int64_t count, const PortGrant& grant) {
  if (count == 0) return;
  std::fill_n(free.begin(), count, grant.end);
  std::ranges::sort(free);
  last_begin = grant.begin;
}

std::string UbPorts::state() const {
  if (reads_.free.empty() && writes_.free.empty()) return "unified buffer ports have no limit";
  std::string text = "unified buffer ports are free from cycle";
  for (const CyclePoint at : reads_.free) text += fmt::format(" {} (read)", at.value);
  for (const CyclePoint at : writes_.free) text += fmt::format(" {} (write)", at.value);
  return text;
}

}  // namespace systole::sim
