// Quantities: every form people write, and what is none.
#include "isa/quantity.h"

#include <gtest/gtest.h>

namespace systole::isa {
namespace {

struct Case {
  const char *text, *unit;
  std::int64_t value;
};

TEST(Quantity, ReadsWhatPeopleWrite) {
  for (const Case& c : {Case{"128", "rows", 128},
                        {"-3", "rows", -3},
                        {"128 rows", "rows", 128},
                        {"1e2", "rows", 100},
                        {"1.5GHz", "Hz", 1'500'000'000},
                        {"1.5 GHz", "Hz", 1'500'000'000},
                        {"700mhz", "Hz", 700'000'000},
                        {"0.7G", "Hz", 700'000'000},
                        {"1e9", "Hz", 1'000'000'000},
                        {"300GB/s", "B/s", 300'000'000'000},
                        {"34.128GB/s", "B/s", 34'128'000'000},
                        {"15.032385536 GB/s", "B/s", 15'032'385'536},
                        {"1.2T", "B/s", 1'200'000'000'000},
                        {"2GiB/s", "B/s", std::int64_t{1} << 31},
                        {"24MiB", "B", 25'165'824},
                        {"24Mi", "B", 25'165'824},
                        {"64kB", "B", 64'000},
                        {"64KB", "B", 64'000},
                        {"64KiB", "B", 65'536},
                        {"8 GiB", "B", std::int64_t{1} << 33},
                        {"13.09ns", "ps", 13'090},
                        {"7.8us", "ps", 7'800'000},
                        {"5us", "ns", 5'000},
                        {"0.001s", "ns", 1'000'000}}) {
    EXPECT_EQ(parse_quantity(c.text, c.unit), c.value) << c.text;
  }
}

TEST(Quantity, RefusesWhatIsNoWholeNumberOfTheUnit) {
  for (const Case& c : {Case{"", "rows", 0},
                        {"many", "rows", 0},
                        {"8.5", "rows", 0},
                        {"1.5", "B", 0},
                        {"0x10", "rows", 0},
                        {"nan", "Hz", 0},
                        {"inf", "Hz", 0},
                        {"1e30", "Hz", 0},
                        {"99999999999999999999", "rows", 0},
                        {"1.5GHz", "B", 0},
                        {"300Gb/s", "B/s", 0},  // bits
                        {"300GBps", "B/s", 0},
                        {"24MiB", "B/s", 0},
                        {"2x", "rows", 0},
                        {"1  GHz", "Hz", 0},
                        {"0.5ps", "ps", 0},
                        {"700m", "Hz", 0},  // mega or milli?
                        {"5GHz!", "Hz", 0}}) {
    EXPECT_EQ(parse_quantity(c.text, c.unit), std::nullopt) << c.text;
  }
}

}  // namespace
}  // namespace systole::isa
