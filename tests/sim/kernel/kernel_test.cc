// Kernel: time, channels, milestones and the rate meter, to the exact cycle and in any order.
#include "sim/kernel/kernel.h"

#include <gtest/gtest.h>

#include <vector>

#include "sim/kernel/channel.h"
#include "sim/kernel/milestones.h"
#include "sim/kernel/rate_meter.h"

namespace systole::sim {
namespace {

using Times = std::vector<std::int64_t>;

Process tick(Kernel& kernel, std::int64_t period, Times& seen) {
  for (int i = 0; i < 3; ++i) {
    seen.push_back(kernel.now().value);
    co_await kernel.delay(CycleCount(period));
  }
}

TEST(Kernel, TimeJumpsToTheNextEvent) {
  Kernel kernel;
  Times seen;
  kernel.spawn(tick(kernel, 1'000'000'000, seen));
  kernel.run();
  EXPECT_EQ(seen, (Times{0, 1'000'000'000, 2'000'000'000}));
  EXPECT_EQ(kernel.now(), CyclePoint(3'000'000'000));
}

Process fail(Kernel& kernel) {
  co_await kernel.delay(CycleCount(1));
  throw InternalError("from a process");
}

TEST(Kernel, ExceptionsLeaveThroughRun) {
  Kernel kernel;
  kernel.spawn(fail(kernel));
  EXPECT_THROW(kernel.run(), InternalError);
}

Process produce(Kernel& kernel, Channel<int>& channel, int count, Times& pushed) {
  for (int i = 0; i < count; ++i) {
    co_await channel.writable();
    channel.push(i);
    pushed.push_back(kernel.now().value);
  }
}

// Reads an item whenever one is readable, then rests for `rest` cycles.
Process consume(Kernel& kernel, Channel<int>& channel, std::int64_t rest, Times& popped) {
  for (int expected = 0;; ++expected) {
    co_await channel.item();
    EXPECT_EQ(channel.front(), expected);
    channel.pop();
    popped.push_back(kernel.now().value);
    co_await kernel.delay(CycleCount(rest));
  }
}

// The order of processes within a cycle changes nothing.
class ChannelInAnyOrder : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, ChannelInAnyOrder, testing::Range<std::uint64_t>(0, 20));

TEST_P(ChannelInAnyOrder, PushIsReadableOneCycleLater) {
  Kernel kernel(GetParam());
  Channel<int> channel(kernel, 4);
  Times pushed, popped;
  kernel.spawn(produce(kernel, channel, 3, pushed));
  kernel.spawn(consume(kernel, channel, 0, popped));
  kernel.run();
  EXPECT_EQ(pushed, (Times{0, 0, 0}));
  EXPECT_EQ(popped, (Times{1, 1, 1}));
}

TEST_P(ChannelInAnyOrder, RoomIsUsableOneCycleLater) {
  Kernel kernel(GetParam());
  Channel<int> channel(kernel, 2);
  Times pushed, popped;
  kernel.spawn(produce(kernel, channel, 5, pushed));
  kernel.spawn(consume(kernel, channel, 3, popped));
  kernel.run();
  EXPECT_EQ(popped, (Times{1, 4, 7, 10, 13}));
  EXPECT_EQ(pushed, (Times{0, 0, 1 + 1, 4 + 1, 7 + 1}));
}

TEST_P(ChannelInAnyOrder, OneEntryTakesTurns) {
  Kernel kernel(GetParam());
  Channel<int> channel(kernel, 1);
  Times pushed, popped;
  kernel.spawn(produce(kernel, channel, 4, pushed));
  kernel.spawn(consume(kernel, channel, 0, popped));
  kernel.run();
  EXPECT_EQ(pushed, (Times{0, 2, 4, 6}));
  EXPECT_EQ(popped, (Times{1, 3, 5, 7}));
}

Process await_step(Kernel& kernel, Milestones& milestones, std::int64_t step, Times& seen) {
  co_await milestones.reach(step);
  seen.push_back(kernel.now().value);
}
Process post(Kernel& kernel, Milestones& milestones) {
  co_await kernel.delay(CycleCount(2));
  milestones.post({Instant(CyclePoint(9))});
  milestones.post({Instant(CyclePoint(9))});
  co_await kernel.delay(CycleCount(20));
  milestones.post({Instant(CyclePoint(22))});
}

TEST_P(ChannelInAnyOrder, MilestonesAreSeenInTheirCycle) {
  Kernel kernel(GetParam());
  Milestones milestones(kernel);
  Times none, first, second, third;
  kernel.spawn(await_step(kernel, milestones, 0, none));
  kernel.spawn(await_step(kernel, milestones, 1, first));
  kernel.spawn(await_step(kernel, milestones, 2, second));
  kernel.spawn(await_step(kernel, milestones, 3, third));
  kernel.spawn(post(kernel, milestones));
  kernel.run();
  EXPECT_EQ(none, Times{0});
  EXPECT_EQ(first, Times{9});
  EXPECT_EQ(second, Times{9});
  EXPECT_EQ(third, Times{22});
  EXPECT_EQ(milestones.count(), 3);
}

TEST(RateMeter, FractionsOfACycleAddUp) {
  RateMeter meter(1'000'000'000, 4'000'000'000);                   // 4 bytes a cycle
  EXPECT_EQ(meter.send(CyclePoint(0), Bytes(10)), CyclePoint(3));  // 2.5
  EXPECT_EQ(meter.free_in(), CyclePoint(2));
  EXPECT_EQ(meter.send(meter.free_in(), Bytes(10)), CyclePoint(5));
  EXPECT_EQ(meter.send(meter.free_in(), Bytes(10)), CyclePoint(8));  // 7.5
  EXPECT_EQ(meter.send(CyclePoint(100), Bytes(1)), CyclePoint(101));
}

TEST(RateMeter, BackToBackTransfersAverageTheRateExactly) {
  // TPU v1's PCIe link: 14 GiB/s at 700 MHz is no whole number of bytes a cycle.
  constexpr std::int64_t kClock = 700'000'000, kRate = 15'032'385'536;
  RateMeter meter(kClock, kRate);
  CyclePoint end;
  for (int i = 0; i < 100'000; ++i) end = meter.send(meter.free_in(), Bytes(784));
  const auto exact = ceil_div(std::int64_t{100'000} * 784 * (kClock / 256), kRate / 256);
  EXPECT_EQ(end, CyclePoint(exact));
}

TEST(RateMeter, HugeTransfersDoNotOverflow) {
  RateMeter meter(10'000'000'000, 1'000);
  EXPECT_EQ(meter.send(CyclePoint(0), Bytes(1'000'000'000)), CyclePoint(10'000'000'000'000'000));
}

}  // namespace
}  // namespace systole::sim
