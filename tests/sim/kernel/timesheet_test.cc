// Timesheet: what is booked, and the slices that the probe hears of, field by field.
#include "sim/kernel/timesheet.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace systole::sim {
namespace {

// Keeps what it hears.
class Ears : public Probe {
 public:
  struct Heard {
    std::string track, name, cls, layer;
    std::int64_t begin, end, insn, rows, bytes;
    bool operator==(const Heard&) const = default;
  };
  void slice(const Slice& s) override {
    heard.push_back({std::string(s.track), std::string(s.name), std::string(s.cls),
                     std::string(s.layer), s.begin.value, s.end.value, s.insn, s.rows, s.bytes});
  }
  std::vector<Heard> heard;
};

TEST(Timesheet, WorkSaysWhatItMovesAndAWaitDoesNot) {
  Ears ears;
  Timesheet sheet("vector", &ears);
  const SliceLabel label{"copy", "first", 7, 30, 240};
  sheet.wait(CyclePoint(2), CyclePoint(5), "port", label);
  sheet.busy(CyclePoint(4), CyclePoint(9), label);  // from 5 on: 4 is booked
  const std::vector<Ears::Heard> expected = {{"vector", "port", "port", "first", 2, 5, 7, -1, -1},
                                             {"vector", "copy", "busy", "first", 5, 9, 7, 30, 240}};
  EXPECT_EQ(ears.heard, expected);
  EXPECT_EQ(sheet.busy(), CycleCount(4));
  EXPECT_EQ(sheet.booked(), CycleCount(7));
}

TEST(Timesheet, WhatIsBookedIsNotBookedAgain) {
  Ears ears;
  Timesheet sheet("vector", &ears);
  sheet.busy(CyclePoint(0), CyclePoint(9), {});
  sheet.wait(CyclePoint(3), CyclePoint(9), "port", {});
  EXPECT_EQ(ears.heard.size(), 1U);
  EXPECT_TRUE(sheet.waits().empty());
}

}  // namespace
}  // namespace systole::sim
