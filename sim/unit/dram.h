// The device's memory (T9, T12): `simple`, a bandwidth, or `banked`, channels of banks with row
// buffers. Reads and writes take the same time.
//
// simple: the whole memory takes one request after the other, when it is free: round robin among
// the requesters that wait then, in order within one; bytes flow at dram.efficiency of the peak.
//
// banked, in picoseconds from cycle 0; cycle t starts at ceil(t * 10^12 / clock.hertz):
//   address     rows of dram.row_bytes go round the channels, then round a channel's banks. A
//   request
//               is cut at row boundaries into segments of whole bursts
//   burst       keeps its channel's data bus for burst_bytes at the channel's share of
//               dram.bytes_per_second (tCCD), rounded up to a picosecond
//   order       a channel takes its next segment when the one before starts its first burst, or
//   when
//               one arrives after that: round robin among requesters, in order within one. The next
//               segment's bank is so made ready while the one before it flows
//   row         an open row is hit; another open row is closed not before tRAS from its opening and
//               the end of its last burst; a row may be opened tRP after that, and its bursts start
//               tRCD later
//   refresh     the k-th takes [k * tREFI, k * tREFI + tRP + tRFC) of the whole channel and leaves
//   its
//               banks closed; no burst runs into it, and no row is opened less than tRAS before
// Within a segment bursts flow back to back but for refreshes, so its time is closed form.
// tests/sim/unit/dram_test.cc has the same rules as a model that goes picosecond by picosecond.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "base/units.h"
#include "isa/machine.h"
#include "sim/kernel/ring.h"

namespace systole::sim {

using Picoseconds = Quantity<struct PicosecondTag>;  // since cycle 0, or a duration

// A request's data flow in cycles [begin, sent): all bytes have moved when `sent` starts.
struct DramTransfer {
  std::size_t requester;
  CyclePoint begin, sent;
};

// The memory's timing. Requests of a requester come in order of time and are done in order; all
// that are asked for before a cycle must have come before `serve` looks at that cycle.
class Dram {
 public:
  virtual ~Dram() = default;
  // `bytes` > 0 from `address` on, asked for in cycle `at`.
  virtual void submit(std::size_t requester, CyclePoint at, std::int64_t address, Bytes bytes) = 0;
  // Decides what is decided before cycle `horizon` starts; appends the requests that are then
  // wholly decided, in order of decision.
  virtual void serve(CyclePoint horizon, std::vector<DramTransfer>& done) = 0;
  // The first cycle at whose start the next decision will have been made; kNever if nothing waits.
  [[nodiscard]] virtual CyclePoint next_decision() const = 0;
};
// The machine's dram.kind.
[[nodiscard]] std::unique_ptr<Dram> make_dram(const isa::Machine& machine, std::size_t requesters);

struct DramTiming {
  explicit DramTiming(const isa::Machine& machine);
  Picoseconds burst, rcd, rp, ras, rfc, refi;
};

// One channel's banks, data bus and refresh.
class DramChannel {
 public:
  // What a request wants of one row of one bank.
  struct Segment {
    Picoseconds arrival;
    std::int64_t bank, row, bursts;
    std::int64_t request = 0;  // for whoever submits: returned as it is
  };
  // Its bursts flow within [begin, end).
  struct Served {
    std::size_t requester;
    Picoseconds begin, end;
    std::int64_t request = 0;
  };

  DramChannel(const DramTiming& timing, std::int64_t banks, std::size_t requesters);

  // Segments of one requester come in order of arrival.
  void submit(std::size_t requester, const Segment& segment);
  // Takes the next segment, if that is decided before `horizon`. All segments that arrive before
  // `horizon` must have been submitted.
  std::optional<Served> serve(Picoseconds horizon);
  // When the next segment is taken; kForever if none waits.
  [[nodiscard]] Picoseconds decision() const;
  static constexpr Picoseconds kForever{std::numeric_limits<std::int64_t>::max()};

 private:
  struct Bank {
    std::int64_t row = -1;   // open, or -1
    Picoseconds opened;      // when it was
    Picoseconds last_burst;  // end of its last burst
  };
  [[nodiscard]] Served flow(Bank& bank, const Segment& segment, Picoseconds ready);
  // When the segment's row is open or can be opened, from `from` on.
  [[nodiscard]] Picoseconds open(const Bank& bank, std::int64_t row, Picoseconds from) const;
  // The first refresh that starts after `at`.
  [[nodiscard]] Picoseconds refresh_after(Picoseconds at) const;
  [[nodiscard]] Picoseconds refresh_end(Picoseconds start) const;

  DramTiming timing_;
  std::vector<Bank> banks_;
  std::vector<Ring<Segment>> queues_;  // by requester
  std::size_t served_last_;
  Picoseconds first_burst_;  // of the latest segment
  Picoseconds bus_free_;
};

}  // namespace systole::sim
