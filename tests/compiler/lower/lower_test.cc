// Lowering: random chains of quantised matmuls on random machines compile to programs that the
// verifier accepts and that compute exactly what the reference evaluator computes.
#include <gtest/gtest.h>

#include "compiler/compile.h"
#include "compiler/lower/layout.h"
#include "compiler/pipeline.h"
#include "isa/verify.h"
#include "tests/compiler/random_graph.h"

namespace systole::compiler {
namespace {

// Appends one integer matmul: random types, zero points, limits, bias; the last may stay int32.
void add_layer(Graph& graph, Random& random, std::int64_t columns, bool requantise) {
  const ValueId x = graph.nodes.empty() ? graph.inputs[0] : graph.nodes.back().outputs[0];
  const Shape x_shape = graph.value(x).shape;
  MatmulAttrs a;
  const Node* before = graph.nodes.empty() ? nullptr : &graph.nodes.back();
  a.x_quant = before != nullptr ? *std::get<MatmulAttrs>(before->attrs).output
                                : random_quant(random, graph.value(x).type, 1);
  const DType w_type = random_byte_type(random);
  a.w_quant = random_quant(random, w_type, random() % 2 == 0 ? 1 : columns);
  if (random() % 2 == 0) a.w_quant->zero_points.assign(a.w_quant->zero_points.size(), 0);
  const std::string name = "fc" + std::to_string(graph.nodes.size() + 1);
  Shape y_shape = x_shape;
  y_shape.back() = columns;
  Node node{OpKind::kMatmul, name, "test", {x}, {}, {}};
  node.inputs.push_back(graph.add_value({name + ".w",
                                         w_type,
                                         {x_shape.back(), columns},
                                         random_bytes(random, w_type, {x_shape.back(), columns})}));
  if (random() % 4 != 0) {
    Tensor bias(DType::kInt32, {columns});
    for (auto& b : bias.as<std::int32_t>())
      b = static_cast<std::int32_t>(pick(random, -50000, 50000));
    node.inputs.push_back(
        graph.add_value({name + ".b", DType::kInt32, {columns}, std::move(bias)}));
  }
  DType y_type = DType::kInt32;
  if (requantise) {
    y_type = random_byte_type(random);
    a.output = random_quant(random, y_type, 1);
    const std::int32_t low = y_type == DType::kUint8 ? 0 : -128;
    a.lo = random() % 2 == 0 ? low : a.output->zero_points[0];
    a.hi = low + 255;
  }
  node.outputs = {graph.add_value({name + ".y", y_type, y_shape, {}})};
  node.attrs = a;
  graph.nodes.push_back(std::move(node));
}

Graph random_chain(Random& random, std::int64_t batch) {
  Graph graph;
  graph.name = "chain";
  Shape shape = {batch};
  if (random() % 3 == 0) shape.push_back(pick(random, 1, 3));
  shape.push_back(pick(random, 1, 40));
  graph.inputs = {graph.add_value({"x", random_byte_type(random), shape, {}})};
  const std::int64_t layers = pick(random, 1, 4);
  for (std::int64_t i = 0; i < layers; ++i) {
    add_layer(graph, random, pick(random, 1, 40), i + 1 < layers || random() % 3 != 0);
  }
  graph.outputs = {graph.nodes.back().outputs[0]};
  return graph;
}

TEST(Lower, random_chains_compute_what_the_evaluator_computes) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const isa::Machine machine = random_machine(random);
    const std::int64_t batch = pick(random, 1, 30);
    const std::int64_t batches = pick(random, 1, 4);
    const Graph graph = random_chain(random, batch);
    const ScheduleInfo& schedule = schedules().at(seed % schedules().size());
    const isa::Program program =
        compile(graph, machine, {.batches = batches, .schedule = std::string(schedule.name)});
    const auto findings = isa::verify(program, machine);
    ASSERT_TRUE(findings.empty()) << findings[0].text;

    expect_evaluators_bytes(graph, program, random);
  }
}

TEST(Lower, macs_of_the_layers_are_the_models) {
  Random random(7);
  const Graph graph = random_chain(random, 6);
  const isa::Program program = compile(graph, random_machine(random), {.batches = 3});
  std::int64_t expected = 0;
  for (const Node& node : graph.nodes) {
    const Shape& w = graph.value(node.inputs[1]).shape;
    expected += element_count(graph.value(node.outputs[0]).shape) * w[0] * 3;
  }
  std::int64_t macs = 0;
  for (const isa::Layer& layer : program.layers) macs += layer.macs;
  EXPECT_EQ(macs, expected);
}

TEST(Lower, one_sample_over_the_unified_buffer_is_an_error_that_says_so) {
  Random random(3);
  Graph graph;
  graph.inputs = {graph.add_value({"x", DType::kUint8, {1, 4000}, {}})};
  add_layer(graph, random, 4, true);
  graph.outputs = {graph.nodes.back().outputs[0]};
  isa::Machine machine;
  machine.unified_buffer_bytes = 2048;
  try {
    (void)compile(graph, machine, {});
    FAIL() << "compiled";
  } catch (const InputError& e) {
    EXPECT_NE(std::string(e.what()).find("unified_buffer.bytes"), std::string::npos) << e.what();
  }
}

TEST(Lower, a_float_matmul_on_an_int8_machine_is_an_error_that_shows_the_command) {
  Graph graph;
  graph.inputs = {graph.add_value({"x", DType::kFloat32, {2, 3}, {}})};
  const ValueId w =
      graph.add_value({"w", DType::kFloat32, {3, 4}, Tensor(DType::kFloat32, {3, 4})});
  const ValueId y = graph.add_value({"y", DType::kFloat32, {2, 4}, {}});
  graph.nodes.push_back(
      {OpKind::kMatmul, "fc", "MatMul", {graph.inputs[0], w}, {y}, MatmulAttrs{}});
  graph.outputs = {y};
  try {
    (void)compile(graph, isa::Machine{}, {});
    FAIL() << "compiled";
  } catch (const InputError& e) {
    EXPECT_NE(std::string(e.what()).find("systole quantize"), std::string::npos) << e.what();
  }
  const isa::Program timed = compile(graph, isa::Machine{}, {.timing_only = true});
  EXPECT_EQ(isa::verify(timed, isa::Machine{}).size(), 0U);
}

TEST(Layout, cuts_never_straddle_a_block) {
  for (std::int64_t r = 2; r <= 20; ++r) {
    for (std::int64_t c = 1; c <= 20; ++c) {
      isa::Machine m;
      m.array_rows = r;
      m.array_columns = c;
      m.unified_buffer_row_bytes = std::max(r, c);
      const std::int64_t width = block_width(m, 1);
      std::int64_t at = 0;
      for (const Cut& piece : cut(97, width, c)) {
        EXPECT_EQ(piece.begin, at);
        EXPECT_EQ(piece.begin, piece.block * width + piece.lane);
        EXPECT_LE(piece.lane + piece.width, width);
        EXPECT_LE(piece.width, c);
        at += piece.width;
      }
      EXPECT_EQ(at, 97);
    }
  }
}

}  // namespace
}  // namespace systole::compiler
