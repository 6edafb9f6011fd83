// Ports of the unified buffer: the arbiter that every unit but the matrix unit shares (T8).
//
//   request     a chunk of at most kChunkRows rows, with the reads and writes that a row needs;
//               raised in cycle t, decided at t + 1
//   order       oldest first; of one cycle, in the order of isa/units.def. A younger request never
//               overtakes an older one that wants a port of the same direction
//   grant       takes r = min(reads, read_ports) and w = min(writes, write_ports) ports from
//               max(t + 1, they are free) on and keeps them to its end, for
//               max(ceil(rows * reads / r), ceil(rows * writes / w)) cycles
//   stream      raises its next request in the last cycle of the present chunk, so that it loses
//               nothing after its first cycle unless somebody else was there before
//
// A direction with 0 ports has no limit: who needs only such is granted at once, for no time and
// for any number of rows, and moves rows at a rate of its own.
//
// No process of its own: a requester resumes at t + 1, and the first one to do so decides for all
// requests of cycle t, in the fixed order. Requests of t + 1 are younger, so what is decided
// stands, and the order in which processes run changes nothing. Ports are pipelined: a unit's own
// depth lies behind them, and only the rate in rows a cycle is shared.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "isa/insn.h"
#include "isa/machine.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/trail.h"
#include "sim/unit/port_banks.h"

namespace systole::sim {

// The chunk has its ports in cycles [begin, end); begin = end where there is no limit.
struct PortGrant {
  Instant begin, end;
};

class UbPorts {
 public:
  static constexpr std::int64_t kChunkRows = 32;

  UbPorts(Kernel& kernel, const isa::Machine& machine);

  // const PortGrant grant = co_await ports.ask(trail, unit, use): goes on one cycle later, when the
  // chunk is decided; it may begin later than that. A unit has one request at a time. rows > 0.
  [[nodiscard]] auto ask(Trail& trail, isa::Unit unit, const PortUse& use) {
    return Ask{*this, trail, unit, use};
  }

  // The rows of the next chunk of a stream that has `left` to read, or to write.
  [[nodiscard]] std::int64_t read_chunk(std::int64_t left) const {
    return banks_.free_reads().empty() ? left : std::min(left, kChunkRows);
  }
  [[nodiscard]] std::int64_t write_chunk(std::int64_t left) const {
    return banks_.free_writes().empty() ? left : std::min(left, kChunkRows);
  }

  // From when on each port is free, for a deadlock report.
  [[nodiscard]] std::string state() const;

 private:
  struct Ask {
    UbPorts& ports;
    Trail& trail;
    isa::Unit unit;
    PortUse use;
    Instant raised{};
    PortGrant grant{};
    [[nodiscard]] bool await_ready();
    void await_suspend(Kernel::Handle handle);
    [[nodiscard]] PortGrant await_resume();
  };
  void decide();
  [[nodiscard]] PortGrant place(const Ask& ask);

  Kernel& kernel_;
  PortBanks banks_;
  std::vector<Ask*> pending_;
};

}  // namespace systole::sim
