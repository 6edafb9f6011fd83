// A graph grows by layers on what is there already; its ranges are those of one random input.
#include "tests/laws/random_graph.h"

#include <algorithm>
#include <map>

#include "compiler/ir/graph_builder.h"
#include "compiler/ir/shapes.h"
#include "compiler/passes/quantise_graph.h"
#include "compiler/passes/quantise_weights.h"
#include "tests/support/random_choice.h"

namespace systole::laws {
namespace {

using namespace compiler;

Tensor random_floats(RandomChoice& random, const Shape& shape) {
  Tensor t(DType::kFloat32, shape);
  for (float& x : t.as<float>()) x = static_cast<float>(random.pick(-1000, 1000)) * 1e-3F;
  return t;
}

class Grower {
 public:
  Grower(RandomChoice& random, std::int64_t largest_side)
      : random_(random), largest_side_(largest_side) {}

  Graph grow() {
    const bool image = random_.chance(65);
    batch_ = random_.pick(1, 4);
    const Shape shape = image ? Shape{batch_, random_.pick(1, 9), side(), side()}
                              : Shape{batch_, random_.pick(1, 40)};
    there_ = {builder_.add_input("x", DType::kFloat32, shape)};
    const std::int64_t layers = random_.pick(1, 7);
    for (layer_ = 0; layer_ < layers; ++layer_) {
      builder_.begin_layer(fmt::format("n{}", layer_), "test");
      const ValueId made = shape_of(there_.back()).size() == 4 ? image_layer() : row_layer();
      if (made != there_.back()) there_.push_back(made);
    }
    std::vector<std::pair<std::string, ValueId>> outputs = {{"y", there_.back()}};
    if (random_.chance(25)) outputs.emplace_back("z", random_.one_of(there_));
    return builder_.finish(outputs);
  }

 private:
  std::int64_t side() { return random_.pick(1, largest_side_); }
  [[nodiscard]] const Shape& shape_of(ValueId id) const { return builder_.value(id).shape; }
  ValueId constant(const char* what, const Shape& shape) {
    return builder_.add_constant(fmt::format("{}{}", what, layer_), random_floats(random_, shape));
  }
  ValueId emit(OpKind kind, std::vector<ValueId> inputs, Shape shape, Attrs attrs) {
    return builder_.emit(kind, std::move(inputs), DType::kFloat32, std::move(shape),
                         std::move(attrs));
  }

  ValueId image_layer() {
    switch (random_.pick(0, 9)) {
      case 0:
      case 1:
      case 2:
        return convolution();
      case 3:
        return pool();
      case 4:
        return flatten();
      case 5:
        return pad();
      case 6:
        return transpose();
      default:
        return any_layer(1);
    }
  }

  ValueId row_layer() {
    switch (random_.pick(0, 6)) {
      case 0:
      case 1:
      case 2:
        return product();
      case 3:
        return softmax();
      default:
        return any_layer(shape_of(there_.back()).size() - 1);
    }
  }

  ValueId any_layer(std::size_t channel_axis) {
    switch (random_.pick(0, 3)) {
      case 0:
      case 1:
        return map();
      case 2:
        return zip(channel_axis);
      default:
        return concat(channel_axis);
    }
  }

  std::optional<Window> window(const Shape& x, std::int64_t most, std::int64_t reach) {
    Window w;
    for (std::size_t d = 0; d < 2; ++d) {
      w.kernel[d] = random_.pick(1, most);
      w.strides[d] = random_.pick(1, 3);
      w.dilations[d] = random_.chance(20) ? random_.pick(1, reach) : 1;
      const std::int64_t last = (w.kernel[d] - 1) * w.dilations[d];
      w.pads[d] = std::min(last, random_.pick(0, 2));
      w.pads[d + 2] = std::min(last, random_.pick(0, 2));
      const std::int64_t length = x[d + 2] + w.pads[d] + w.pads[d + 2];
      if (window_steps(length, w.kernel[d], w.strides[d], w.dilations[d]) < 1) return std::nullopt;
    }
    return w;
  }
  static Shape walked(const Shape& x, std::int64_t channels, const Window& w) {
    Shape y = {x[0], channels, 0, 0};
    for (std::size_t d = 0; d < 2; ++d) {
      y[d + 2] = window_steps(x[d + 2] + w.pads[d] + w.pads[d + 2], w.kernel[d], w.strides[d],
                              w.dilations[d]);
    }
    return y;
  }

