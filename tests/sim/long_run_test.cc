// Long runs: memory does not grow with time, and every unit is at work in them.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/support/sim_bench.h"

namespace systole::sim {
namespace {

// Peak resident memory of this process so far.
std::int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1'024;
}

constexpr std::int64_t kRows = 2'000;  // of a pass: nothing else in the loop takes longer

// A loop of all units so many times; returns the cycles it took.
std::int64_t run_loop(std::int64_t times, std::int64_t rows = kRows, Probe* probe = nullptr) {
  isa::Machine m = bench_machine();
  m.sequencer_delivery = isa::Delivery::kLink;
  m.dram_kind = isa::DramKind::kBanked;
  SimBench bench(m);
  const std::vector<isa::Insn> body = {read_host(8, 8),
                                       read_weights(),
                                       sync(isa::Unit::kMatrix, isa::Unit::kDmaIn),
                                       matmul(rows, true),
                                       sync(isa::Unit::kActivation, isa::Unit::kMatrix, 1),
                                       activate(40, 4, isa::type::kU8),
                                       sync(isa::Unit::kDmaOut, isa::Unit::kActivation, 1),
                                       write_host(8, 8)};
  bench.add_plain(isa::Repeat{times, std::ssize(body)});
  for (const isa::Insn& insn : body) bench.add_plain(insn);
  return bench.run(probe).total.cycles.value;
}

TEST(LongRun, MemoryDoesNotGrowWithTime) {
  EXPECT_GE(run_loop(10'000'000 / kRows), 10'000'000);
  const std::int64_t before = peak_bytes();
  EXPECT_GE(run_loop(1'000'000'000 / kRows), 1'000'000'000);
  EXPECT_LE(peak_bytes(), before + (1 << 20));
}

// Hears of everything and keeps nothing.
class Listener : public Probe {
 public:
  [[nodiscard]] bool wants_instruction() const override { return true; }
  void counter(std::string_view, CyclePoint, std::int64_t) override { ++heard; }
  std::int64_t heard = 0;
};

TEST(LongRun, MemoryDoesNotGrowWithEventsThatAreTold) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the address sanitizer keeps what was freed, up to 256 MB of it";
#endif
  Listener few, many;
  run_loop(5'000, 8, &few);
  const std::int64_t before = peak_bytes();
  run_loop(100'000, 8, &many);
  EXPECT_LE(peak_bytes(), before + (3 << 20));
  EXPECT_GT(few.heard, 10'000);
  EXPECT_GT(many.heard, 15 * few.heard);
}

}  // namespace
}  // namespace systole::sim
