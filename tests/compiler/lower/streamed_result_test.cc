// Results that leave column by column: jobs of more rows, the same values.
#include <gtest/gtest.h>

#include "compiler/compile.h"
#include "compiler/frontend/inline.h"
#include "compiler/pipeline.h"
#include "isa/verify.h"
#include "sim/run.h"
#include "tests/support/random_choice.h"

namespace systole::compiler {
namespace {

// A small array whose memory is slow beside it, so that tiles ought to be read seldom.
isa::Machine small_machine() {
  isa::Machine machine = isa::load_machine("tiny_8");
  machine.unified_buffer_bytes = std::int64_t{16} << 10;  // 2,048 rows of 8 bytes
  machine.accumulators_rows = 256;
  machine.dram_bytes_per_second = 10'000'000;
  return machine;
}

std::map<std::string, Tensor> outputs_of(const isa::Program& program, const Tensor& x,
                                         sim::Engine engine) {
  sim::RunOptions options;
  options.engine = engine;
  return sim::run(program, program.machine, {{"x", x}}, options).outputs;
}

class StreamedResult : public testing::TestWithParam<const char*> {};

// 300 rows of 6 and more blocks, and results of 20 and more: with all of them in the buffer a job
// has 70 rows or fewer, with four of them over 150.
TEST_P(StreamedResult, HasTheValuesOfALargeBuffer) {
  const isa::Machine machine = small_machine();
  isa::Machine large = machine;
  large.unified_buffer_bytes = std::int64_t{4} << 20;
  const Graph graph = load_inline_shape(GetParam(), {});
  const Compiled compiled = compile_explained(graph, machine, {});
  const auto& segments = compiled.explanation.segments;
  ASSERT_EQ(segments.size(), 1U);
  EXPECT_LE(segments.front().jobs, 3);
  EXPECT_TRUE(isa::verify(compiled.program, machine).empty());
  const Graph integer = fuse_quantised(graph);
  const Value& input = integer.value(integer.inputs[0]);
  Tensor x(input.type, input.shape);
  RandomChoice random(5);
  for (auto& byte : x.data) byte = static_cast<std::uint8_t>(random.pick(0, 255));
  const auto expected = outputs_of(compile(graph, large, {}), x, sim::Engine::kFunc);
  for (const sim::Engine engine : {sim::Engine::kFunc, sim::Engine::kCycle}) {
    const auto found = outputs_of(compiled.program, x, engine);
    ASSERT_EQ(found.size(), expected.size());
    for (const auto& [name, tensor] : expected) EXPECT_TRUE(found.at(name).data == tensor.data);
  }
}

INSTANTIATE_TEST_SUITE_P(Products, StreamedResult,
                         testing::Values("gemm:300,48,160", "gemm:299,50,203", "gemm:310,41,1000"));

}  // namespace
}  // namespace systole::compiler