  ValueId convolution() {
    const ValueId x = there_.back();
    const Shape shape = shape_of(x);
    const auto w = window(shape, 4, 2);
    if (!w) return x;
    ConvAttrs attrs;
    attrs.window = *w;
    if (random_.chance(25)) attrs.groups = shape[1];
    if (random_.chance(15) && shape[1] % 2 == 0) attrs.groups = 2;
    const std::int64_t filters = attrs.groups * random_.pick(1, attrs.groups > 2 ? 2 : 12);
    std::vector<ValueId> inputs = {
        x, constant("w", {filters, shape[1] / attrs.groups, w->kernel[0], w->kernel[1]})};
    if (random_.chance(60)) inputs.push_back(constant("b", {filters}));
    return emit(OpKind::kConv, std::move(inputs), walked(shape, filters, *w), attrs);
  }

  ValueId pool() {
    const ValueId x = there_.back();
    const Shape shape = shape_of(x);
    const auto w = window(shape, 3, 1);
    if (!w) return x;
    PoolAttrs attrs;
    attrs.fn = random_.chance(50) ? PoolFn::kMax : PoolFn::kAverage;
    attrs.window = *w;
    attrs.count_padding = attrs.fn == PoolFn::kAverage && random_.chance(50);
    return emit(OpKind::kPool, {x}, walked(shape, shape[1], *w), attrs);
  }

  ValueId flatten() {
    const Shape shape = shape_of(there_.back());
    return builder_.reshape(there_.back(), {shape[0], extent(shape, 1, 4)});
  }

  ValueId pad() {
    const ValueId x = there_.back();
    MoveAttrs attrs{MoveFn::kPad};
    attrs.pads = {0, 0, random_.pick(0, 1), random_.pick(-1, 1), 0, 0, random_.pick(0, 2), 0};
    const auto shape = padded(shape_of(x), attrs.pads);
    if (!shape || element_count(*shape) == 0) return x;
    return emit(OpKind::kMove, {x}, *shape, attrs);
  }

  ValueId transpose() { return builder_.transpose(there_.back(), {0, 1, 3, 2}); }

  ValueId product() {
    const ValueId x = there_.back();
    Shape shape = shape_of(x);
    const std::int64_t columns = random_.pick(1, 40);
    std::vector<ValueId> inputs = {x, constant("w", {shape.back(), columns})};
    if (random_.chance(60)) inputs.push_back(constant("b", {columns}));
    shape.back() = columns;
    return emit(OpKind::kMatmul, std::move(inputs), shape, MatmulAttrs{});
  }

  ValueId softmax() {
    const auto rank = static_cast<std::int64_t>(shape_of(there_.back()).size());
    return emit(OpKind::kReduce, {there_.back()}, shape_of(there_.back()),
                ReduceAttrs{ReduceFn::kSoftmax, rank - 1, rank});
  }

  ValueId map() {
    MapAttrs attrs;
    attrs.fn = static_cast<MapFn>(random_.pick(0, 4));
    attrs.lo = -0.5F;
    attrs.hi = 0.5F;
    attrs.alpha = 0.125F;
    return emit(OpKind::kMap, {there_.back()}, shape_of(there_.back()), attrs);
  }

  // With an earlier value of the same shape, with itself, or with a constant a channel.
  ValueId zip(std::size_t channel_axis) {
    const ValueId x = there_.back();
    const Shape shape = shape_of(x);
    std::vector<ValueId> others;
    for (const ValueId id : there_) {
      if (shape_of(id) == shape) others.push_back(id);
    }
    ValueId other = random_.one_of(others);
    if (random_.chance(30)) {
      Shape channel(shape.size(), 1);
      channel[channel_axis] = shape[channel_axis];
      other = constant("c", channel);
    }
    const ZipFn fn = random_.chance(50)   ? ZipFn::kAdd
                     : random_.chance(50) ? ZipFn::kSub
                                          : ZipFn::kMul;
    return emit(OpKind::kZip, {x, other}, shape, ZipAttrs{fn});
  }

