// The device's memory: requests, their segments, their bursts (rules in dram.h).
#include "sim/unit/dram.h"

#include <algorithm>
#include <limits>

#include "base/diag.h"
#include "sim/kernel/rate_meter.h"

namespace systole::sim {
namespace {

__extension__ using Int128 = __int128;  // cycles times 10^12 exceed 64 bits
constexpr std::int64_t kSecond = 1'000'000'000'000;
constexpr Picoseconds kForever = DramChannel::kForever;

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
  SimpleDram(const isa::Machine& m, std::size_t requesters)
      : bus_(m.clock_hertz, m.delivered_bytes_per_second()),
        queues_(requesters),
        served_last_(requesters - 1) {}

  void submit(std::size_t requester, CyclePoint at, std::int64_t /*address*/,
              Bytes bytes) override {
    queues_.at(requester).push({at, bytes});
  }

  void serve(CyclePoint horizon, std::vector<DramTransfer>& done) override {
    for (CyclePoint at = decision(); at < horizon; at = decision()) {
      std::size_t requester = served_last_;
      do {
        requester = (requester + 1) % queues_.size();
      } while (queues_[requester].empty() || queues_[requester].front().at > at);
      served_last_ = requester;
      done.push_back({requester, at, bus_.send(at, queues_[requester].front().bytes)});
      queues_[requester].pop();
    }
  }

  [[nodiscard]] CyclePoint next_decision() const override {
    const CyclePoint at = decision();
    return at == kNever ? kNever : at + CycleCount(1);
  }

 private:
  struct Request {
    CyclePoint at;
    Bytes bytes;
  };
  [[nodiscard]] CyclePoint decision() const {
    CyclePoint first = kNever;
    for (const Ring<Request>& queue : queues_) {
      if (!queue.empty()) first = std::min(first, queue.front().at);
    }
    return first == kNever ? kNever : std::max(first, bus_.free_in());
  }

  RateMeter bus_;
  std::vector<Ring<Request>> queues_;  // by requester
  std::size_t served_last_;
};

class BankedDram : public Dram {
 public:
  BankedDram(const isa::Machine& machine, std::size_t requesters)
      : clock_(machine.clock_hertz),
        row_bytes_(machine.dram_row_bytes),
        burst_bytes_(machine.dram_burst_bytes),
        banks_(machine.dram_banks),
        channels_(static_cast<std::size_t>(machine.dram_channels),
                  DramChannel(DramTiming(machine), machine.dram_banks, requesters)),
        requesters_(requesters) {}

  void submit(std::size_t requester, CyclePoint at, std::int64_t address, Bytes bytes) override {
    Requester& from = requesters_.at(requester);
    const Picoseconds arrival = clock_.start_of(at);
    const std::int64_t end = address + bytes.value;
    Request request;
    for (; address < end; ++request.left) {
      const std::int64_t stop = std::min(end, (address / row_bytes_ + 1) * row_bytes_);
      submit_row(requester, arrival, address, stop);
      address = stop;
    }
    from.requests.push(request);
  }

  void serve(CyclePoint horizon, std::vector<DramTransfer>& done) override {
    const Picoseconds end = horizon == kNever ? kForever : clock_.start_of(horizon);
    for (DramChannel& channel : channels_) {
      while (const auto served = channel.serve(end)) book(*served);
    }
    for (std::size_t r = 0; r < requesters_.size(); ++r) finish(r, done);
  }

  [[nodiscard]] CyclePoint next_decision() const override {
    Picoseconds first = kForever;
    for (const DramChannel& channel : channels_) first = std::min(first, channel.decision());
    return first == kForever ? kNever : clock_.cycle_of(first) + CycleCount(1);
  }

 private:
  struct Request {
    std::int64_t left = 0;  // segments without a time
    Picoseconds begin = kForever, end{};
  };
  struct Requester {
    Ring<Request> requests;  // that are not done, in order
    std::int64_t first = 0;  // the number of the oldest
    Picoseconds sent;        // of all so far
  };

  // Bytes [address, stop) of one row.
  void submit_row(std::size_t requester, Picoseconds arrival, std::int64_t address,
                  std::int64_t stop) {
    const std::int64_t row = address / row_bytes_;
    const auto channels = std::ssize(channels_);
    const std::int64_t row_of_channel = row / channels;
    const std::int64_t bursts = ceil_div(stop, burst_bytes_) - address / burst_bytes_;
    const Requester& from = requesters_[requester];
    const std::int64_t number = from.first + static_cast<std::int64_t>(from.requests.size());
    channels_[static_cast<std::size_t>(row % channels)].submit(
        requester, {arrival, row_of_channel % banks_, row_of_channel / banks_, bursts, number});
  }

  void book(const DramChannel::Served& served) {
    Requester& of = requesters_[served.requester];
    Request& request = of.requests[static_cast<std::size_t>(served.request - of.first)];
    --request.left;
    request.begin = std::min(request.begin, served.begin);
    request.end = std::max(request.end, served.end);
  }

  // Hands out the requests of a requester that are wholly decided, up to the first that is not.
  void finish(std::size_t requester, std::vector<DramTransfer>& done) {
    Requester& of = requesters_[requester];
    for (; !of.requests.empty() && of.requests.front().left == 0; of.requests.pop(), ++of.first) {
      const Request& request = of.requests.front();
      of.sent = std::max(of.sent, request.end);
      done.push_back({requester, clock_.cycle_of(request.begin), clock_.after(of.sent)});
    }
  }

  Clock clock_;
  std::int64_t row_bytes_, burst_bytes_, banks_;
  std::vector<DramChannel> channels_;
  std::vector<Requester> requesters_;
};

}  // namespace

std::unique_ptr<Dram> make_dram(const isa::Machine& machine, std::size_t requesters) {
  if (machine.dram_kind == isa::DramKind::kBanked) {
    return std::make_unique<BankedDram>(machine, requesters);
  }
  return std::make_unique<SimpleDram>(machine, requesters);
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

Picoseconds DramChannel::decision() const {
  Picoseconds first_arrival = kForever;
  for (const auto& queue : queues_) {
    if (!queue.empty()) first_arrival = std::min(first_arrival, queue.front().arrival);
  }
  return first_arrival == kForever ? kForever : std::max(first_arrival, first_burst_);
}

std::optional<DramChannel::Served> DramChannel::serve(Picoseconds horizon) {
  const Picoseconds decision = this->decision();
  if (decision == kForever || decision >= horizon) return std::nullopt;
  std::size_t requester = served_last_;
  do {
    requester = (requester + 1) % queues_.size();
  } while (queues_[requester].empty() || queues_[requester].front().arrival > decision);
  served_last_ = requester;
  const Segment segment = queues_[requester].front();
  queues_[requester].pop();
  Served served = flow(banks_.at(static_cast<std::size_t>(segment.bank)), segment, decision);
  served.requester = requester;
  served.request = segment.request;
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
