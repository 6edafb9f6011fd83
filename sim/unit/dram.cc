// Weight memory: one read, one segment (rules in dram.h).
#include "sim/unit/dram.h"

#include <algorithm>
#include <limits>

#include "base/diag.h"
#include "sim/kernel/rate_meter.h"

namespace systole::sim {
namespace {

__extension__ using Int128 = __int128;  // cycles times 10^12 exceed 64 bits
constexpr std::int64_t kSecond = 1'000'000'000'000;
constexpr Picoseconds kForever{std::numeric_limits<std::int64_t>::max()};

// The one place where cycles and picoseconds meet.
class Clock {
 public:
  explicit Clock(std::int64_t hertz) : hertz_(hertz) {}
  [[nodiscard]] Picoseconds start_of(CyclePoint cycle) const {
    const Int128 ps = (static_cast<Int128>(cycle.value) * kSecond + hertz_ - 1) / hertz_;
    return Picoseconds(static_cast<std::int64_t>(ps));
  }
  // The cycle in which a moment lies, and the first cycle that starts at it or later.
  [[nodiscard]] CyclePoint cycle_of(Picoseconds at) const {
    return CyclePoint(static_cast<std::int64_t>(static_cast<Int128>(at.value) * hertz_ / kSecond));
  }
  [[nodiscard]] CyclePoint after(Picoseconds at) const {
    const CyclePoint cycle = cycle_of(at);
    return start_of(cycle) >= at ? cycle : cycle + CycleCount(1);
  }

 private:
  std::int64_t hertz_;
};

class SimpleDram : public Dram {
 public:
  explicit SimpleDram(const isa::Machine& m) : bus_(m.clock_hertz, m.dram_bytes_per_second) {}
  DramRead read(CyclePoint at, std::int64_t /*address*/, Bytes bytes) override {
    const CyclePoint begin = std::max(at, bus_.free_in());
    return {begin, bus_.send(at, bytes)};
  }

 private:
  RateMeter bus_;
};

class BankedDram : public Dram {
 public:
  explicit BankedDram(const isa::Machine& machine)
      : clock_(machine.clock_hertz),
        row_bytes_(machine.dram_row_bytes),
        burst_bytes_(machine.dram_burst_bytes),
        banks_(machine.dram_banks),
        channels_(static_cast<std::size_t>(machine.dram_channels),
                  DramChannel(DramTiming(machine), machine.dram_banks, 1)) {}

  DramRead read(CyclePoint at, std::int64_t address, Bytes bytes) override {
    const Picoseconds arrival = clock_.start_of(at);
    Picoseconds begin = kForever;
    const std::int64_t end = address + bytes.value;
    while (address < end) {
      const std::int64_t row_end = (address / row_bytes_ + 1) * row_bytes_;
      const std::int64_t stop = std::min(end, row_end);
      const DramChannel::Served served = read_row(arrival, address, stop);
      begin = std::min(begin, served.begin);
      sent_ = std::max(sent_, served.end);
      address = stop;
    }
    return {clock_.cycle_of(begin), clock_.after(sent_)};
  }

 private:
  // Bytes [address, stop) of one row. Nobody else asks, so the channel serves them at once.
  DramChannel::Served read_row(Picoseconds arrival, std::int64_t address, std::int64_t stop) {
    const std::int64_t row = address / row_bytes_;
    const auto channels = std::ssize(channels_);
    const std::int64_t row_of_channel = row / channels;
    DramChannel& channel = channels_[static_cast<std::size_t>(row % channels)];
    const std::int64_t bursts = ceil_div(stop, burst_bytes_) - address / burst_bytes_;
    channel.submit(0, {arrival, row_of_channel % banks_, row_of_channel / banks_, bursts});
    return channel.serve(kForever).value();
  }

