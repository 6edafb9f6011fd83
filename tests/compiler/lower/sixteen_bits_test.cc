// 16-bit activations: random graphs of products with several terms, look-ups, limits and
// element-wise operations compute what the reference evaluator computes, and the passes that make
// such graphs keep the written meaning.
#include <gmock/gmock-matchers.h>

#include <cmath>

#include "base/numerics.h"
#include "compiler/compile.h"
#include "compiler/passes/make_look_ups.h"
#include "compiler/pipeline.h"
#include "isa/verify.h"
#include "tests/compiler/frontend/onnx_text.h"
#include "tests/compiler/random_graph.h"

namespace systole::compiler {
namespace {

using ::testing::ElementsAre;

Quant short_quant(Random& random) {
  const float scale = 0.001F + static_cast<float>(random() % 1000) * 1e-5F;
  return {{scale}, {static_cast<std::int32_t>(pick(random, -300, 300))}, 0, DType::kInt16};
}

// Layers of products of all values so far, functions of them and sums of them.
class ShortGraph {
 public:
  ShortGraph(Random& random, std::int64_t batch) : random_(random) {
    graph_.name = "short";
    quant_ = short_quant(random);
    graph_.inputs = {value({batch, pick(random, 1, 40)})};
    values_ = graph_.inputs;
  }

  Graph grow() {
    for (std::int64_t i = pick(random_, 1, 4); i > 0; --i) {
      product();
      if (random_() % 2 == 0) look_up();
      if (random_() % 2 == 0) clip();
      if (random_() % 2 == 0) sum();
    }
    graph_.outputs = {values_.back()};
    return std::move(graph_);
  }

 private:
  // All values share one quantisation, as the terms of a product must.
  ValueId value(Shape shape) {
    const std::string name = "v" + std::to_string(graph_.values.size());
    return graph_.add_value({name, DType::kInt16, std::move(shape), {}});
  }

  void add(OpKind kind, std::vector<ValueId> inputs, Attrs attrs, ValueId out) {
    const std::string name = "n" + std::to_string(graph_.nodes.size());
    graph_.nodes.push_back({kind, name, "test", std::move(inputs), {out}, std::move(attrs)});
    values_.push_back(out);
  }

  void product() {
    const std::int64_t columns = pick(random_, 1, 40);
    MatmulAttrs a;
    a.x_quant = a.output = quant_;
    a.w_quant = random_quant(random_, random_byte_type(random_), random_() % 2 == 0 ? 1 : columns);
    for (float& scale : a.w_quant->scales) scale *= 0.5F;  // results spread over some thousands
    a.lo = static_cast<std::int32_t>(pick(random_, -32'768, 0));
    a.hi = 32'767;
    if (random_() % 3 == 0) a.lookup = points();
    std::vector<ValueId> inputs;
    for (std::int64_t t = pick(random_, 1, 3); t > 0; --t) {
      const ValueId x = values_[random_() % values_.size()];
      const Shape shape = {graph_.value(x).shape[1], columns};
      inputs.push_back(x);
      inputs.push_back(constant(random_bytes(random_, a.w_quant->type, shape)));
    }
    if (random_() % 2 == 0) {
      Tensor bias(DType::kInt32, {columns});
      for (auto& b : bias.as<std::int32_t>())
        b = static_cast<std::int32_t>(pick(random_, -100'000, 100'000));
      inputs.push_back(constant(std::move(bias)));
    }
    const Shape shape = {graph_.value(graph_.inputs[0]).shape[0], columns};
    add(OpKind::kMatmul, std::move(inputs), a, value(shape));
  }

  ValueId constant(Tensor t) {
    const DType type = t.type;
    Shape shape = t.shape;
    const std::string name = "v" + std::to_string(graph_.values.size());
    return graph_.add_value({name, type, std::move(shape), std::move(t)});
  }

  TableAttrs points() {
    TableAttrs table;
    for (int i = 0; i < 257; ++i) table.points.push_back(static_cast<std::int16_t>(random_()));
    return table;
  }

  void look_up() {
    const ValueId x = values_.back();
    add(OpKind::kTable, {x}, points(), value(graph_.value(x).shape));
  }

  void clip() {
    const ValueId x = values_.back();
    MapAttrs a{MapFn::kClip, -1.5F, 20.0F, 0.0F, 0.0F, quant_, quant_};
    add(OpKind::kMap, {x}, a, value(graph_.value(x).shape));
  }

  void sum() {
    const ValueId x = values_.back();
    ZipAttrs a{static_cast<ZipFn>(random_() % 3), quant_, quant_, quant_, -32'768, 32'767};
    add(OpKind::kZip, {x, x}, a, value(graph_.value(x).shape));
  }

  Random& random_;
  Graph graph_;
  Quant quant_;
  std::vector<ValueId> values_;
};

TEST(SixteenBitGraphs, RandomGraphsComputeWhatTheEvaluatorComputes) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    isa::Machine machine = random_machine(random);
    machine.parameters_rows = pick(random, 300, 600);  // tables have 257 words
    machine.unified_buffer_bytes *= 4;
    const Graph graph = ShortGraph(random, pick(random, 1, 20)).grow();
    verify(graph);
    const ScheduleInfo& schedule = schedules().at(seed % schedules().size());
    const isa::Program program = compile(
        graph, machine, {.batches = pick(random, 1, 3), .schedule = std::string(schedule.name)});
    const auto findings = isa::verify(program, machine);
    ASSERT_TRUE(findings.empty()) << findings[0].text << "\n" << to_text(graph);
    expect_evaluators_bytes(graph, program, random);
    if (HasFailure()) {
      std::cerr << to_text(graph);
      return;
    }
  }
}

class SixteenBits : public OnnxText {
 protected:
  // p = x v, q = y w, both at the same scales; the body goes on from there to f.
  Graph fused(const std::string& body) {
    const std::string signature =
        "(int16[4,2] x, int16[4,2] y) => (int16[A,B] z) <float s = {0.0001}, int16 o = {0}, "
        "float t = {0.0005}, float vs = {0.01}, int8 vo = {0}, int8[2,3] v = {1,2,3,4,5,6}, "
        "int8[2,3] w = {-1,-2,-3,4,5,6}, float us = {0.02}, int32[3] b = {10,20,30}, "
        "float bs = {0.000001}, int32 bo = {0}>";
    const std::string head =
        "xr = DequantizeLinear(x, s, o) yr = DequantizeLinear(y, s, o) "
        "vr = DequantizeLinear(v, vs, vo) wr = DequantizeLinear(w, vs, vo) "
        "ur = DequantizeLinear(w, us, vo) br = DequantizeLinear(b, bs, bo) "
        "p = MatMul(xr, vr) q = MatMul(yr, wr) ";
    return make_look_ups(
        fuse_quantised(load(model(21, signature, head + body + " z = QuantizeLinear(f, t, o)"))));
  }

