// Law 5: a faster memory or link never makes a program slower where no port, channel or link is
// shared; elsewhere in-order sharing may reorder grants, by no more than 1 %. Machines that differ
// in nothing relevant take equal cycles.
#include <gtest/gtest.h>

#include "compiler/compile.h"
#include "compiler/load.h"
#include "tests/laws/law_support.h"

namespace systole::laws {
namespace {

struct Change {
  const char* name;
  void (*apply)(isa::Machine&);
};
constexpr Change kFaster[] = {
    {"memory bandwidth", [](isa::Machine& m) { m.dram_bytes_per_second *= 2; }},
    {"memory latency", [](isa::Machine& m) { m.dram_latency = (m.dram_latency + 1) / 2; }},
    {"link in", [](isa::Machine& m) { m.link_in_bytes_per_second *= 2; }},
    {"link out", [](isa::Machine& m) { m.link_out_bytes_per_second *= 2; }},
    {"link latency", [](isa::Machine& m) { m.link_latency = (m.link_latency + 1) / 2; }},
};

// A port for every unit, instructions off the link: nobody shares anything.
void share_nothing(isa::Machine& m) {
  m.unified_buffer_read_ports = m.unified_buffer_write_ports = isa::kUnitKinds;
  m.sequencer_delivery = isa::Delivery::kPreloaded;
}

std::int64_t cycles(const RandomCase& c) {
  return run(c, {.timing_only = true}).report.total.cycles.value;
}

class Law5 : public testing::TestWithParam<std::uint64_t> {
 protected:
  Law5() : trace_("random_case seed " + std::to_string(GetParam())) {}
  std::string trace_;
};

TEST_P(Law5, FasterIsNeverSlowerWhereNothingIsShared) {
  SCOPED_TRACE(trace_);
  RandomCase c = random_case(GetParam());
  share_nothing(c.machine);
  const std::int64_t before = cycles(c);
  for (const Change& change : kFaster) {
    RandomCase faster = c;
    change.apply(faster.machine);
    EXPECT_LE(cycles(faster), before) << change.name;
  }
}

TEST_P(Law5, WhatIsNotUsedDoesNotMatter) {
  SCOPED_TRACE(trace_);
  RandomCase c = random_case(GetParam());
  const std::int64_t before = cycles(c);
  isa::Machine& m = c.machine;
  m.name = "another";
  m.dram_bytes *= 2;
  m.unified_buffer_bytes *= 2;
  m.accumulators_rows *= 2;
  m.parameters_rows *= 2;
  m.host_bytes_per_second *= 2;
  m.sequencer_buffer_bytes *= m.sequencer_delivery == isa::Delivery::kPreloaded ? 2 : 1;
  if (m.dram_kind == isa::DramKind::kSimple) {
    m.dram_channels *= 2;
    m.dram_trcd *= 2;
    m.dram_trefi *= 2;
  }
  EXPECT_EQ(cycles(c), before);
}

INSTANTIATE_TEST_SUITE_P(Random, Law5, testing::Range<std::uint64_t>(5'001, 5'101));

// Where ports, the link and the channels of weight memory are shared.
TEST(Law5Shared, FasterIsSlowerByOnePercentAtMost) {
  for (const char* model : {"gemm:200,2048,2048", "mlp:784,512,10", "gemm:1000,300,700"}) {
    compiler::CompileOptions options;
    options.timing_only = true;
    options.batches = 3;
    const isa::Machine machine = isa::load_machine("tpu_v1");
    const RandomCase c{
        machine, compiler::compile(compiler::load_model(model, {}), machine, options), {}};
    const std::int64_t before = cycles(c);
    for (const Change& change : kFaster) {
      RandomCase faster = c;
      change.apply(faster.machine);
      EXPECT_LE(cycles(faster), before + before / 100) << model << ", " << change.name;
    }
  }
}

}  // namespace
}  // namespace systole::laws