  Clock clock_;
  std::int64_t row_bytes_, burst_bytes_, banks_;
  std::vector<DramChannel> channels_;
  Picoseconds sent_;  // of all reads so far
};

}  // namespace

std::unique_ptr<Dram> make_dram(const isa::Machine& machine) {
  if (machine.dram_kind == isa::DramKind::kBanked) return std::make_unique<BankedDram>(machine);
  return std::make_unique<SimpleDram>(machine);
}

DramTiming::DramTiming(const isa::Machine& machine)
    : burst(machine.dram_burst_picoseconds()),
      rcd(machine.dram_trcd),
      rp(machine.dram_trp),
      ras(machine.dram_tras),
      rfc(machine.dram_trfc),
      refi(machine.dram_trefi) {}

DramChannel::DramChannel(const DramTiming& timing, std::int64_t banks, std::size_t requesters)
    : timing_(timing),
      banks_(static_cast<std::size_t>(banks)),
      queues_(requesters),
      served_last_(requesters - 1) {}

void DramChannel::submit(std::size_t requester, const Segment& segment) {
  queues_.at(requester).push(segment);
}

std::optional<DramChannel::Served> DramChannel::serve(Picoseconds horizon) {
  Picoseconds first_arrival = kForever;
  for (const auto& queue : queues_) {
    if (!queue.empty()) first_arrival = std::min(first_arrival, queue.front().arrival);
  }
  const Picoseconds decision = std::max(first_arrival, first_burst_);
  if (first_arrival == kForever || decision >= horizon) return std::nullopt;
  std::size_t requester = served_last_;
  do {
    requester = (requester + 1) % queues_.size();
  } while (queues_[requester].empty() || queues_[requester].front().arrival > decision);
  served_last_ = requester;
  const Segment segment = queues_[requester].front();
  queues_[requester].pop();
  Served served = flow(banks_.at(static_cast<std::size_t>(segment.bank)), segment, decision);
  served.requester = requester;
  return served;
}

DramChannel::Served DramChannel::flow(Bank& bank, const Segment& segment, Picoseconds ready) {
  const Picoseconds opened = open(bank, segment.row, ready);
  bank.row = segment.row;
  bank.opened = opened;
  Served served{0, kForever, {}};
  for (std::int64_t left = segment.bursts; left > 0;) {
    const Picoseconds refresh = refresh_after(bank.opened);
    const Picoseconds start = std::max({ready, bank.opened + timing_.rcd, bus_free_});
    const std::int64_t fit = (refresh - start).value / timing_.burst.value;
    const std::int64_t now = std::min(left, std::max<std::int64_t>(0, fit));
    if (now > 0) {
      served.begin = std::min(served.begin, start);
      bus_free_ = start + timing_.burst * now;
    }
    left -= now;
    if (left > 0) bank.opened = refresh_end(refresh);
  }
  bank.last_burst = served.end = bus_free_;
  first_burst_ = served.begin;
  return served;
}

Picoseconds DramChannel::open(const Bank& bank, std::int64_t row, Picoseconds from) const {
  Picoseconds at = from;
  const bool refreshed = refresh_after(bank.opened) <= from;
  if (bank.row >= 0 && !refreshed) {
    if (bank.row == row) return bank.opened;
    at = std::max({from, bank.opened + timing_.ras, bank.last_burst}) + timing_.rp;
  }
  // The refresh under way at `at`, or the next one.
  Picoseconds refresh = refresh_after(at);
  const Picoseconds before = refresh - timing_.refi;
  if (before > Picoseconds(0) && at < refresh_end(before)) refresh = before;
  return at + timing_.ras > refresh ? refresh_end(refresh) : at;
}

Picoseconds DramChannel::refresh_after(Picoseconds at) const {
  return Picoseconds((at.value / timing_.refi.value + 1) * timing_.refi.value);
}

Picoseconds DramChannel::refresh_end(Picoseconds start) const {
  return start + timing_.rp + timing_.rfc;
}

}  // namespace systole::sim