  static std::vector<OpKind> kinds(const Graph& graph) {
    std::vector<OpKind> list;
    for (const Node& node : graph.nodes) list.push_back(node.kind);
    return list;
  }
  static std::int64_t products(const Graph& graph) {
    const std::vector<OpKind> list = kinds(graph);
    return std::count(list.begin(), list.end(), OpKind::kMatmul);
  }
};

TEST_F(SixteenBits, ProductsOfOneQuantisationAreSummedAsIntegers) {
  const Graph g = fused("r = Add(p, q) f = Add(r, br)");
  ASSERT_THAT(kinds(g), ElementsAre(OpKind::kMatmul));
  EXPECT_EQ(term_count(g.nodes[0]), 2U);
  const std::vector<std::int16_t> x = {1000, -2000, 30'000, 7, 0, 5, -32'768, 32'767};
  const std::vector<std::int16_t> y = {-9, 8, 4000, -70, 12'000, 1, 2, 3};
  const std::vector<Tensor> inputs = {make_tensor<std::int16_t>({4, 2}, x),
                                      make_tensor<std::int16_t>({4, 2}, y)};
  const Tensor z = evaluate(g, inputs)[0];
  for (std::size_t i = 0; i < 12; ++i) {
    const std::size_t row = i / 3 * 2;
    const int column = static_cast<int>(i % 3);
    const int sum = x[row] * (1 + column) + x[row + 1] * (4 + column) - y[row] * (1 + column) +
                    y[row + 1] * (4 + column) + 10 * (1 + column);
    const float multiplier = 0.0001F * 0.01F / 0.0005F;
    EXPECT_EQ(z.as<std::int16_t>()[i], requantise(sum, multiplier, 0, -32'768, 32'767)) << i;
  }
}

TEST_F(SixteenBits, ProductsOfOtherQuantisationsAreNot) {
  const Graph g = fused("u = MatMul(yr, ur) r = Add(p, u) f = Add(r, br)");
  EXPECT_EQ(products(g), 2);
}

TEST_F(SixteenBits, AProductReadTwiceIsNotPartOfASum) {
  const Graph g = fused("r = Add(p, q) f = Mul(r, p)");
  EXPECT_EQ(products(g), 2);
}

// Tanh and Sigmoid between 257 points: as far off as a straight line is from them.
TEST_F(SixteenBits, FunctionsBehindAProductAreItsLookUp) {
  const Graph g = fused("r = QuantizeLinear(p, t, o) m = DequantizeLinear(r, t, o) f = Tanh(m)");
  ASSERT_THAT(kinds(g), ElementsAre(OpKind::kMatmul));
  EXPECT_EQ(std::get<MatmulAttrs>(g.nodes[0].attrs).lookup->points.size(), 257U);
}

TEST_F(SixteenBits, TablesAreCloseToTheirFunctions) {
  constexpr float kWide = 0x1p-12F, kUnit = 0x1p-15F;
  for (const MapFn fn : {MapFn::kTanh, MapFn::kSigmoid}) {
    Graph g;
    Tensor x(DType::kInt16, {65'536});
    for (int i = 0; i < 65'536; ++i)
      x.as<std::int16_t>()[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(i - 32'768);
    g.inputs = {g.add_value({"x", DType::kInt16, x.shape, {}})};
    g.outputs = {g.add_value({"y", DType::kInt16, x.shape, {}})};
    MapAttrs a{fn};
    a.x_quant = Quant{{kWide}, {0}, 0, DType::kInt16};
    a.output = Quant{{kUnit}, {0}, 0, DType::kInt16};
    g.nodes.push_back({OpKind::kMap, "f", "test", g.inputs, g.outputs, a});
    const Tensor exact = evaluate(g, {x})[0];
    const Graph table = make_look_ups(g);
    ASSERT_EQ(table.nodes[0].kind, OpKind::kTable);
    const Tensor looked_up = evaluate(table, {x})[0];
    int worst = 0;
    for (std::size_t i = 0; i < 65'536; ++i)
      worst =
          std::max(worst, std::abs(looked_up.as<std::int16_t>()[i] - exact.as<std::int16_t>()[i]));
    // A line over steps of h = 1/16 is off by at most h^2 / 8 times the largest second derivative.
    const double curvature = fn == MapFn::kTanh ? 0.770 : 0.0963;
    const int line = static_cast<int>(curvature / 256.0 / 8.0 * 32'768.0);
    EXPECT_LE(worst, line + 2);  // and by the rounding of points and result
    EXPECT_GE(worst, line - 1);
  }
}

}  // namespace
}  // namespace systole::compiler
