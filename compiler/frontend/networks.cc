// Networks: ResNet (He et al., CVPR 2016, https://arxiv.org/abs/1512.03385, Table 1; stride in the
// 3x3 convolution as torchvision has it), MobileNetV2 (Sandler et al., CVPR 2018,
// https://arxiv.org/abs/1801.04381, Table 2).
//
// Weights are uniform with the deviation that gives a convolution's result the wanted second moment
// (He et al., ICCV 2015, https://arxiv.org/abs/1502.01852): wanted / (fan-in * second moment of its
// input). The second moment of every value is carried along: a relu halves it, a residual sum adds
// those of its parts, the branch's being kept small so that deep stages do not grow.
#include "compiler/frontend/networks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "base/diag.h"
#include "compiler/frontend/graph_builder.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

constexpr std::uint64_t kSeed = 0x5E5701E;
constexpr std::int64_t kPicture = 224, kClasses = 1000;
constexpr float kPictureMoment = 1.0F / 3.0F;  // of values spread over 0 ... 1
constexpr float kBranchMoment = 0.25F;         // of what a residual branch adds

enum class Activation : std::uint8_t { kNone, kRelu, kRelu6 };

// A value and the second moment that its elements have.
struct Signal {
  ValueId id = kNoValue;
  float moment = 1.0F;
};

struct ConvShape {
  std::int64_t filters = 1, kernel = 1, stride = 1, groups = 1;
};

class Maker {
 public:
  Signal picture() {
    return {builder_.add_input("x", DType::kFloat32, {1, 3, kPicture, kPicture}), kPictureMoment};
  }

  std::int64_t channels(const Signal& x) const { return builder_.value(x.id).shape[1]; }

  // Padded so that stride 1 keeps the size; its result has second moment `moment`.
  Signal conv(const std::string& name, const Signal& x, const ConvShape& c, float moment = 1.0F) {
    const Shape from = builder_.value(x.id).shape;
    const Shape w = {c.filters, from[1] / c.groups, c.kernel, c.kernel};
    builder_.begin_layer(name, "Conv");
    ConvAttrs attrs;
    attrs.groups = c.groups;
    const std::int64_t pad = c.kernel / 2;
    attrs.window = {{c.kernel, c.kernel}, {c.stride, c.stride}, {1, 1}, {pad, pad, pad, pad}};
    const Shape shape = {from[0], c.filters, window_steps(from[2] + 2 * pad, c.kernel, c.stride, 1),
                         window_steps(from[3] + 2 * pad, c.kernel, c.stride, 1)};
    const std::vector<ValueId> inputs = {x.id, weights(name + ".weight", w, x.moment, moment),
                                         biases(name + ".bias", c.filters)};
    return named(builder_.emit(OpKind::kConv, inputs, DType::kFloat32, shape, attrs), name, moment);
  }

  Signal activate(const std::string& name, const Signal& x, Activation fn) {
    if (fn == Activation::kNone) return x;
    const bool six = fn == Activation::kRelu6;
    builder_.begin_layer(name, six ? "Clip" : "Relu");
    MapAttrs attrs{six ? MapFn::kClip : MapFn::kRelu};
    if (six) attrs.hi = 6.0F;
    const Shape shape = builder_.value(x.id).shape;
    return named(builder_.emit(OpKind::kMap, {x.id}, DType::kFloat32, shape, attrs), name,
                 x.moment / 2.0F);
  }

  Signal add(const std::string& name, const Signal& a, const Signal& b) {
    builder_.begin_layer(name, "Add");
    const Shape shape = builder_.value(a.id).shape;
    return named(builder_.emit(OpKind::kZip, {a.id, b.id}, DType::kFloat32, shape, ZipAttrs{}),
                 name, a.moment + b.moment);
  }

