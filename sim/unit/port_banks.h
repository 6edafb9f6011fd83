// Port banks: when ports of the unified buffer are free, one request after the other (rules in
// ub_ports.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "isa/machine.h"
#include "sim/kernel/causes.h"

namespace systole::sim {

// What a chunk moves: `rows` rows, each with so many reads and writes of a buffer row.
struct PortUse {
  std::int64_t rows, reads, writes;
};

// When a chunk has its ports: from `begin` on, so long for what it reads and what it writes.
struct PortTimes {
  CyclePoint begin;
  Instant held;  // what it had to wait for, if `begin` is after the request was ready
  CycleCount reads, writes;
  [[nodiscard]] CyclePoint end() const { return begin + std::max(reads, writes); }
};

class PortBanks {
 public:
  explicit PortBanks(const isa::Machine& machine);

  // Whether a row needs a port of which there is a limited number.
  [[nodiscard]] bool limits(const PortUse& use) const {
    return reads_.ports_for(use.reads) > 0 || writes_.ports_for(use.writes) > 0;
  }
  // The next request's ports, which it can use from `ready` on.
  [[nodiscard]] PortTimes find(CyclePoint ready, const PortUse& use) const;
  // Gives it these.
  void take(const PortUse& use, const Instant& begin, const Instant& end);

  // From when on each port is free, ascending; none where there is no limit.
  [[nodiscard]] const std::vector<Instant>& free_reads() const { return reads_.free; }
  [[nodiscard]] const std::vector<Instant>& free_writes() const { return writes_.free; }

 private:
  // The ports of one direction.
  struct Bank {
    std::vector<Instant> free;  // ascending
    Instant last_begin;
    // The first cycle in which `count` ports are free, not before those of older requests.
    [[nodiscard]] Instant earliest(std::int64_t count) const;
    void take(std::int64_t count, const Instant& begin, const Instant& end);
    // Ports that a row with `moves` moves takes, and cycles that `rows` such rows take.
    [[nodiscard]] std::int64_t ports_for(std::int64_t moves) const {
      return std::min(moves, std::ssize(free));
    }
    [[nodiscard]] CycleCount cycles(std::int64_t rows, std::int64_t moves) const {
      const std::int64_t ports = ports_for(moves);
      return CycleCount(ports == 0 ? 0 : ceil_div(rows * moves, ports));
    }
  };
  Bank reads_, writes_;
};

}  // namespace systole::sim