  ValueId concat(std::size_t axis) {
    const ValueId x = there_.back();
    Shape shape = shape_of(x);
    std::vector<ValueId> inputs = {x};
    for (const ValueId id : there_) {
      Shape same = shape_of(id);
      if (same.size() == shape.size()) same[axis] = shape[axis];
      if (same == shape && inputs.size() < 3) inputs.push_back(id);
    }
    std::int64_t sum = 0;
    for (const ValueId id : inputs) sum += shape_of(id)[axis];
    shape[axis] = sum;
    MoveAttrs attrs{MoveFn::kConcat};
    attrs.axis = static_cast<std::int64_t>(axis);
    return emit(OpKind::kMove, std::move(inputs), shape, attrs);
  }

  RandomChoice& random_;
  std::int64_t largest_side_;
  GraphBuilder builder_;
  std::int64_t batch_ = 1, layer_ = 0;
  std::vector<ValueId> there_;
};

Graph quantised(Graph graph, RandomChoice& random) {
  graph = absorb_biases(std::move(graph));
  const QuantisePlan plan = plan_quantisation(graph);
  if (plan.products.empty()) return graph;
  Quantisations quantisations;
  quantisations.where = "random";
  const auto observe = [&](ValueId id, const Tensor& t) {
    if (t.type != DType::kFloat32 || t.data.empty()) return;
    const auto [low, high] = std::ranges::minmax(t.as<float>());
    quantisations.tensors[id] = quant_of_range(std::min(low, 0.0F), std::max(high, 0.0F));
  };
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs)
    inputs.push_back(random_floats(random, graph.value(id).shape));
  evaluate_each(graph, inputs, observe);
  return insert_quantisers(std::move(graph), plan, quantisations);
}

isa::Machine machine_for(RandomChoice& random) {
  isa::Machine m;
  m.name = "random";
  m.array_rows = random.pick(2, 20);
  m.array_columns = random.chance(50) ? m.array_rows : random.pick(2, 20);
  m.array_weight_load = static_cast<isa::WeightLoad>(random.pick(0, 2));
  m.array_taps = random.pick(1, 6);
  m.unified_buffer_row_bytes = random.chance(30) ? random.pick(4, 40) : m.array_rows;
  const std::int64_t least_rows = 1024 / m.unified_buffer_row_bytes + 1;  // the least buffer
  m.unified_buffer_bytes =
      m.unified_buffer_row_bytes * std::max(least_rows, random.pick(400, 6000));
  m.unified_buffer_read_ports = random.pick(0, 2);
  m.unified_buffer_write_ports = random.pick(0, 2);
  m.accumulators_rows = random.pick(12, 96);
  m.weight_fifo_tiles = random.pick(1, 4);
  m.parameters_rows = random.pick(100, 400);
  m.sequencer_queue = random.pick(1, 16);
  m.sequencer_delivery = static_cast<isa::Delivery>(random.pick(0, 1));
  m.vector_depth = random.pick(1, 10);
  m.activation_depth = random.pick(1, 10);
  m.dram_bytes_per_second = random.pick(1, 200) * 1'000'000'000;
  m.link_in_bytes_per_second = random.pick(1, 40) * 1'000'000'000;
  m.link_out_bytes_per_second = random.pick(1, 40) * 1'000'000'000;
  return m;
}

}  // namespace

GraphCase random_float_case(std::uint64_t seed) {
  RandomChoice random(seed);
  GraphCase made;
  made.graph = Grower(random, 9).grow();
  made.machine = machine_for(random);
  made.machine.array_operands = isa::Operands::kBf16;
  made.machine.array_taps = 1;
  const std::int64_t rows = made.machine.ub_rows();
  made.machine.unified_buffer_row_bytes =
      std::max(made.machine.unified_buffer_row_bytes, 2 * made.machine.array_rows);
  made.machine.unified_buffer_bytes = rows * made.machine.unified_buffer_row_bytes;
  made.batches = random.chance(30) ? random.pick(2, 4) : 1;
  return made;
}

GraphCase random_graph_case(std::uint64_t seed, std::int64_t largest_side) {
  RandomChoice random(seed);
  Graph graph = Grower(random, largest_side).grow();
  GraphCase made;
  made.graph = quantised(std::move(graph), random);
  made.machine = machine_for(random);
  made.batches = random.chance(30) ? random.pick(2, 4) : 1;
  return made;
}

}  // namespace systole::laws
