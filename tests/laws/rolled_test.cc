// Rolled code: long rows of equal jobs as repeats compute what the same jobs one after the other
// do, in the same cycles but for the decoding of repeat and step, and the verifier proves them from
// a few repetitions.
#include <gmock/gmock-more-matchers.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "compiler/compile.h"
#include "compiler/frontend/inline.h"
#include "isa/expand.h"
#include "isa/verify.h"
#include "sim/run.h"
#include "tests/laws/random_graph.h"
#include "tests/support/random_choice.h"

namespace systole::laws {
namespace {

using Tensors = std::map<std::string, Tensor>;

constexpr std::int64_t kAlways = 0, kNever = std::int64_t{1} << 60;
constexpr std::int64_t kBatches = 60;

bool has_repeat(const isa::Program& program) {
  return std::ranges::any_of(program.code, [](const isa::Insn& insn) {
    return std::holds_alternative<isa::Repeat>(insn);
  });
}

// The instructions as they are decoded; instead of repeat and step nops.
isa::Program flat(isa::Program program) {
  std::vector<isa::Insn> code;
  for (std::size_t pc = 0; pc < program.code.size(); ++pc) {
    const auto* repeat = std::get_if<isa::Repeat>(&program.code[pc]);
    code.push_back(repeat != nullptr ? isa::Insn(isa::Nop{}) : program.code[pc]);
    if (repeat == nullptr) continue;
    const std::size_t begin = pc + 1, end = begin + static_cast<std::size_t>(repeat->length);
    for (std::int64_t i = 0; i < repeat->count; ++i) {
      isa::StepBy step;
      for (pc = begin; pc < end; ++pc) {
        const auto* next = std::get_if<isa::StepBy>(&program.code[pc]);
        code.push_back(next != nullptr ? isa::Insn(isa::Nop{})
                                       : isa::stepped(program.code[pc], step, i));
        step = next != nullptr ? *next : isa::StepBy{};
      }
    }
    pc = end - 1;
  }
  program.code = std::move(code);
  return program;
}

void expect_same(const Tensors& found, const Tensors& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, tensor] : expected)
    EXPECT_TRUE(found.at(name).data == tensor.data) << name;
}

sim::RunResult run(const isa::Program& program, const Tensors& inputs, sim::Engine engine) {
  sim::RunOptions options;
  options.engine = engine;
  return sim::run(program, program.machine, inputs, options);
}

// Whether the graph's code was rolled; nothing if the machine has no room for it.
std::optional<bool> check_seed(std::uint64_t seed) {
  SCOPED_TRACE(fmt::format("seed {}", seed));
  GraphCase one = random_graph_case(seed, 5);
  one.machine.sequencer_delivery = isa::Delivery::kPreloaded;
  const auto compiled = [&](std::int64_t unrolled) {
    return compiler::compile(one.graph, one.machine, {.batches = kBatches, .unrolled = unrolled});
  };
  isa::Program rolled, whole;
  try {
    rolled = compiled(kAlways);
    whole = compiled(kNever);
  } catch (const InputError&) {
    return std::nullopt;
  }
  if (!has_repeat(rolled)) return false;
  EXPECT_THAT(isa::verify(rolled, one.machine), testing::IsEmpty());
  EXPECT_THAT(isa::verify(flat(rolled), one.machine), testing::IsEmpty());
  Shape shape = one.graph.value(one.graph.inputs[0]).shape;
  shape[0] *= kBatches;
  RandomChoice random(seed + 1);
  Tensor x(DType::kFloat32, shape);
  for (float& v : x.as<float>()) v = static_cast<float>(random.pick(-1200, 1200)) * 1e-3F;
  const Tensors inputs = {{"x", x}};
  const Tensors expected = run(whole, inputs, sim::Engine::kFunc).outputs;
  expect_same(run(rolled, inputs, sim::Engine::kFunc).outputs, expected);
  const sim::RunResult cycle = run(rolled, inputs, sim::Engine::kCycle);
  expect_same(cycle.outputs, expected);
  EXPECT_EQ(cycle.report.total.cycles,
            run(flat(rolled), inputs, sim::Engine::kCycle).report.total.cycles);
  return true;
}

TEST(Rolled, GraphsComputeWhatTheirJobsDoOneByOne) {
  std::int64_t ran = 0, rolled = 0;
  for (std::uint64_t seed = 21'001; seed <= 21'040; ++seed) {
    const std::optional<bool> one = check_seed(seed);
    ran += one ? 1 : 0;
    rolled += one.value_or(false) ? 1 : 0;
  }
  fmt::print("{} of {} graphs were rolled\n", rolled, ran);
  EXPECT_GE(2 * rolled, ran);
}

isa::Program compiled(const std::string& model, const std::string& machine,
                      compiler::CompileOptions options) {
  options.timing_only = true;
  return compiler::compile(compiler::load_inline_shape(model, {}), isa::load_machine(machine),
                           options);
}

std::int64_t cycles_of(const isa::Program& program) {
  sim::RunOptions options;
  options.timing_only = true;
  return sim::run(program, program.machine, {}, options).report.total.cycles.value;
}

// What is compiled and verified does not grow with the batches; nor do the weights of what repeats.
TEST(Rolled, CodeDoesNotGrowWithTheBatches) {
  const auto size = [](std::int64_t batches) {
    const isa::Program program = compiled("mlp:784,512,10", "tpu_v1", {.batches = batches});
    EXPECT_THAT(isa::verify(program, program.machine), testing::IsEmpty());
    return program.code.size();
  };
  EXPECT_LT(size(200'000), size(30'000) * 2);
}

// The prediction of all repetitions, from eight.
TEST(Rolled, PredictsWhatIsLeftOut) {
  for (const char* model : {"mlp:784,512,10", "conv:1,64,28,28,64,3,3,1,1"}) {
    const isa::Program rolled = compiled(model, "tpu_v1", {.batches = 200, .unrolled = kAlways});
    ASSERT_TRUE(has_repeat(rolled));
    std::int64_t predicted = 0;
    for (const isa::Layer& layer : rolled.layers) predicted += layer.predicted_cycles;
    const auto found = static_cast<double>(cycles_of(rolled));
    EXPECT_NEAR(static_cast<double>(predicted), found, found * 0.02) << model;
  }
}

}  // namespace
}  // namespace systole::laws
