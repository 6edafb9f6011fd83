// Ports of the unified buffer: hand-made cases, and random traffic beside a model that goes cycle
// by cycle and looks at one free port after the other.
#include "sim/unit/ub_ports.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace systole::sim {
namespace {

using isa::Unit;

// A requester asks for `use` `gap` cycles after the first cycle in which it may.
struct Step {
  std::int64_t gap;
  PortUse use;
};
using Script = std::map<Unit, std::vector<Step>>;
struct Times {
  std::int64_t begin, end;
  bool operator==(const Times&) const = default;
};
using Grants = std::map<Unit, std::vector<Times>>;

isa::Machine with_ports(std::int64_t reads, std::int64_t writes) {
  isa::Machine m;
  m.unified_buffer_read_ports = reads;
  m.unified_buffer_write_ports = writes;
  return m;
}

Process request(Kernel& kernel, UbPorts& ports, Unit unit, const std::vector<Step>& steps,
                std::vector<Times>& grants) {
  Trail trail(kernel, nullptr);
  for (const Step& step : steps) {
    co_await kernel.delay(CycleCount(step.gap));
    const PortGrant grant = co_await ports.ask(trail, unit, step.use);
    grants.push_back({grant.begin.value, grant.end.value});
    co_await kernel.at(grant.end - CycleCount(1));
  }
}

Grants run(const isa::Machine& machine, const Script& script, std::uint64_t shuffle = 0) {
  Kernel kernel(shuffle);
  UbPorts ports(kernel, machine);
  Grants grants;
  for (const auto& [unit, steps] : script) {
    kernel.spawn(request(kernel, ports, unit, steps, grants[unit]));
  }
  kernel.run();
  return grants;
}

// The model: one port is a cycle until which it is taken; every cycle looks at every request.
class Naive {
 public:
  Naive(const isa::Machine& machine, const Script& script)
      : reads_(static_cast<std::size_t>(machine.unified_buffer_read_ports)),
        writes_(static_cast<std::size_t>(machine.unified_buffer_write_ports)) {
    for (const auto& [unit, steps] : script) {
      waiting_.push_back({unit, steps, 0, steps.empty() ? 0 : steps[0].gap});
      grants_[unit];
    }
  }
  Grants run() {
    for (std::int64_t t = 0; !done(); ++t) cycle(t);
    return grants_;
  }

 private:
  struct Requester {
    Unit unit;
    std::vector<Step> steps;
    std::size_t next;
    std::int64_t raises;  // cycle in which the next request is raised
  };
  using Bank = std::vector<std::int64_t>;  // taken until

  [[nodiscard]] bool done() const {
    return std::ranges::all_of(waiting_, [](const auto& r) { return r.next == r.steps.size(); });
  }
  static std::int64_t free_ports(const Bank& bank, std::int64_t t) {
    return std::ranges::count_if(bank, [&](std::int64_t until) { return until <= t; });
  }
  static void take(Bank& bank, std::int64_t count, std::int64_t t, std::int64_t until) {
    for (std::int64_t& port : bank) {
      if (count > 0 && port <= t) {
        port = until;
        --count;
      }
    }
  }
  void cycle(std::int64_t t) {
    // Requests of earlier cycles, oldest first, then in the units' order.
    std::vector<Requester*> asking;
    for (Requester& r : waiting_) {
      if (r.next < r.steps.size() && r.raises < t) asking.push_back(&r);
    }
    std::ranges::sort(asking, [](const Requester* a, const Requester* b) {
      return a->raises != b->raises ? a->raises < b->raises : a->unit < b->unit;
    });
    bool reads_open = true, writes_open = true;
    for (Requester* r : asking) {
      const PortUse use = r->steps[r->next].use;
      const auto reads = std::min(use.reads, std::ssize(reads_));
      const auto writes = std::min(use.writes, std::ssize(writes_));
      const bool can_read = reads == 0 || (reads_open && free_ports(reads_, t) >= reads);
      const bool can_write = writes == 0 || (writes_open && free_ports(writes_, t) >= writes);
      if (!can_read || !can_write) {
        reads_open = reads_open && reads == 0;
        writes_open = writes_open && writes == 0;
        continue;
      }
      std::int64_t length = 0;  // until the rows fit through the ports
      while (length * reads < use.rows * use.reads || length * writes < use.rows * use.writes) {
        ++length;
      }
      take(reads_, reads, t, t + length);
      take(writes_, writes, t, t + length);
      grants_[r->unit].push_back({t, t + length});
      ++r->next;
      if (r->next < r->steps.size()) r->raises = t + length - 1 + r->steps[r->next].gap;
    }
  }

