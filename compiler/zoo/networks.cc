// Networks: ResNet (He et al., CVPR 2016, https://arxiv.org/abs/1512.03385, Table 1; stride in the
// 3x3 convolution as torchvision has it), MobileNetV2 (Sandler et al., CVPR 2018,
// https://arxiv.org/abs/1801.04381, Table 2); TPU v1's workloads are in paper_networks.cc and
// paper_lstms.cc. A residual branch is kept small so that deep stages do not grow.
#include "compiler/zoo/networks.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/diag.h"
#include "compiler/zoo/network_maker.h"
#include "compiler/zoo/paper_networks.h"
#include "isa/suggest.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kPicture = 224, kClasses = 1000;
constexpr float kBranchMoment = 0.25F;  // of what a residual branch adds

// One residual block; `name` is its prefix. Its last convolution is kept small where the shortcut
// is the input itself.
struct Block {
  std::string name;
  std::int64_t width = 64, stride = 1;
  bool bottleneck = false;
};

Signal residual(NetworkMaker& m, const Signal& x, const Block& b) {
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

Graph make_resnet(const NetworkOptions& options, const std::array<int, 4>& blocks,
                  bool bottleneck) {
  NetworkMaker m(options);
  Signal x = m.conv("conv1", m.input("x", {3, kPicture, kPicture}), {m.width(64), 7, 2});
  x = m.pool("maxpool", m.activate("relu", x, Activation::kRelu), PoolFn::kMax, 2);
  for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
    const std::int64_t width = m.width(std::int64_t{64} << stage);
    for (int i = 0; i < blocks[stage]; ++i) {
      const std::int64_t stride = stage > 0 && i == 0 ? 2 : 1;
      x = residual(m, x, {fmt::format("layer{}.{}", stage + 1, i), width, stride, bottleneck});
    }
  }
  return m.finish("logits", m.dense("fc", m.average(x), kClasses));
}

Graph make_resnet18(const NetworkOptions& options) {
  return make_resnet(options, {2, 2, 2, 2}, false);
}
Graph make_resnet50(const NetworkOptions& options) {
  return make_resnet(options, {3, 4, 6, 3}, true);
}

// Expansion, depthwise convolution, linear bottleneck.
Signal inverted(NetworkMaker& m, const Signal& x, const Block& b, std::int64_t expansion) {
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

Graph make_mobilenet_v2(const NetworkOptions& options) {
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
  NetworkMaker m(options);
  Signal x = m.activate("relu0",
                        m.conv("conv0", m.input("x", {3, kPicture, kPicture}), {m.width(32), 3, 2}),
                        Activation::kRelu6);
  int block = 1;
  for (const Stage& stage : kStages) {
    for (int i = 0; i < stage.blocks; ++i) {
      const std::int64_t stride = i == 0 ? stage.stride : 1;
      x = inverted(m, x, {fmt::format("block{}", block++), m.width(stage.channels), stride},
                   stage.expansion);
    }
  }
  x = m.activate("relu_last", m.conv("conv_last", x, {m.width(1280), 1}), Activation::kRelu6);
  return m.finish("logits", m.dense("fc", m.average(x), kClasses));
}

struct Row {
  Network network;
  Graph (*make)(const NetworkOptions&);
};
constexpr auto kRows = std::to_array<Row>({
    {{"resnet18", "ResNet-18, 224 x 224, 11.7 M weights (He et al., CVPR 2016)"}, make_resnet18},
    {{"resnet50", "ResNet-50 v1.5, 224 x 224, 25.6 M weights (He et al., CVPR 2016)"},
     make_resnet50},
    {{"mobilenet_v2", "MobileNetV2 1.0, 224 x 224, 3.5 M weights (Sandler et al., CVPR 2018)"},
     make_mobilenet_v2},
    {{"mlp0", "TPU v1's MLP0, 5 layers, 20.5 M weights (Jouppi et al., ISCA 2017)"}, make_mlp0},
    {{"mlp1", "TPU v1's MLP1, 4 layers, 4.9 M weights"}, make_mlp1},
    {{"lstm0", "TPU v1's LSTM0, 24 layers in 6 cells, 52.4 M weights, 16-bit activations"},
     make_lstm0},
    {{"lstm1", "TPU v1's LSTM1, 37 layers of 600 x 600 blocks, 33.8 M weights, 16-bit activations"},
     make_lstm1},
    {{"cnn0", "TPU v1's CNN0, 16 convolutions of 19 x 19 boards, 8.0 M weights"}, make_cnn0},
    {{"cnn1", "TPU v1's CNN1, BN-Inception with four wide layers behind it, 100 M weights"},
     make_cnn1},
});

}  // namespace

std::vector<Network> networks() {
  std::vector<Network> all;
  for (const Row& row : kRows) all.push_back(row.network);
  return all;
}

bool is_network(const std::string& name) {
  return std::ranges::any_of(kRows, [&](const Row& row) { return row.network.name == name; });
}

Graph make_network(const std::string& name, const NetworkOptions& options) {
  const auto* const row = std::find_if(kRows.begin(), kRows.end(),
                                       [&](const Row& r) { return r.network.name == name; });
  if (row == kRows.end()) {
    std::vector<std::string> known;
    for (const Row& r : kRows) known.emplace_back(r.network.name);
    throw InputError(name, "no such network" + isa::did_you_mean(name, known),
                     fmt::format("one of {}", fmt::join(known, ", ")));
  }
  Graph graph = row->make(options);
  graph.name = name;
  verify(graph);
  return graph;
}

}  // namespace systole::compiler
