// A tee forwards every event that a probe can be told, to those who want it.
#include "traces/sinks/tee.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace systole::traces {
namespace {

class Listener : public sim::Probe {
 public:
  explicit Listener(bool wants) : wants_(wants) {}
#define SYSTOLE_PROBE_EVENT(name, wanted, parameters, arguments)      \
  [[nodiscard]] bool wants_##name() const override { return wants_; } \
  void name parameters override { ++heard[#name]; }
#include "sim/kernel/probe_events.def"

  std::map<std::string, int> heard;

 private:
  bool wants_;
};

class NoArray : public ArrayView {
 public:
  [[nodiscard]] std::int64_t rows() const override { return 0; }
  [[nodiscard]] std::int64_t columns() const override { return 0; }
  [[nodiscard]] std::int32_t value(sim::Plane, std::int64_t, std::int64_t) const override {
    return 0;
  }
};

TEST(Tee, ForwardsEveryEventToThoseWhoWantIt) {
  Listener all(true), none(false);
  Tee tee({&all, nullptr, &none});
  const NoArray view;
  tee.slice({});
  tee.counter("level", CyclePoint(1), 2);
  tee.instruction({});
  tee.array(CyclePoint(1), view);
  const std::map<std::string, int> once = {
#define SYSTOLE_PROBE_EVENT(name, wanted, parameters, arguments) {#name, 1},
#include "sim/kernel/probe_events.def"
  };
  EXPECT_EQ(all.heard, once);
  EXPECT_TRUE(none.heard.empty());
}

TEST(Tee, WantsWhatAnyOfThemWants) {
  Listener all(true), none(false);
#define SYSTOLE_PROBE_EVENT(name, wanted, parameters, arguments) \
  EXPECT_TRUE(Tee({&none, &all}).wants_##name());                \
  EXPECT_FALSE(Tee({&none}).wants_##name());
#include "sim/kernel/probe_events.def"
}

}  // namespace
}  // namespace systole::traces
