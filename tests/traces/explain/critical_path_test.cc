// Paths of graphs made by hand.
#include "traces/explain/critical_path.h"

#include <gtest/gtest.h>

namespace systole::traces {
namespace {

using sim::Cause;
using sim::Causes;
using sim::Instant;
using sim::Resource;

Cause after(const Instant& from, Resource resource, std::int64_t cycles) {
  return {from, resource, CycleCount(cycles)};
}

CycleCount of(const ByResource& cycles, Resource resource) { return cycles[index(resource)]; }

TEST(CriticalPath, GoesBackThroughTheLatestCauses) {
  Causes causes;
  const Instant read = causes.after(after(Instant(), Resource::kLinkIn, 30), 1);
  const Instant tile = causes.after(after(Instant(), Resource::kMemory, 50), 1);
  const Instant start = causes.latest({read}, {tile}, 1);
  const Instant done = causes.after(after(start, Resource::kArray, 20), 2);
  causes.completes(done);
  const CriticalPath path = critical_path(causes, 3);
  EXPECT_EQ(path.cycles, CycleCount(70));
  ASSERT_EQ(path.pieces.size(), 2U);
  EXPECT_EQ(path.pieces[0].resource, Resource::kMemory);
  EXPECT_EQ(path.pieces[1].resource, Resource::kArray);
  EXPECT_EQ(of(path.by_resource, Resource::kMemory), CycleCount(50));
  EXPECT_EQ(path.by_layer[1], CycleCount(50));
  EXPECT_EQ(path.by_layer[2], CycleCount(20));
  EXPECT_EQ(of(path.also, Resource::kLinkIn), CycleCount(0));
}

TEST(CriticalPath, OfTiesTakesTheFirstResourceAndNamesTheOther) {
  Causes causes;
  const Instant tile = causes.after(after(Instant(), Resource::kMemory, 50), 1);
  const Instant read = causes.after(after(Instant(), Resource::kLinkIn, 50), 1);
  const Instant first = causes.after(after(read, Resource::kControl, 1), 1);
  const Instant both = causes.latest(after(tile, Resource::kControl, 1), {first}, 1);
  causes.completes(both);
  const CriticalPath path = critical_path(causes, 2);
  EXPECT_EQ(of(path.by_resource, Resource::kMemory) + of(path.by_resource, Resource::kLinkIn),
            CycleCount(50));
  EXPECT_EQ(of(path.also, Resource::kMemory) + of(path.also, Resource::kLinkIn), CycleCount(50));
}

// Asked for in the last cycle of what came before, decided a cycle later: no cycle of control.
TEST(CriticalPath, TakesBackWhatOverlaps) {
  Causes causes;
  const Instant chunk = causes.after(after(Instant(), Resource::kWritePort, 32), 1);
  const Instant asked = causes.after(after(chunk, Resource::kControl, -1), 1);
  const Instant begins = causes.after(after(asked, Resource::kControl, 1), 1);
  causes.completes(causes.after(after(begins, Resource::kWritePort, 8), 1));
  const CriticalPath path = critical_path(causes, 2);
  ASSERT_EQ(path.pieces.size(), 1U);
  EXPECT_EQ(of(path.by_resource, Resource::kWritePort), CycleCount(40));
}

TEST(CriticalPath, GivesWhatHasNoLayerToTheNext) {
  Causes causes;
  const Instant decoded = causes.after(after(Instant(), Resource::kDecode, 3), 0);
  const Instant work = causes.after(after(decoded, Resource::kArray, 4), 2);
  causes.completes(causes.after(after(work, Resource::kLinkOut, 5), 0));
  const CriticalPath path = critical_path(causes, 3);
  EXPECT_EQ(path.by_layer[0], CycleCount(0));
  EXPECT_EQ(path.by_layer[2], CycleCount(12));
}

TEST(CriticalPath, APartHasItsOwnSums) {
  Causes causes;
  const Instant read = causes.after(after(Instant(), Resource::kLinkIn, 100), 1);
  causes.completes(causes.after(after(read, Resource::kArray, 100), 1));
  const CriticalPath part = part_of(critical_path(causes, 2), CyclePoint(80), CyclePoint(120));
  EXPECT_EQ(part.cycles, CycleCount(40));
  EXPECT_EQ(of(part.by_resource, Resource::kLinkIn), CycleCount(20));
  EXPECT_EQ(of(part.by_resource, Resource::kArray), CycleCount(20));
}

TEST(CriticalPath, RootsAreWhatAGapWaitedFor) {
  Causes causes;
  const Instant tile = causes.after(after(Instant(), Resource::kMemory, 60), 1);
  const Instant shifted = causes.after(after(tile, Resource::kShift, 40), 1);
  causes.gap({CyclePoint(10), CyclePoint(60), shifted.moment, sim::Stall::kWeightStall});
  causes.gap({CyclePoint(60), CyclePoint(100), shifted.moment, sim::Stall::kWeightShift});
  causes.completes(shifted);
  const CriticalPath path = critical_path(causes, 2);
  const auto root = [&](sim::Stall stall, Resource resource) {
    return of(path.roots[static_cast<std::size_t>(stall)], resource);
  };
  EXPECT_EQ(root(sim::Stall::kWeightStall, Resource::kMemory), CycleCount(50));
  EXPECT_EQ(root(sim::Stall::kWeightStall, Resource::kShift), CycleCount(0));
  EXPECT_EQ(root(sim::Stall::kWeightShift, Resource::kShift), CycleCount(40));
}

}  // namespace
}  // namespace systole::traces
