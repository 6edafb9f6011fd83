// Weight memory: hand-made cases, sustained bandwidth, and random traffic beside a model that goes
// picosecond by picosecond and issues one command and one burst at a time.
#include "sim/unit/dram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

namespace systole::sim {
namespace {

using Segment = DramChannel::Segment;
struct Flow {
  std::size_t requester;
  std::int64_t begin, end;
  bool operator==(const Flow&) const = default;
};
using Traffic = std::vector<std::vector<Segment>>;  // by requester

constexpr Picoseconds kForever{std::int64_t{1} << 60};

// A machine whose burst takes `burst` picoseconds.
isa::Machine with_timing(std::int64_t burst, std::int64_t rcd, std::int64_t rp, std::int64_t ras,
                         std::int64_t rfc, std::int64_t refi) {
  isa::Machine m;
  m.dram_channels = 1;
  m.dram_burst_bytes = 8;
  m.dram_bytes_per_second = 8'000'000'000'000 / burst;
  m.dram_trcd = rcd;
  m.dram_trp = rp;
  m.dram_tras = ras;
  m.dram_trfc = rfc;
  m.dram_trefi = refi;
  return m;
}

std::vector<Flow> closed_form(const isa::Machine& machine, const Traffic& traffic) {
  DramChannel channel(DramTiming(machine), machine.dram_banks, traffic.size());
  for (std::size_t r = 0; r < traffic.size(); ++r) {
    for (const Segment& segment : traffic[r]) channel.submit(r, segment);
  }
  std::vector<Flow> flows;
  while (const auto served = channel.serve(kForever)) {
    flows.push_back({served->requester, served->begin.value, served->end.value});
  }
  return flows;
}

// The model: what a channel does in each picosecond.
class TickChannel {
 public:
  TickChannel(const isa::Machine& m, const Traffic& traffic)
      : m_(m), burst_(m.dram_burst_picoseconds()), banks_(static_cast<std::size_t>(m.dram_banks)) {
    for (const auto& segments : traffic) queues_.emplace_back(segments.begin(), segments.end());
    last_ = queues_.size() - 1;
  }
  std::vector<Flow> run() {
    for (t_ = 0; pending(); ++t_) tick();
    return flows_;
  }

 private:
  struct Bank {
    bool open = false;
    std::int64_t row = 0, opened = 0, last_burst_end = 0, may_open = 0;
  };
  struct Taken {
    bool there = false;
    std::size_t requester = 0;
    Segment segment{};
    std::int64_t left = 0;
  };

  [[nodiscard]] bool pending() const {
    return waiting_.there || flowing_.left > 0 ||
           std::ranges::any_of(queues_, [](const auto& q) { return !q.empty(); });
  }
  [[nodiscard]] std::int64_t next_refresh() const {
    return (t_ / m_.dram_trefi + 1) * m_.dram_trefi;
  }

  void tick() {
    if (t_ > 0 && t_ % m_.dram_trefi == 0) {
      quiet_until_ = t_ + m_.dram_trp + m_.dram_trfc;
      for (Bank& bank : banks_) {
        bank.open = false;
        bank.may_open = quiet_until_;
      }
    }
    take();
    if (t_ < quiet_until_) return;
    prepare();
    burst();
    take();
    prepare();
  }
  // The next segment, unless one is taken that has not started.
  void take() {
    if (waiting_.there) return;
    for (std::size_t i = 1; i <= queues_.size(); ++i) {
      const std::size_t r = (last_ + i) % queues_.size();
      if (queues_[r].empty() || queues_[r].front().arrival.value > t_) continue;
      waiting_ = {true, r, queues_[r].front(), queues_[r].front().bursts};
      queues_[r].pop_front();
      last_ = r;
      return;
    }
  }
  Bank& bank_of(const Taken& taken) { return banks_[static_cast<std::size_t>(taken.segment.bank)]; }
  void prepare() {
    if (flowing_.left > 0) make_ready(flowing_);
    if (!waiting_.there) return;
    const bool behind = flowing_.left > 0 && flowing_.segment.bank == waiting_.segment.bank;
    if (!behind) make_ready(waiting_);
  }
  void make_ready(const Taken& taken) {
    Bank& bank = bank_of(taken);
    if (bank.open && bank.row == taken.segment.row) return;
    if (bank.open) {
      if (t_ < bank.opened + m_.dram_tras || t_ < bank.last_burst_end) return;
      bank.open = false;
      bank.may_open = t_ + m_.dram_trp;
    }
    if (t_ < bank.may_open || t_ + m_.dram_tras > next_refresh()) return;
    bank.open = true;
    bank.row = taken.segment.row;
    bank.opened = t_;
  }
  void burst() {
    const bool starts = flowing_.left == 0;
    Taken& taken = starts ? waiting_ : flowing_;
    if (starts && !waiting_.there) return;
    Bank& bank = bank_of(taken);
    if (!bank.open || bank.row != taken.segment.row) return;
    if (t_ < bank.opened + m_.dram_trcd || t_ < bus_free_ || t_ + burst_ > next_refresh()) return;
    bus_free_ = bank.last_burst_end = t_ + burst_;
    --taken.left;
    if (starts) {
      flows_.push_back({taken.requester, t_, 0});
      flowing_ = waiting_;
      waiting_.there = false;
    }
    if (flowing_.left == 0) flows_.back().end = bus_free_;
  }

