// Differential: a compiled graph computes what the reference evaluator does, on every engine,
// whatever the graph, its shapes and the machine. SYSTOLE_SEEDS=FIRST-LAST runs more than the seeds
// kept here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "compiler/compile.h"
#include "compiler/pipeline.h"
#include "isa/program.h"
#include "sim/run.h"
#include "tests/laws/random_graph.h"
#include "tests/support/random_choice.h"

namespace systole::laws {
namespace {

constexpr std::uint64_t kFirst = 6'001, kLast = 6'060;
// Seeds that once failed, on the machine of the seed and on one with a small buffer.
constexpr std::initializer_list<std::uint64_t> kKept = {};
constexpr std::initializer_list<std::uint64_t> kKeptCramped = {10'063, 10'332, 10'812, 11'459};

using Tensors = std::map<std::string, Tensor>;

// What the evaluator makes of each batch, one after the other.
Tensors expected_of(const compiler::Graph& graph, const Tensor& x, std::int64_t batches) {
  const Shape& shape = graph.value(graph.inputs[0]).shape;
  Tensors all;
  for (std::int64_t b = 0; b < batches; ++b) {
    Tensor part(x.type, shape);
    std::copy_n(x.data.begin() + b * part.bytes(), part.bytes(), part.data.begin());
    const std::vector<Tensor> results = compiler::evaluate(graph, {part});
    for (std::size_t i = 0; i < results.size(); ++i) {
      Tensor& whole = all[graph.value(graph.outputs[i]).name];
      if (b == 0) {
        whole = results[i];
        whole.shape[0] *= batches;
      } else {
        whole.data.insert(whole.data.end(), results[i].data.begin(), results[i].data.end());
      }
    }
  }
  return all;
}

void expect_outputs(const Tensors& found, const Tensors& expected, const std::string& engine) {
  ASSERT_EQ(found.size(), expected.size()) << engine;
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(found.contains(name)) << engine << " " << name;
    EXPECT_EQ(found.at(name).shape, tensor.shape) << engine << " " << name;
    EXPECT_TRUE(found.at(name).data == tensor.data) << engine << ": values of " << name;
  }
}

// With a buffer in which few maps fit, so that they go in bands of lines and through host memory.
void shrink_buffer(isa::Machine& machine) {
  const std::int64_t row = machine.unified_buffer_row_bytes;
  const std::int64_t bytes = std::max<std::int64_t>(1024, machine.unified_buffer_bytes / 16);
  machine.unified_buffer_bytes = (bytes + row - 1) / row * row;
}

// Cycles of a graph, and passes of its products; nothing if the machine has no room for it.
struct Ran {
  std::int64_t cycles = 0, passes = 0;
  bool in_bands = false;
};
std::optional<Ran> check_seed(std::uint64_t seed, bool cramped = false) {
  constexpr std::int64_t kMostRegisterSteps = 200'000'000;  // cycles times processing elements
  SCOPED_TRACE(fmt::format("seed {}", seed));
  GraphCase one = random_graph_case(seed, cramped ? 40 : 9);
  if (cramped) shrink_buffer(one.machine);
  compiler::Compiled compiled;
  try {
    compiled = compiler::compile_explained(one.graph, one.machine, {.batches = one.batches});
  } catch (const InputError&) {
    return std::nullopt;
  }
  const isa::Program& program = compiled.program;
  const compiler::Graph integer = compiler::fuse_quantised(one.graph);
  Shape shape = integer.value(integer.inputs[0]).shape;
  shape[0] *= one.batches;
  RandomChoice random(seed + 1);
  Tensor x(DType::kFloat32, shape);
  for (float& v : x.as<float>()) v = static_cast<float>(random.pick(-1200, 1200)) * 1e-3F;
  const Tensors expected = expected_of(integer, x, one.batches);
  const Tensors inputs = {{"x", x}};
  const auto run = [&](sim::Engine engine) {
    sim::RunOptions options;
    options.engine = engine;
    const sim::RunResult result = sim::run(program, one.machine, inputs, options);
    expect_outputs(result.outputs, expected, std::string(sim::engine_name(engine)));
    const bool in_bands =
        std::ranges::any_of(compiled.explanation.segments,
                            [](const compiler::SegmentNote& note) { return note.bands > 1; });
    return Ran{result.report.total.cycles.value, result.report.total.passes, in_bands};
  };
  run(sim::Engine::kFunc);
  const Ran ran = run(sim::Engine::kCycle);
  if (ran.cycles * one.machine.r() * one.machine.c() < kMostRegisterSteps) {
    EXPECT_EQ(run(sim::Engine::kRegister).cycles, ran.cycles);
  }
  EXPECT_TRUE(isa::load_program(isa::save_program(program), "again") == program);
  return ran;
}

void check_seeds(std::uint64_t first, std::uint64_t last, bool cramped = false) {
  std::int64_t ran = 0, with_products = 0, passes = 0, cycles = 0, all = 0, in_bands = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed, ++all) {
    const std::optional<Ran> one = check_seed(seed, cramped);
    if (!one) continue;
    ++ran;
    in_bands += one->in_bands ? 1 : 0;
    with_products += one->passes > 0 ? 1 : 0;
    passes += one->passes;
    cycles += one->cycles;
  }
  fmt::print("{} of {} graphs ran, {} with products, {} in bands: {} passes, {} cycles\n", ran, all,
             with_products, in_bands, passes, cycles);
  if (cramped) {
    EXPECT_GE(8 * in_bands, all) << "many maps must be too large for the buffer";
  }
  EXPECT_GE(2 * ran, all) << "most graphs must fit their machines";
  EXPECT_GE(2 * with_products, all) << "most graphs must use the array";
}

TEST(Differential, EveryEngineComputesWhatTheEvaluatorDoes) { check_seeds(kFirst, kLast); }

TEST(Differential, MapsTooLargeForTheBufferAreComputedInBands) { check_seeds(kFirst, kLast, true); }

TEST(Differential, SeedsThatOnceFailed) {
  for (const std::uint64_t seed : kKept) EXPECT_TRUE(check_seed(seed).has_value()) << seed;
  for (const std::uint64_t seed : kKeptCramped)
    EXPECT_TRUE(check_seed(seed, true).has_value()) << seed;
}

TEST(Differential, SeedsAskedFor) {
  const char* asked = std::getenv("SYSTOLE_SEEDS");
  if (asked == nullptr) GTEST_SKIP() << "SYSTOLE_SEEDS=FIRST-LAST asks for more seeds";
  std::uint64_t first = 0, last = 0;
  ASSERT_EQ(std::sscanf(asked, "%lu-%lu", &first, &last), 2) << asked;
  check_seeds(first, last);
  check_seeds(first, last, true);
}

}  // namespace
}  // namespace systole::laws