  Signal max_pool(const std::string& name, const Signal& x) {
    builder_.begin_layer(name, "MaxPool");
    PoolAttrs attrs;
    attrs.window = {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}};
    Shape shape = builder_.value(x.id).shape;
    for (std::size_t d = 2; d < 4; ++d) shape[d] = window_steps(shape[d] + 2, 3, 2, 1);
    // The largest of nine rectified values that hang together is about twice as large.
    return named(builder_.emit(OpKind::kPool, {x.id}, DType::kFloat32, shape, attrs), name,
                 4.0F * x.moment);
  }

  Graph classify(const Signal& x) {
    const Shape shape = builder_.value(x.id).shape;
    builder_.begin_layer("pool", "GlobalAveragePool");
    PoolAttrs attrs;
    attrs.fn = PoolFn::kAverage;
    attrs.window.kernel = {shape[2], shape[3]};
    const ValueId pooled =
        builder_.emit(OpKind::kPool, {x.id}, DType::kFloat32, {1, shape[1], 1, 1}, attrs);
    builder_.name_result(pooled, "pool");
    builder_.begin_layer("flatten", "Flatten");
    const ValueId flat = builder_.reshape(pooled, {1, shape[1]});
    builder_.name_result(flat, "flatten");
    builder_.begin_layer("fc", "Gemm");
    const ValueId w = weights("fc.weight", {shape[1], kClasses}, x.moment / 2.0F, 1.0F);
    const ValueId logits = builder_.emit(OpKind::kMatmul, {flat, w, biases("fc.bias", kClasses)},
                                         DType::kFloat32, {1, kClasses}, MatmulAttrs{});
    return builder_.finish({{"logits", logits}});
  }

 private:
  Signal named(ValueId id, const std::string& name, float moment) {
    builder_.name_result(id, name);
    return {id, moment};
  }

  // Uniform in (-1, 1), the same on every machine.
  float uniform() {
    return static_cast<float>(static_cast<std::int64_t>(random_() >> 40) - 0x800000) * 0x1p-23F;
  }

  ValueId weights(const std::string& name, const Shape& shape, float from, float to) {
    Tensor t(DType::kFloat32, shape);
    const bool matrix = shape.size() == 2;
    const std::int64_t fan_in = matrix ? shape[0] : extent(shape, 1, shape.size());
    const float range = std::sqrt(3.0F * to / (static_cast<float>(fan_in) * from));
    for (float& v : t.as<float>()) v = range * uniform();
    return builder_.add_constant(name, std::move(t));
  }

  ValueId biases(const std::string& name, std::int64_t count) {
    Tensor t(DType::kFloat32, {count});
    for (float& v : t.as<float>()) v = 0.1F * uniform();
    return builder_.add_constant(name, std::move(t));
  }

  GraphBuilder builder_;
  std::mt19937_64 random_{kSeed};
};

// One residual block; `name` is its prefix. Its last convolution is kept small where the shortcut
// is the input itself.
struct Block {
  std::string name;
  std::int64_t width = 64, stride = 1;
  bool bottleneck = false;
};

Signal residual(Maker& m, const Signal& x, const Block& b) {
  const std::int64_t out = b.bottleneck ? 4 * b.width : b.width;
  const bool projects = b.stride != 1 || m.channels(x) != out;
  const float branch = projects ? 0.5F : kBranchMoment;
  const auto relu = [&](const std::string& name, const Signal& s) {
    return m.activate(b.name + name, s, Activation::kRelu);
  };
  Signal y;
  if (b.bottleneck) {
    y = relu(".relu1", m.conv(b.name + ".conv1", x, {b.width, 1}));
    y = relu(".relu2", m.conv(b.name + ".conv2", y, {b.width, 3, b.stride}));
    y = m.conv(b.name + ".conv3", y, {out, 1}, branch);
  } else {
    y = relu(".relu1", m.conv(b.name + ".conv1", x, {b.width, 3, b.stride}));
    y = m.conv(b.name + ".conv2", y, {out, 3}, branch);
  }
  const Signal shortcut =
      projects ? m.conv(b.name + ".downsample", x, {out, 1, b.stride}, 0.5F) : x;
  Signal sum = relu(".relu", m.add(b.name + ".add", y, shortcut));
  if (!projects) sum.moment = x.moment + branch / 2.0F;  // the shortcut is not negative
  return sum;
}

