// The timeline in bounded memory: exact while it fits, then an outline whose sums stay exact.
#include "report/timeline.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace systole::report {
namespace {

sim::Slice slice(std::string_view track, std::string_view cls, std::int64_t begin,
                 std::int64_t end) {
  return {.track = track,
          .name = cls == "busy" ? "work" : cls,
          .cls = cls,
          .layer = "a",
          .begin = CyclePoint(begin),
          .end = CyclePoint(end),
          .insn = 7,
          .rows = 2,
          .bytes = -1};
}

TEST(Timeline, KeepsEverySliceWhileThereIsRoom) {
  Timeline timeline(3);
  timeline.slice(slice("matrix", "busy", 0, 5));
  timeline.slice(slice("matrix", "drain", 5, 6));
  timeline.slice(slice("dma_in", "busy", 2, 3));
  timeline.slice(slice("dma_in", "busy", 3, 3));  // nothing
  EXPECT_EQ(timeline.slices(), 3);
  EXPECT_EQ(timeline.grain(), CycleCount(1));
  ASSERT_EQ(timeline.lanes().size(), 2U);
  const Timeline::Piece& first = timeline.lanes()[0].pieces.at(0);
  EXPECT_EQ(first.begin, CyclePoint(0));
  EXPECT_EQ(first.end, CyclePoint(5));
  EXPECT_EQ(first.busy, CycleCount(5));
  EXPECT_EQ(first.insn, 7);
  EXPECT_EQ(timeline.names()[static_cast<std::size_t>(first.name)], "work");
  const Timeline::Piece& second = timeline.lanes()[0].pieces.at(1);
  EXPECT_EQ(second.waited, CycleCount(1));
  EXPECT_EQ(timeline.names()[static_cast<std::size_t>(second.name)], "drain");
}

// 0-1 and 1-3 lie in the grain 0-4, 3-5 over its end, 6-8 in the next one.
TEST(Timeline, JoinsWhatLiesInOneGrain) {
  Timeline timeline(2);
  timeline.slice(slice("matrix", "busy", 0, 1));
  timeline.slice(slice("matrix", "raw", 1, 3));
  timeline.slice(slice("matrix", "busy", 3, 5));
  EXPECT_EQ(timeline.grain(), CycleCount(4));
  const std::vector<Timeline::Piece>& pieces = timeline.lanes()[0].pieces;
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].slices, 2);
  EXPECT_EQ(pieces[0].end, CyclePoint(3));
  EXPECT_EQ(pieces[0].busy, CycleCount(1));
  EXPECT_EQ(pieces[0].waited, CycleCount(2));
  EXPECT_EQ(pieces[0].insn, -1);
  EXPECT_EQ(pieces[0].rows, 4);
  EXPECT_EQ(pieces[0].bytes, -1);
  EXPECT_EQ(timeline.names()[static_cast<std::size_t>(pieces[0].name)], "raw");
  EXPECT_EQ(pieces[1].slices, 1);
  EXPECT_EQ(pieces[1].insn, 7);
}

TEST(Timeline, OfALongRunIsShortAndItsSumsAreExact) {
  constexpr std::size_t kMost = 100;
  Timeline timeline(kMost);
  std::mt19937_64 random(5);
  std::map<std::string, std::int64_t> ends, busy, waited;
  constexpr int kSlices = 20'000;
  std::size_t most = 0;
  for (int i = 0; i < kSlices; ++i) {
    const std::string track = random() % 3 == 0 ? "matrix" : "vector";
    const std::int64_t begin = ends[track] + static_cast<std::int64_t>(random() % 2);
    const auto length = static_cast<std::int64_t>(1 + random() % 9);
    const bool works = random() % 2 == 0;
    timeline.slice(slice(track, works ? "busy" : "port", begin, begin + length));
    (works ? busy : waited)[track] += length;
    ends[track] = begin + length;
    std::size_t kept = 0;
    for (const Timeline::Lane& lane : timeline.lanes()) kept += lane.pieces.size();
    most = std::max(most, kept);
  }
  EXPECT_EQ(most, kMost);
  EXPECT_EQ(timeline.slices(), kSlices);
  for (const Timeline::Lane& lane : timeline.lanes()) {
    std::int64_t works = 0, waits = 0, slices = 0;
    CyclePoint end;
    for (const Timeline::Piece& piece : lane.pieces) {
      EXPECT_GE(piece.begin, end);
      EXPECT_LE(piece.busy + piece.waited, piece.end - piece.begin);
      end = piece.end;
      works += piece.busy.value;
      waits += piece.waited.value;
      slices += piece.slices;
    }
    EXPECT_EQ(works, busy[lane.track]);
    EXPECT_EQ(waits, waited[lane.track]);
    EXPECT_EQ(end, CyclePoint(ends[lane.track]));
    EXPECT_GT(slices, kSlices / 4);
    EXPECT_GT(lane.pieces.size(), kMost / 8);
  }
  EXPECT_LE(timeline.grain(), CycleCount(8'192));
}

}  // namespace
}  // namespace systole::report
