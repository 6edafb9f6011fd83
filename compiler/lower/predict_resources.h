// What units share, as the prediction sees it: each resource takes requests in order of time and
// says when they are done. The rules are those of docs/machine.md.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/units.h"
#include "isa/machine.h"

namespace systole::compiler {

// Time of a request, in cycles: [begin, end).
struct Granted {
  std::int64_t begin = 0, end = 0;
};

// Bytes at a rate, one request after another.
class LinkClock {
 public:
  LinkClock(const isa::Machine& machine, std::int64_t bytes_per_second)
      : cycles_per_byte_(static_cast<double>(machine.clock_hertz) /
                         static_cast<double>(bytes_per_second)) {}
  [[nodiscard]] Granted send(std::int64_t at, std::int64_t bytes);
  // When a sender asks again: in the cycle in which its last byte leaves.
  [[nodiscard]] std::int64_t next() const { return static_cast<std::int64_t>(free_); }

 private:
  double cycles_per_byte_, free_ = 0.0;
};

// Weight memory: whole tiles, burst after burst, none of which runs into a refresh. In picoseconds
// within.
class MemoryClock {
 public:
  explicit MemoryClock(const isa::Machine& machine);
  [[nodiscard]] Granted tile(std::int64_t at, std::int64_t bytes);

 private:
  [[nodiscard]] double opened(double asked) const;

  double cycle_;  // a cycle's length
  double bytes_per_second_;
  double burst_ = 0.0;            // banked: a burst's
  std::int64_t burst_bytes_ = 1;  // of all channels
  double refresh_every_ = 0.0;    // 0: never
  double refresh_ = 0.0;          // a refresh
  // A row's opening, its closing, and how long it stays open at least.
  double opening_ = 0.0, closing_ = 0.0, open_ = 0.0;
  double free_ = 0.0;
};

// The unified buffer's shared ports of both directions.
class PortClock {
 public:
  static constexpr std::int64_t kChunkRows = 32;

  explicit PortClock(const isa::Machine& machine);
  // Rows of the next chunk of a stream with `left` rows to go.
  [[nodiscard]] std::int64_t read_chunk(std::int64_t left) const { return chunk(reads_, left); }
  [[nodiscard]] std::int64_t write_chunk(std::int64_t left) const { return chunk(writes_, left); }
  // A chunk of rows, each with so many reads and writes of a buffer row. The ports of both
  // directions are held for the longer of the two; begin = end where neither has a limit.
  struct Use {
    std::int64_t rows = 0, reads = 0, writes = 0;
    // Of so many moves in all, evenly over the cycles of the vector unit's lanes.
    static Use spread(std::int64_t lanes, std::int64_t reads, std::int64_t writes) {
      const std::int64_t turns = std::clamp<std::int64_t>(lanes, 1, kChunkRows);
      return {turns, ceil_div(reads, turns), ceil_div(writes, turns)};
    }
  };
  [[nodiscard]] Granted take(std::int64_t at, const Use& use);

 private:
  using Bank = std::vector<std::int64_t>;  // from when on each port is free, ascending
  [[nodiscard]] static std::int64_t chunk(const Bank& bank, std::int64_t left);

  Bank reads_, writes_;
};

}  // namespace systole::compiler