Graph make_resnet(const std::array<int, 4>& blocks, bool bottleneck) {
  Maker m;
  Signal x = m.conv("conv1", m.picture(), {64, 7, 2});
  x = m.max_pool("maxpool", m.activate("relu", x, Activation::kRelu));
  for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
    const std::int64_t width = std::int64_t{64} << stage;
    for (int i = 0; i < blocks[stage]; ++i) {
      const std::int64_t stride = stage > 0 && i == 0 ? 2 : 1;
      x = residual(m, x, {fmt::format("layer{}.{}", stage + 1, i), width, stride, bottleneck});
    }
  }
  return m.classify(x);
}

Graph make_resnet18() { return make_resnet({2, 2, 2, 2}, false); }
Graph make_resnet50() { return make_resnet({3, 4, 6, 3}, true); }

// Expansion, depthwise convolution, linear bottleneck.
Signal inverted(Maker& m, const Signal& x, const Block& b, std::int64_t expansion) {
  const std::int64_t wide = m.channels(x) * expansion;
  const auto relu6 = [&](const std::string& name, const Signal& s) {
    return m.activate(b.name + name, s, Activation::kRelu6);
  };
  Signal y = x;
  if (expansion != 1) y = relu6(".relu1", m.conv(b.name + ".expand", x, {wide, 1}));
  y = relu6(".relu2", m.conv(b.name + ".depthwise", y, {wide, 3, b.stride, wide}));
  const bool adds = b.stride == 1 && m.channels(x) == b.width;
  y = m.conv(b.name + ".project", y, {b.width, 1}, adds ? kBranchMoment : 1.0F);
  return adds ? m.add(b.name + ".add", y, x) : y;
}

Graph make_mobilenet_v2() {
  struct Stage {
    std::int64_t expansion, channels;
    int blocks;
    std::int64_t stride;
  };
  constexpr std::array<Stage, 7> kStages = {{{1, 16, 1, 1},
                                             {6, 24, 2, 2},
                                             {6, 32, 3, 2},
                                             {6, 64, 4, 2},
                                             {6, 96, 3, 1},
                                             {6, 160, 3, 2},
                                             {6, 320, 1, 1}}};
  Maker m;
  Signal x = m.activate("relu0", m.conv("conv0", m.picture(), {32, 3, 2}), Activation::kRelu6);
  int block = 1;
  for (const Stage& stage : kStages) {
    for (int i = 0; i < stage.blocks; ++i) {
      const std::int64_t stride = i == 0 ? stage.stride : 1;
      x = inverted(m, x, {fmt::format("block{}", block++), stage.channels, stride},
                   stage.expansion);
    }
  }
  return m.classify(m.activate("relu_last", m.conv("conv_last", x, {1280, 1}), Activation::kRelu6));
}

struct Row {
  Network network;
  Graph (*make)();
};
constexpr auto kRows = std::to_array<Row>({
    {{"resnet18", "ResNet-18, 224 x 224, 11.7 M weights (He et al., CVPR 2016)"}, make_resnet18},
    {{"resnet50", "ResNet-50 v1.5, 224 x 224, 25.6 M weights (He et al., CVPR 2016)"},
     make_resnet50},
    {{"mobilenet_v2", "MobileNetV2 1.0, 224 x 224, 3.5 M weights (Sandler et al., CVPR 2018)"},
     make_mobilenet_v2},
});

}  // namespace

std::vector<Network> networks() {
  std::vector<Network> all;
  for (const Row& row : kRows) all.push_back(row.network);
  return all;
}

Graph make_network(const std::string& name) {
  const auto* const row = std::find_if(kRows.begin(), kRows.end(),
                                       [&](const Row& r) { return r.network.name == name; });
  if (row == kRows.end()) {
    std::string known;
    for (const Row& r : kRows)
      known += fmt::format("{}{}", known.empty() ? "" : ", ", r.network.name);
    throw InputError(name, "no such network", "one of " + known);
  }
  Graph graph = row->make();
  graph.name = name;
  verify(graph);
  return graph;
}

}  // namespace systole::compiler
