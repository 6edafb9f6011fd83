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

// A loop of all units for about `cycles` cycles; returns those it took.
std::int64_t run_loop(std::int64_t cycles) {
  constexpr std::int64_t kRows = 2'000;  // a pass: nothing else in the loop takes longer
  isa::Machine m = bench_machine();
  m.sequencer_delivery = isa::Delivery::kLink;
  m.dram_kind = isa::DramKind::kBanked;
  SimBench bench(m);
  const std::vector<isa::Insn> body = {read_host(8, 8),
                                       read_weights(),
                                       sync(isa::Unit::kMatrix, isa::Unit::kDmaIn),
                                       matmul(kRows, true),
                                       sync(isa::Unit::kActivation, isa::Unit::kMatrix, 1),
                                       activate(40, 4, isa::type::kU8),
                                       sync(isa::Unit::kDmaOut, isa::Unit::kActivation, 1),
                                       write_host(8, 8)};
  bench.add_plain(isa::Repeat{cycles / kRows, std::ssize(body)});
  for (const isa::Insn& insn : body) bench.add_plain(insn);
  return bench.run().total.cycles.value;
}

TEST(LongRun, MemoryDoesNotGrowWithTime) {
  EXPECT_GE(run_loop(10'000'000), 10'000'000);
  const std::int64_t before = peak_bytes();
  EXPECT_GE(run_loop(1'000'000'000), 1'000'000'000);
  EXPECT_LE(peak_bytes(), before + (1 << 20));
}

}  // namespace
}  // namespace systole::sim
