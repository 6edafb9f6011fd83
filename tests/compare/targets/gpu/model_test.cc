// The walk over a graph, its places and layouts, and every generic kernel's body: whole models on
// the host's backend, equal to the reference evaluator in every bit.
#include "compare/targets/gpu/model.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/files.h"
#include "base/source.h"
#include "compare/targets/gpu/signed_graph.h"
#include "compiler/ir/graph_builder.h"
#include "compiler/load.h"
#include "compiler/pipeline.h"
#include "compiler/quantize/quantize.h"
#include "tests/compare/small_graphs.h"
#include "tests/compare/targets/gpu/host_backend.h"
#include "tests/support/scratch.h"

namespace systole::compare::gpu {
namespace {

using compiler::Graph;
using compiler::GraphBuilder;
using compiler::MapAttrs;
using compiler::MapFn;
using compiler::OpKind;
using compiler::Quant;
using compiler::ValueId;
using ::testing::HasSubstr;

Tensor random_input(const Graph& graph, std::uint64_t seed) {
  const compiler::Value& v = graph.value(graph.inputs[0]);
  Tensor t(v.type, v.shape);
  std::mt19937_64 random(seed);
  if (v.type == DType::kFloat32) {
    for (float& x : t.as<float>()) x = static_cast<float>(random() >> 40) / 8'388'608.0F - 1.0F;
  } else {
    for (std::uint8_t& x : t.data) x = static_cast<std::uint8_t>(random());
  }
  return t;
}

Tensor computed(const Graph& graph, Math math, const Tensor& input) {
  const std::unique_ptr<Backend> backend = host_backend();
  Model model(graph, math, *backend);
  const compiler::Value& v = graph.value(graph.outputs[0]);
  Tensor result(v.type, v.shape);
  model.run(input.data, result.data, false);
  return result;
}

void expect_equal(const Graph& graph, Math math, const Tensor& input) {
  const Tensor expected = compiler::evaluate(graph, {input})[0];
  EXPECT_EQ(computed(graph, math, input).data, expected.data) << graph.name;
}
void expect_equal(const Graph& graph, Math math) {
  expect_equal(graph, math, random_input(graph, 7));
}

// Whole numbers from -limit to limit: sums of few stay exact in 16 bits.
Tensor whole_numbers(Shape shape, std::uint64_t limit, std::uint64_t seed) {
  Tensor t(DType::kFloat32, std::move(shape));
  std::mt19937_64 random(seed);
  for (float& x : t.as<float>()) {
    x = static_cast<float>(random() % (2 * limit + 1)) - static_cast<float>(limit);
  }
  return t;
}

// A small network with every float op: [2, 3, 9, 8] to [2, 5].
Graph float_network(bool softmax) {
  GraphBuilder b;
  ValueId x = b.add_input("x", DType::kFloat32, {2, 3, 9, 8});
  b.begin_layer("conv", "Conv");
  compiler::ConvAttrs conv;
  conv.window.kernel = {3, 3};
  conv.window.pads = {1, 1, 1, 1};
  x = b.emit(OpKind::kConv,
             {x, b.add_constant("w", whole_numbers({6, 3, 3, 3}, 1, 1)),
              b.add_constant("b", whole_numbers({6}, 3, 2))},
             DType::kFloat32, {2, 6, 9, 8}, conv);
  x = b.emit(OpKind::kMap, {x}, DType::kFloat32, {2, 6, 9, 8}, MapAttrs{});  // fused
  b.begin_layer("pool", "MaxPool");
  compiler::PoolAttrs pool;
  pool.window = {.kernel = {3, 2}, .strides = {2, 2}, .dilations = {1, 1}, .pads = {1, 0, 1, 0}};
  x = b.emit(OpKind::kPool, {x}, DType::kFloat32, {2, 6, 5, 4}, pool);
  b.begin_layer("add", "Add");
  const ValueId per_channel = b.add_constant("c", whole_numbers({6, 1, 1}, 4, 3));
  const ValueId sum =
      b.emit(OpKind::kZip, {x, per_channel}, DType::kFloat32, {2, 6, 5, 4}, compiler::ZipAttrs{});
  x = b.emit(OpKind::kZip, {sum, x}, DType::kFloat32, {2, 6, 5, 4}, compiler::ZipAttrs{});
  b.begin_layer("clip", "Clip");
  x = b.emit(OpKind::kMap, {x}, DType::kFloat32, {2, 6, 5, 4}, MapAttrs{MapFn::kClip, -2.0F, 9.0F});
  b.begin_layer("mean", "AveragePool");
  compiler::PoolAttrs average;
  average.fn = compiler::PoolFn::kAverage;
  average.window = {.kernel = {2, 2}, .strides = {1, 2}, .dilations = {1, 1}, .pads = {}};
  x = b.emit(OpKind::kPool, {x}, DType::kFloat32, {2, 6, 4, 2}, average);
  x = b.reshape(x, {2, 48});
  b.begin_layer("fc", "Gemm");
  x = b.emit(OpKind::kMatmul, {x, b.add_constant("v", whole_numbers({48, 5}, 1, 4))},
             DType::kFloat32, {2, 5}, compiler::MatmulAttrs{});
  if (softmax) {
    b.begin_layer("softmax", "Softmax");
    x = b.emit(OpKind::kReduce, {x}, DType::kFloat32, {2, 5},
               compiler::ReduceAttrs{compiler::ReduceFn::kSoftmax, 1, 2});
  }
  Graph graph = b.finish({{"y", x}});
  graph.name = "float_network";
  return graph;
}

TEST(GpuModel, FloatNetworkEqualsTheEvaluator) {
  expect_equal(float_network(true), Math::kFp32, whole_numbers({2, 3, 9, 8}, 2, 5));
  expect_equal(float_network(true), Math::kTf32);
  expect_equal(float_chain_graph(3, 20, 7), Math::kFp32);
}

// Every value of this network is a multiple of 1/4 below 64: exact in both 16-bit types, whose
// pictures lie channels last.
TEST(GpuModel, SixteenBitsAndChannelsLastEqualTheEvaluator) {
  const Tensor input = whole_numbers({2, 3, 9, 8}, 1, 5);
  expect_equal(float_network(false), Math::kFp16, input);
  expect_equal(float_network(false), Math::kBf16, input);
}

TEST(GpuModel, IntegerProductsEqualTheEvaluator) {
  for (const char* model :
       {"gemm:5,70,33", "gemm:1,16,16", "mlp:20,30,10", "conv:2,3,9,8,5,3,3,2,1",
        "conv:1,16,6,6,8,1,1,1,0", "conv:2,4,7,7,6,1,1,2,0"}) {
    compiler::LoadOptions options;
    if (std::string(model).starts_with("mlp")) options.batch = 3;
    expect_equal(compiler::load_model(model, options), Math::kInt8);
  }
  expect_equal(integer_layer_graph(4, 40, 24, true), Math::kInt8);
  expect_equal(quantised_chain_graph(5, 30, 11), Math::kInt8);
}

// The trained network, quantised: convolutions, pools, tables and a softmax behind them.
TEST(GpuModel, QuantisedNetworkEqualsTheEvaluator) {
  const std::string path = source_path("models/fashion_cnn.onnx");
  Tensor samples(DType::kFloat32, {8, 1, 28, 28});
  std::mt19937_64 random(3);
  for (float& v : samples.as<float>()) v = static_cast<float>(random() % 256) / 255.0F;
  const testing_support::ScratchFolder scratch;
  const std::string file = scratch.file("quantised.onnx");
  write_file(file, compiler::quantize_model(path, samples));
  compiler::LoadOptions options;
  options.batch = 8;
  expect_equal(compiler::fuse_quantised(compiler::load_model(file, options)), Math::kInt8, samples);
  expect_equal(compiler::load_model(path, options), Math::kFp32, samples);
}

Quant quant(DType type, float scale, std::int32_t zero) { return {{scale}, {zero}, 0, type}; }

// u8 pictures through a quantised add with a broadcast constant, a table and an average.
Graph byte_network() {
  GraphBuilder b;
  const Quant in = quant(DType::kUint8, 0.02F, 100);
  const Quant out = quant(DType::kUint8, 0.05F, 30);
  ValueId x = b.add_input("x", DType::kUint8, {2, 3, 5, 4});
  b.begin_layer("add", "Add");
  Tensor bytes(DType::kUint8, {3, 1, 1});
  bytes.data = {3, 120, 250};
  x = b.emit(OpKind::kZip, {x, b.add_constant("c", bytes)}, DType::kUint8, {2, 3, 5, 4},
             compiler::ZipAttrs{compiler::ZipFn::kAdd, in, quant(DType::kUint8, 0.01F, 128), out,
                                10, 200});
  b.begin_layer("table", "Sigmoid");
  compiler::TableAttrs table;
  for (int i = 0; i < 256; ++i) table.entries.push_back(static_cast<std::uint8_t>(i * 7 + 3));
  x = b.emit(OpKind::kTable, {x}, DType::kUint8, {2, 3, 5, 4}, table);
  b.begin_layer("max", "MaxPool");
  compiler::PoolAttrs max;
  max.window = {.kernel = {2, 2}, .strides = {1, 1}, .dilations = {1, 1}, .pads = {0, 0, 1, 1}};
  x = b.emit(OpKind::kPool, {x}, DType::kUint8, {2, 3, 5, 4}, max);
  b.begin_layer("average", "AveragePool");
  compiler::PoolAttrs average;
  average.fn = compiler::PoolFn::kAverage;
  average.window = {.kernel = {3, 2}, .strides = {1, 2}, .dilations = {1, 1}, .pads = {1, 0, 1, 0}};
  average.x_quant = out;
  average.output = in;
  x = b.emit(OpKind::kPool, {x}, DType::kUint8, {2, 3, 5, 2}, average);
  Graph graph = b.finish({{"y", x}});
  graph.name = "byte_network";
  return graph;
}

TEST(GpuModel, BytesElementByElementEqualTheEvaluator) {
  expect_equal(byte_network(), Math::kInt8);
}

TEST(SignedGraph, GivesTheSameBytes) {
  for (const Graph& graph : {byte_network(), integer_layer_graph(4, 40, 24, true),
                             compiler::load_model("conv:2,3,9,8,5,3,3,2,1", {})}) {
    const Graph flipped = signed_graph(graph);
    for (const compiler::Node& node : flipped.nodes) {
      if (node.origin == "sign") continue;  // at the ends
      EXPECT_EQ(flipped.value(node.outputs[0]).type, DType::kInt8) << node.name;
    }
    const Tensor input = random_input(graph, 11);
    EXPECT_EQ(compiler::evaluate(flipped, {input})[0].data,
              compiler::evaluate(graph, {input})[0].data);
  }
}

// --- what a trace and a graph need ---

TEST(GpuModel, RecordedRunsGiveTheSameBytes) {
  const Graph graph = quantised_chain_graph(5, 30, 11);
  const std::unique_ptr<Backend> backend = host_backend();
  Model model(graph, Math::kInt8, *backend);
  const Tensor input = random_input(graph, 7);
  Tensor result(DType::kFloat32, {5, 11});
  model.run(input.data, result.data, true);
  EXPECT_EQ(result.data, compiler::evaluate(graph, {input})[0].data);
}

TEST(GpuModel, TracedLaunchesCarryTheirStep) {
  const Graph graph = float_chain_graph(3, 20, 7);
  const std::unique_ptr<Backend> backend = host_backend();
  Model model(graph, Math::kFp32, *backend);
  Tensor result(DType::kFloat32, {3, 7});
  backend->start_trace();
  model.run(random_input(graph, 7).data, result.data, false);
  const std::vector<Activity> activities = backend->finish_trace();
  ASSERT_EQ(activities.size(), 4U);  // copy in, product with relu, softmax, copy out
  EXPECT_EQ(activities[0].mark, -1);
  EXPECT_EQ(activities[1].mark, 0);
  EXPECT_EQ(activities[2].mark, 1);
  EXPECT_EQ(activities[3].mark, -1);
  EXPECT_EQ(model.steps().at(0).name, "fc");
  EXPECT_EQ(model.steps().at(0).op, "matmul");
  EXPECT_EQ(model.steps().at(1).op, "reduce");
}

// --- refusals ---

std::string refusal(const Graph& graph, Math math) {
  try {
    const std::unique_ptr<Backend> backend = host_backend();
    const Model model(graph, math, *backend);
    return {};
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(GpuModel, RefusesOtherOpsByName) {
  GraphBuilder b;
  const ValueId x = b.add_input("x", DType::kFloat32, {2, 3});
  b.begin_layer("both", "Concat");
  compiler::MoveAttrs concat;
  concat.fn = compiler::MoveFn::kConcat;
  concat.axis = 1;
  const ValueId y = b.emit(OpKind::kMove, {x, x}, DType::kFloat32, {2, 6}, concat);
  EXPECT_THAT(refusal(b.finish({{"y", y}}), Math::kFp32), HasSubstr("both: Concat (move)"));
}

TEST(GpuModel, RefusesUnevenPaddingOfFloatsAndComputedWeights) {
  GraphBuilder b;
  const ValueId x = b.add_input("x", DType::kFloat32, {1, 1, 4, 4});
  b.begin_layer("uneven", "Conv");
  compiler::ConvAttrs conv;
  conv.window.kernel = {2, 2};
  conv.window.pads = {0, 0, 1, 1};
  const ValueId y =
      b.emit(OpKind::kConv, {x, b.add_constant("w", whole_numbers({1, 1, 2, 2}, 1, 1))},
             DType::kFloat32, {1, 1, 4, 4}, conv);
  EXPECT_THAT(refusal(b.finish({{"y", y}}), Math::kFp32), HasSubstr("uneven: Conv (conv)"));

  GraphBuilder c;
  const ValueId z = c.add_input("z", DType::kFloat32, {3, 3});
  c.begin_layer("square", "MatMul");
  const ValueId s =
      c.emit(OpKind::kMatmul, {z, z}, DType::kFloat32, {3, 3}, compiler::MatmulAttrs{});
  EXPECT_THAT(refusal(c.finish({{"y", s}}), Math::kFp32), HasSubstr("'z' is computed"));
}

TEST(GpuModel, RefusesGroupsInIntegersAndModelsWithoutWeights) {
  Graph graph = compiler::load_model("conv:1,4,5,5,4,3,3,1,1", {});
  std::get<compiler::ConvAttrs>(graph.nodes[0].attrs).groups = 2;
  EXPECT_THAT(refusal(graph, Math::kInt8), HasSubstr("groups in integers"));
  graph.structure_only = true;
  EXPECT_THAT(refusal(graph, Math::kInt8), HasSubstr("a model without weights"));
}

}  // namespace
}  // namespace systole::compare::gpu
