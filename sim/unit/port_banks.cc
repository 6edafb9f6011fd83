// Port banks (story in port_banks.h).
#include "sim/unit/port_banks.h"

namespace systole::sim {

PortBanks::PortBanks(const isa::Machine& machine) {
  reads_.free.resize(static_cast<std::size_t>(machine.unified_buffer_read_ports));
  writes_.free.resize(static_cast<std::size_t>(machine.unified_buffer_write_ports));
}

PortTimes PortBanks::find(CyclePoint ready, const PortUse& use) const {
  const Instant read = reads_.earliest(reads_.ports_for(use.reads));
  const Instant write = writes_.earliest(writes_.ports_for(use.writes));
  const Instant& held = read >= write ? read : write;
  return {std::max<CyclePoint>(ready, held), held, reads_.cycles(use.rows, use.reads),
          writes_.cycles(use.rows, use.writes)};
}

void PortBanks::take(const PortUse& use, const Instant& begin, const Instant& end) {
  reads_.take(reads_.ports_for(use.reads), begin, end);
  writes_.take(writes_.ports_for(use.writes), begin, end);
}

Instant PortBanks::Bank::earliest(std::int64_t count) const {
  if (count == 0) return {};
  const Instant& port = free[static_cast<std::size_t>(count - 1)];
  return port >= last_begin ? port : last_begin;
}

void PortBanks::Bank::take(std::int64_t count, const Instant& begin, const Instant& end) {
  if (count == 0) return;
  std::fill_n(free.begin(), count, end);
  std::sort(free.begin(), free.end());
  last_begin = begin;
}

}  // namespace systole::sim
