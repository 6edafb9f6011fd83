// Periods: by hand, of programs that are known, and of machines of which one must not be slower.
#include "compare/targets/completions.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include "base/diag.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "sim/run.h"

namespace systole::compare {
namespace {

BatchCompletions completions_of(const std::string& model, const isa::Machine& machine,
                                std::int64_t batches, std::int64_t* end = nullptr,
                                std::int64_t unrolled = std::int64_t{1} << 60) {
  compiler::LoadOptions load;
  load.structure_only = true;
  load.batch = model.starts_with("mlp:") ? std::optional<std::int64_t>(16) : std::nullopt;
  const isa::Program program =
      compiler::compile(compiler::load_model(model, load), machine,
                        {.batches = batches, .timing_only = true, .unrolled = unrolled});
  CompletionProbe probe(program, machine);
  sim::RunOptions options;
  options.timing_only = true;
  options.probe = &probe;
  const auto report = sim::run(program, machine, {}, options).report;
  if (end != nullptr) *end = report.total.cycles.value;
  return probe.completions();
}

Period period_of(const std::string& model, const isa::Machine& machine) {
  return find_period([&](std::int64_t batches) { return completions_of(model, machine, batches); });
}

// Completions at cold, cold + step(1), cold + step(1) + step(2) ...
RunBatches stepping(std::int64_t cold, std::int64_t most, std::function<std::int64_t(int)> step) {
  return [=](std::int64_t batches) {
    if (batches > most) throw InputError("program", "is too long");
    BatchCompletions c(1);
    std::int64_t at = cold;
    for (int k = 1; k <= batches; ++k) c[0].push_back(at += step(k));
    return c;
  };
}

TEST(Period, IsOfTheCompletionsOfLateBatches) {
  for (const std::int64_t cold : {0, 1'000'000}) {
    const Period period = find_period(stepping(cold, 1'000, [](int) { return 10; }));
    EXPECT_EQ(period.cycles, 10.0);
    EXPECT_EQ(period.batches, 16);
    EXPECT_EQ(period.unsettled, 0.0);
  }
}

TEST(Period, IsOfTwiceTheBatchesWhereItHasNotSettled) {
  // (c[16] - c[8]) / 8 = 11 and (c[12] - c[8]) / 4 = 12.
  const auto step = [](int k) { return k <= 12 ? 12 : 10; };
  Period period = find_period(stepping(5, 1'000, step));
  EXPECT_EQ(period.batches, 32);
  EXPECT_EQ(period.cycles, 10.0);
  EXPECT_EQ(period.unsettled, 0.0);
  period = find_period(stepping(5, 20, step));  // where 32 do not fit
  EXPECT_EQ(period.batches, 16);
  EXPECT_EQ(period.cycles, 11.0);
  EXPECT_NEAR(period.unsettled, 1.0 / 11.0, 1e-12);
}

TEST(Period, IsOfFewerBatchesWhereAProgramIsRefused) {
  for (const std::int64_t most : {2, 4, 8}) {
    const Period period = find_period(stepping(99, most, [](int) { return 7; }));
    EXPECT_EQ(period.cycles, 7.0);
    EXPECT_EQ(period.batches, most);
  }
  EXPECT_THROW((void)find_period(stepping(0, 1, [](int) { return 7; })), InputError);
}

TEST(Period, AddsUpTheSegmentsOfAProgram) {
  EXPECT_EQ(cycles_between({{1, 11, 21, 31}, {100, 130, 160, 190}}, 2, 4), 10.0 + 30.0);
}

// 64 rows of 8 bytes leave over a link of a byte a cycle: 512 cycles a batch, and nothing else
// takes as long. The last completion is the program's end, but for its halt.
// In a repeat as well each batch has its completion.
TEST(Period, IsThatOfRolledBatches) {
  const isa::Machine machine = isa::load_machine("tpu_v1");
  constexpr std::int64_t kMany = 200;
  const auto rolled = completions_of("mlp:784,512,10", machine, kMany, nullptr, 0);
  const auto whole = completions_of("mlp:784,512,10", machine, kMany);
  ASSERT_EQ(rolled.size(), 1U);
  for (std::size_t b = 1; b < kMany; ++b) EXPECT_GT(rolled[0][b], rolled[0][b - 1]) << b;
  EXPECT_NEAR(cycles_between(rolled, kMany / 2, kMany), cycles_between(whole, kMany / 2, kMany),
              cycles_between(whole, kMany / 2, kMany) * 0.001);
}

TEST(Period, IsThatOfTheLinkWhereThatBounds) {
  isa::Machine machine = isa::load_machine("tiny_8");
  machine.link_out_bytes_per_second = machine.clock_hertz;
  const Period period = period_of("gemm:64,8,8", machine);
  EXPECT_EQ(period.cycles, 512.0);
  EXPECT_EQ(period.batches, 16);
  std::int64_t end = 0;
  const auto all = completions_of("gemm:64,8,8", machine, 16, &end);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(std::ranges::is_sorted(all[0]));
  EXPECT_GE(end, all[0].back());
  EXPECT_LE(end - all[0].back(), 4);
  EXPECT_GT(all[0].front(), period.cycles);  // the first also waits for weights and input
}

// What leaves the cold start out cannot charge it: memory of nine times the bandwidth is never
// slower, whatever it does to the first batch.
TEST(Period, OfAFasterMemoryIsNeverLonger) {
  for (const char* name : {"tpu_v1", "tiny_8", "edge_64"}) {
    const isa::Machine machine = isa::load_machine(name);
    isa::Machine faster = machine;
    isa::set_parameter(faster, "dram.bytes_per_second=9x");
    for (const char* model :
         {"mlp:24,16,10", "mlp:784,512,10", "gemm:16,64,64", "gemm:64,256,256"}) {
      EXPECT_LE(period_of(model, faster).cycles, period_of(model, machine).cycles)
          << name << " " << model;
    }
  }
}

}  // namespace
}  // namespace systole::compare