  Bank reads_, writes_;
  std::vector<Requester> waiting_;
  Grants grants_;
};

constexpr PortUse kRead32{32, 1, 0};
constexpr PortUse kWrite32{32, 0, 1};

TEST(UbPorts, AStreamLosesNothingAfterItsFirstCycle) {
  const Grants grants =
      run(with_ports(1, 1), {{Unit::kActivation, {{5, kWrite32}, {0, kWrite32}}}});
  EXPECT_EQ(grants.at(Unit::kActivation),
            (std::vector<Times>{{5 + 1, 5 + 1 + 32}, {5 + 1 + 32, 5 + 1 + 2 * 32}}));
}

TEST(UbPorts, TwoStreamsTakeTurnsAndTheFixedOrderDecidesTies) {
  const Grants grants = run(with_ports(1, 1), {{Unit::kActivation, {{0, kWrite32}, {0, kWrite32}}},
                                               {Unit::kDmaIn, {{0, kWrite32}, {0, kWrite32}}}});
  EXPECT_EQ(grants.at(Unit::kDmaIn), (std::vector<Times>{{1, 33}, {65, 97}}));
  EXPECT_EQ(grants.at(Unit::kActivation), (std::vector<Times>{{33, 65}, {97, 129}}));
}

TEST(UbPorts, TheOlderRequestGoesFirstAndAChunkIsNeverInterrupted) {
  const Grants grants = run(with_ports(1, 1), {{Unit::kActivation, {{3, kWrite32}, {0, {4, 0, 1}}}},
                                               {Unit::kDmaIn, {{4, {8, 0, 1}}}}});
  EXPECT_EQ(grants.at(Unit::kActivation), (std::vector<Times>{{4, 36}, {44, 48}}));
  EXPECT_EQ(grants.at(Unit::kDmaIn), (std::vector<Times>{{36, 44}}));
}

TEST(UbPorts, ReadsAndWritesDoNotMeet) {
  const Grants grants =
      run(with_ports(1, 1), {{Unit::kDmaIn, {{0, kWrite32}}}, {Unit::kDmaOut, {{0, kRead32}}}});
  EXPECT_EQ(grants.at(Unit::kDmaIn), (std::vector<Times>{{1, 33}}));
  EXPECT_EQ(grants.at(Unit::kDmaOut), (std::vector<Times>{{1, 33}}));
}

TEST(UbPorts, ARowOfTwoReadsTakesTwoPortsOrTwoCycles) {
  const Script add = {{Unit::kVector, {{0, {32, 2, 1}}}}};
  EXPECT_EQ(run(with_ports(1, 1), add).at(Unit::kVector), (std::vector<Times>{{1, 1 + 64}}));
  EXPECT_EQ(run(with_ports(2, 1), add).at(Unit::kVector), (std::vector<Times>{{1, 1 + 32}}));
  EXPECT_EQ(run(with_ports(4, 1), add).at(Unit::kVector), (std::vector<Times>{{1, 1 + 32}}));
  const Script write = {{Unit::kActivation, {{0, kWrite32}}}};
  EXPECT_EQ(run(with_ports(1, 4), write).at(Unit::kActivation), (std::vector<Times>{{1, 1 + 32}}));
  const Script three = {{Unit::kVector, {{0, {32, 3, 1}}}}};
  EXPECT_EQ(run(with_ports(2, 1), three).at(Unit::kVector), (std::vector<Times>{{1, 1 + 48}}));
}

TEST(UbPorts, ZeroPortsAreNoLimit) {
  const Script both = {{Unit::kDmaIn, {{4, {5'000, 0, 1}}, {1, {5'000, 0, 1}}}},
                       {Unit::kVector, {{4, {8, 2, 1}}}}};
  const Grants grants = run(with_ports(1, 0), both);
  EXPECT_EQ(grants.at(Unit::kDmaIn), (std::vector<Times>{{4, 4}, {5, 5}}));
  EXPECT_EQ(grants.at(Unit::kVector), (std::vector<Times>{{5, 5 + 16}}));
}

TEST(UbPorts, NobodyOvertakesARequestForBothDirections) {
  const Grants grants = run(with_ports(1, 1), {{Unit::kDmaOut, {{0, kRead32}}},
                                               {Unit::kVector, {{1, {8, 1, 1}}}},
                                               {Unit::kDmaIn, {{2, {8, 0, 1}}}}});
  EXPECT_EQ(grants.at(Unit::kDmaOut), (std::vector<Times>{{1, 33}}));
  EXPECT_EQ(grants.at(Unit::kVector), (std::vector<Times>{{33, 41}}));
  EXPECT_EQ(grants.at(Unit::kDmaIn), (std::vector<Times>{{41, 49}}));
}

class UbPortsRandom : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, UbPortsRandom, testing::Range<std::uint64_t>(1, 201));

TEST_P(UbPortsRandom, AgreesWithTheModelInAnyOrder) {
  std::mt19937_64 random(GetParam());
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  const isa::Machine machine = with_ports(pick(1, 3), pick(1, 3));
  const std::int64_t idle = pick(0, 1) * pick(0, 60);
  Script script;
  for (const Unit unit : {Unit::kDmaIn, Unit::kDmaOut, Unit::kActivation, Unit::kVector}) {
    for (std::int64_t n = pick(0, 40); n > 0; --n) {
      PortUse use{pick(1, UbPorts::kChunkRows), pick(0, 3), pick(0, 3)};
      if (use.reads + use.writes == 0) use.writes = 1;
      script[unit].push_back({pick(0, idle), use});
    }
  }
  const Grants expected = Naive(machine, script).run();
  for (const std::uint64_t shuffle : {0U, 1U, 2U, 3U}) {
    EXPECT_TRUE(run(machine, script, shuffle) == expected) << "shuffle " << shuffle;
  }
}

}  // namespace
}  // namespace systole::sim