  const isa::Machine& m_;
  std::int64_t burst_;
  std::vector<Bank> banks_;
  std::vector<std::deque<Segment>> queues_;
  std::size_t last_;
  Taken flowing_, waiting_;
  std::int64_t t_ = 0, quiet_until_ = 0, bus_free_ = 0;
  std::vector<Flow> flows_;
};

TEST(DramChannel, ASegmentOpensItsRowThenFlows) {
  const isa::Machine m = with_timing(4, 13, 14, 33, 100, 10'000);
  const auto flows = closed_form(m, {{{Picoseconds(50), 0, 7, 10}}});
  EXPECT_EQ(flows, (std::vector<Flow>{{0, 50 + 13, 50 + 13 + 10 * 4}}));
}

TEST(DramChannel, TheNextBankIsMadeReadyWhileDataFlow) {
  const isa::Machine m = with_timing(4, 13, 14, 33, 100, 10'000);
  const auto flows = closed_form(
      m, {{{Picoseconds(0), 0, 7, 10}, {Picoseconds(0), 1, 7, 10}, {Picoseconds(0), 1, 8, 10}}});
  EXPECT_EQ(flows[1], (Flow{0, 13 + 40, 13 + 80}));
  // Another row of the bank in use: close it after its last burst, open, first burst.
  EXPECT_EQ(flows[2], (Flow{0, 13 + 80 + 14 + 13, 13 + 80 + 14 + 13 + 40}));
}

TEST(DramChannel, ARefreshInterruptsBetweenBursts) {
  const isa::Machine m = with_timing(4, 13, 14, 33, 100, 200);
  const auto flows = closed_form(m, {{{Picoseconds(0), 0, 7, 50}}});
  // (200 - 13) / 4 = 46 bursts before the refresh, the other 4 after it.
  EXPECT_EQ(flows, (std::vector<Flow>{{0, 13, 200 + 14 + 100 + 13 + 4 * 4}}));
}

TEST(DramChannel, RequestersTakeTurnsRowByRow) {
  const isa::Machine m = with_timing(4, 13, 14, 33, 100, 100'000);
  Traffic traffic(2);
  for (int i = 0; i < 3; ++i) {
    traffic[0].push_back({Picoseconds(0), i, 0, 10});
    traffic[1].push_back({Picoseconds(30), 3 + i, 0, 10});
  }
  std::vector<std::size_t> order;
  for (const Flow& flow : closed_form(m, traffic)) order.push_back(flow.requester);
  // Requester 0's second segment is taken at 13, when its first starts; then the other has come.
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 0, 1, 0, 1, 1}));
}

class DramRandom : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, DramRandom, testing::Range<std::uint64_t>(1, 301));

TEST_P(DramRandom, EverySegmentAgreesWithTheModel) {
  std::mt19937_64 random(GetParam());
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  isa::Machine m = with_timing(std::int64_t{1} << pick(0, 2), pick(1, 9), pick(1, 9), pick(1, 20),
                               pick(1, 30), pick(64, 400));
  m.dram_banks = pick(1, 4);
  const std::int64_t rows = pick(1, 3);
  const std::int64_t gap = pick(0, 1) * pick(1, 120);
  Traffic traffic(static_cast<std::size_t>(pick(1, 3)));
  for (auto& segments : traffic) {
    std::int64_t arrival = 0;
    for (std::int64_t n = pick(1, 60); n > 0; --n) {
      arrival += pick(0, gap);
      segments.push_back(
          {Picoseconds(arrival), pick(0, m.dram_banks - 1), pick(0, rows), pick(1, 40)});
    }
  }
  EXPECT_TRUE(closed_form(m, traffic) == TickChannel(m, traffic).run());
}

// Serving bit by bit, as time goes on and segments come, decides what serving at the end does.
TEST(DramChannel, DecisionsDoNotDependOnTheHorizon) {
  const isa::Machine m = with_timing(4, 5, 6, 12, 30, 300);
  std::mt19937_64 random(7);
  Traffic traffic(2);
  for (auto& segments : traffic) {
    for (std::int64_t t = 0; t < 3'000; t += static_cast<std::int64_t>(random() % 90)) {
      segments.push_back({Picoseconds(t), static_cast<std::int64_t>(random() % 8),
                          static_cast<std::int64_t>(random() % 2), 5});
    }
  }
  DramChannel channel(DramTiming(m), m.dram_banks, traffic.size());
  std::vector<Flow> flows;
  std::vector<std::size_t> submitted(traffic.size());
  for (std::int64_t horizon = 0; horizon < 20'000; horizon += 50) {
    for (std::size_t r = 0; r < traffic.size(); ++r) {
      while (submitted[r] < traffic[r].size() &&
             traffic[r][submitted[r]].arrival < Picoseconds(horizon)) {
        channel.submit(r, traffic[r][submitted[r]++]);
      }
    }
    while (const auto served = channel.serve(Picoseconds(horizon))) {
      flows.push_back({served->requester, served->begin.value, served->end.value});
    }
  }
  EXPECT_EQ(flows, closed_form(m, traffic));
}

// A request of cycle 0 by the only requester.
DramTransfer read_alone(Dram& dram, std::int64_t address, std::int64_t bytes) {
  std::vector<DramTransfer> done;
  dram.submit(0, CyclePoint(0), address, Bytes(bytes));
  dram.serve(kNever, done);
  EXPECT_EQ(done.size(), 1U);
  return done.at(0);
}

// Sequential tiles on TPU v1's memory: two channels of DDR3-2133.
class SequentialTiles : public testing::Test {
 protected:
  CyclePoint read(std::int64_t tiles) {
    CyclePoint sent;
    for (; next_ < tiles; ++next_) {
      const std::int64_t address = next_ * kTile % machine_.dram_bytes;
      sent = read_alone(*dram_, address, kTile).sent;
    }
    return sent;
  }
  // The first cycle that starts at `ps` or later.
  [[nodiscard]] CyclePoint cycle(std::int64_t ps) const {
    return CyclePoint(ceil_div(ps * (machine_.clock_hertz / 1'000'000), 1'000'000));
  }
  static constexpr std::int64_t kTile = 65'536;
  isa::Machine machine_ = isa::load_machine("tpu_v1");
  std::unique_ptr<Dram> dram_ = make_dram(machine_, 1);
  std::int64_t next_ = 0;
};

TEST_F(SequentialTiles, FlowAtTheBurstRateButForRefreshes) {
  const isa::Machine& m = machine_;
  constexpr std::int64_t kBursts = kTile / 64 / 2;  // of a channel
  const std::int64_t burst = m.dram_burst_picoseconds();
  EXPECT_EQ(burst, 3'751);  // 4 clocks of 0.9377 ns
  EXPECT_EQ(read(1), cycle(m.dram_trcd + kBursts * burst));
  EXPECT_EQ(read(4), cycle(m.dram_trcd + 4 * kBursts * burst));
  const std::int64_t before = (m.dram_trefi - m.dram_trcd) / burst;  // bursts before the refresh
  EXPECT_EQ(read(5), cycle(m.dram_trefi + m.dram_trp + m.dram_trfc + m.dram_trcd +
                           (5 * kBursts - before) * burst));
}

TEST_F(SequentialTiles, SustainBetween94And96PercentOfPeak) {
  constexpr std::int64_t kTiles = 1'000'000;
  const double seconds = machine_.seconds(read(kTiles) - CyclePoint(0));
  const double share = static_cast<double>(kTiles) * static_cast<double>(kTile) / seconds /
                       static_cast<double>(machine_.dram_bytes_per_second);
  EXPECT_GT(share, 0.94);
  EXPECT_LT(share, 0.96);
}

TEST(BankedDram, RowsGoRoundTheChannels) {
  isa::Machine m = isa::load_machine("tpu_v1");
  const auto alone = [&](std::int64_t address, std::int64_t bytes) {
    return read_alone(*make_dram(m, 1), address, bytes).sent.value;
  };
  const std::int64_t row = m.dram_row_bytes;
  EXPECT_EQ(alone(0, 2 * row), alone(0, row)) << "two rows, one on each channel";
  EXPECT_GT(alone(0, 3 * row), alone(0, 2 * row));
  EXPECT_EQ(alone(60, 8), alone(0, 128)) << "a read touches whole bursts";
}

}  // namespace
}  // namespace systole::sim
