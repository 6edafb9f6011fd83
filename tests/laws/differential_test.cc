// Differential: a compiled graph computes what the reference evaluator does, on every engine,
// whatever the graph, its shapes and the machine. SYSTOLE_SEEDS=FIRST-LAST runs more than the seeds
// kept here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "compiler/compile.h"
#include "compiler/frontend/inline.h"
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

// --- bfloat16 ---

// Whether a matrix product reads a flattened image, whose k the machine takes in another order.
bool flattens(const compiler::Graph& graph) {
  bool images = false, matrices = false;
  for (const compiler::Node& node : graph.nodes) {
    images = images || graph.value(node.inputs[0]).shape.size() == 4;
    matrices = matrices || node.kind == compiler::OpKind::kMatmul;
  }
  return images && matrices;
}

// Largest difference of two outputs, as a share of the largest value.
double difference(const Tensors& a, const Tensors& b) {
  double most = 0.0, largest = 1e-30;
  for (const auto& [name, tensor] : b) {
    for (std::size_t i = 0; i < tensor.as<float>().size(); ++i) {
      const double y = tensor.as<float>()[i];
      most = std::max(most, std::abs(double{a.at(name).as<float>()[i]} - y));
      largest = std::max(largest, std::abs(y));
    }
  }
  return most / largest;
}

// Runs the graph in bfloat16 on every engine; nothing if it does not fit.
std::optional<Ran> check_floats(std::uint64_t seed) {
  SCOPED_TRACE(fmt::format("float seed {}", seed));
  const GraphCase one = random_float_case(seed);
  isa::Program program;
  try {
    program = compiler::compile(one.graph, one.machine, {.batches = one.batches});
  } catch (const InputError&) {
    return std::nullopt;
  }
  const compiler::Graph rounded =
      compiler::run_passes(one.graph, {&one.machine, false}, compiler::passes().front().id,
                           compiler::PassId::fold_constants);
  Shape shape = one.graph.value(one.graph.inputs[0]).shape;
  shape[0] *= one.batches;
  RandomChoice random(seed + 1);
  Tensor x(DType::kFloat32, shape);
  for (float& v : x.as<float>()) v = static_cast<float>(random.pick(-1200, 1200)) * 1e-3F;
  const Tensors expected = expected_of(rounded, x, one.batches);
  const Tensors inputs = {{"x", x}};
  const auto run = [&](sim::Engine engine) {
    sim::RunOptions options;
    options.engine = engine;
    return sim::run(program, one.machine, inputs, options);
  };
  const sim::RunResult func = run(sim::Engine::kFunc), cycle = run(sim::Engine::kCycle);
  expect_outputs(cycle.outputs, func.outputs, "cycle");
  expect_outputs(run(sim::Engine::kRegister).outputs, func.outputs, "register");
  if (!flattens(one.graph)) expect_outputs(func.outputs, expected, "evaluator");
  EXPECT_LT(difference(func.outputs, expected), 0x1p-5) << "from the evaluator that rounds";
  return Ran{cycle.report.total.cycles.value, cycle.report.total.passes};
}

TEST(Differential, FloatGraphsRoundAsTheEvaluatorIsTold) {
  std::int64_t ran = 0, with_products = 0, all = 0;
  for (std::uint64_t seed = 9'001; seed <= 9'120; ++seed, ++all) {
    const std::optional<Ran> one = check_floats(seed);
    ran += one ? 1 : 0;
    with_products += one && one->passes > 0 ? 1 : 0;
  }
  EXPECT_GE(2 * ran, all);
  EXPECT_GE(3 * with_products, all);
}

// Inline shapes on a preset: the bits of the evaluator that rounds, and near float32: each operand
// and the result are off by 2^-9 of themselves at most.
TEST(Differential, FloatLayersAreNearFloat32) {
  isa::Machine machine = isa::load_machine("tpu_v6e");
  machine.array_taps = 1;  // the evaluator cuts sums at each kernel position
  for (const char* model : {"gemm:16,300,20", "gemm:3,700,300", "conv:1,5,9,8,12,3,3,1,1",
                            "vadd:100", "mlp:60,80,10"}) {
    SCOPED_TRACE(model);
    compiler::LoadOptions load;
    load.inline_floats = true;
    const compiler::Graph graph = compiler::load_inline_shape(model, load);
    const isa::Program program = compiler::compile(graph, machine, {});
    const compiler::Graph rounded = compiler::run_passes(
        graph, {&machine, false}, compiler::passes().front().id, compiler::PassId::fold_constants);
    RandomChoice random(11);
    Tensors inputs;
    std::vector<Tensor> values;
    for (const compiler::ValueId id : graph.inputs) {
      Tensor x(DType::kFloat32, graph.value(id).shape);
      for (float& v : x.as<float>()) v = static_cast<float>(random.pick(-1000, 1000)) * 1e-3F;
      inputs[graph.value(id).name] = x;
      values.push_back(std::move(x));
    }
    const Tensors expected = {{"y", compiler::evaluate(rounded, values).front()}};
    for (const sim::Engine engine : {sim::Engine::kFunc, sim::Engine::kCycle}) {
      sim::RunOptions options;
      options.engine = engine;
      const Tensors found = sim::run(program, machine, inputs, options).outputs;
      expect_outputs(found, expected, std::string(sim::engine_name(engine)));
      EXPECT_LT(difference(found, {{"y", compiler::evaluate(graph, values).front()}}), 0x1p-7);
    }
  }
}

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
