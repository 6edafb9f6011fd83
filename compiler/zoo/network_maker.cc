// Network maker: one function per layer.
#include "compiler/zoo/network_maker.h"

#include <algorithm>
#include <cmath>

#include "compiler/ir/onnx_names.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {

Signal NetworkMaker::input(const std::string& name, Shape dims) {
  constexpr float kMoment = 1.0F / 3.0F;
  dims.insert(dims.begin(), options_.batch);
  return {builder_.add_input(name, DType::kFloat32, std::move(dims)), kMoment};
}

Signal NetworkMaker::conv(const std::string& name, const Signal& x, const ConvShape& c,
                          float moment) {
  const Shape from = shape(x);
  const Shape w = {c.filters, from[1] / c.groups, c.kernel, c.kernel};
  builder_.begin_layer(name, "Conv");
  ConvAttrs attrs;
  attrs.groups = c.groups;
  const std::int64_t pad = c.kernel / 2;
  attrs.window = {{c.kernel, c.kernel}, {c.stride, c.stride}, {1, 1}, {pad, pad, pad, pad}};
  const Shape to = {from[0], c.filters, window_steps(from[2] + 2 * pad, c.kernel, c.stride, 1),
                    window_steps(from[3] + 2 * pad, c.kernel, c.stride, 1)};
  const std::vector<ValueId> inputs = {x.id, weights(name + ".weight", w, x.moment, moment),
                                       biases(name + ".bias", c.filters)};
  return named(builder_.emit(OpKind::kConv, inputs, DType::kFloat32, to, attrs), name, moment);
}

Signal NetworkMaker::dense(const std::string& name, const Signal& x, std::int64_t columns) {
  const Shape from = shape(x);
  builder_.begin_layer(name, "Gemm");
  const ValueId w = weights(name + ".weight", {from[1], columns}, x.moment, 1.0F);
  const std::vector<ValueId> inputs = {x.id, w, biases(name + ".bias", columns)};
  return named(
      builder_.emit(OpKind::kMatmul, inputs, DType::kFloat32, {from[0], columns}, MatmulAttrs{}),
      name, 1.0F);
}

Signal NetworkMaker::activate(const std::string& name, const Signal& x, Activation fn) {
  if (fn == Activation::kNone) return x;
  const bool six = fn == Activation::kRelu6;
  builder_.begin_layer(name, six ? "Clip" : "Relu");
  MapAttrs attrs{six ? MapFn::kClip : MapFn::kRelu};
  if (six) attrs.hi = 6.0F;
  return named(builder_.emit(OpKind::kMap, {x.id}, DType::kFloat32, Shape(shape(x)), attrs), name,
               x.moment / 2.0F);
}

Signal NetworkMaker::add(const std::string& name, const Signal& a, const Signal& b) {
  builder_.begin_layer(name, "Add");
  return named(
      builder_.emit(OpKind::kZip, {a.id, b.id}, DType::kFloat32, Shape(shape(a)), ZipAttrs{}), name,
      a.moment + b.moment);
}

// Of nine rectified values that hang together, the largest has about four times their moment and
// their average about as much.
static float pooled_moment(PoolFn fn, float moment) {
  switch (fn) {
    case PoolFn::kMax:
      return 4.0F * moment;
    case PoolFn::kAverage:
      return moment;
  }
  SYSTOLE_CHECK(false, "pool function {}", static_cast<int>(fn));
}

Signal NetworkMaker::pool(const std::string& name, const Signal& x, PoolFn fn,
                          std::int64_t stride) {
  builder_.begin_layer(name, onnx_operator(fn));
  PoolAttrs attrs;
  attrs.fn = fn;
  attrs.window = {{3, 3}, {stride, stride}, {1, 1}, {1, 1, 1, 1}};
  Shape to = shape(x);
  for (std::size_t d = 2; d < 4; ++d) to[d] = window_steps(to[d] + 2, 3, stride, 1);
  return named(builder_.emit(OpKind::kPool, {x.id}, DType::kFloat32, to, attrs), name,
               pooled_moment(fn, x.moment));
}

Signal NetworkMaker::concat(const std::string& name, const std::vector<Signal>& parts) {
  builder_.begin_layer(name, "Concat");
  std::vector<ValueId> inputs;
  Shape to = shape(parts[0]);
  to[1] = 0;
  float sum = 0.0F;
  for (const Signal& part : parts) {
    inputs.push_back(part.id);
    to[1] += channels(part);
    sum += part.moment * static_cast<float>(channels(part));
  }
  MoveAttrs attrs{MoveFn::kConcat};
  attrs.axis = 1;
  const float moment = sum / static_cast<float>(to[1]);
  return named(builder_.emit(OpKind::kMove, inputs, DType::kFloat32, to, attrs), name, moment);
}

Signal NetworkMaker::average(const Signal& x) {
  const Shape from = shape(x);
  builder_.begin_layer("pool", "GlobalAveragePool");
  PoolAttrs attrs;
  attrs.fn = PoolFn::kAverage;
  attrs.window.kernel = {from[2], from[3]};
  const ValueId pooled =
      builder_.emit(OpKind::kPool, {x.id}, DType::kFloat32, {from[0], from[1], 1, 1}, attrs);
  builder_.name_result(pooled, "pool");
  builder_.begin_layer("flatten", "Flatten");
  return named(builder_.reshape(pooled, {from[0], from[1]}), "flatten", x.moment / 2.0F);
}

Graph NetworkMaker::finish(const std::string& output, const Signal& x) {
  Graph graph = builder_.finish({{output, x.id}});
  graph.structure_only = options_.structure_only;
  return graph;
}

ValueId NetworkMaker::weights(const std::string& name, const Shape& shape, float from, float to) {
  if (options_.structure_only) {
    Tensor absent;
    absent.shape = shape;
    return builder_.add_constant(name, std::move(absent));
  }
  Tensor t(DType::kFloat32, shape);
  const bool matrix = shape.size() == 2;
  const std::int64_t fan_in = matrix ? shape[0] : extent(shape, 1, shape.size());
  const float range = std::sqrt(3.0F * to / (static_cast<float>(fan_in) * from));
  for (float& v : t.as<float>()) v = range * uniform();
  return builder_.add_constant(name, std::move(t));
}

ValueId NetworkMaker::biases(const std::string& name, std::int64_t count) {
  Tensor t(DType::kFloat32, {count});
  for (float& v : t.as<float>()) v = 0.1F * uniform();
  return builder_.add_constant(name, std::move(t));
}

}  // namespace systole::compiler
