// MLPs and CNNs of TPU v1's paper. The paper names CNN0's model (AlphaGo: Silver et al., Nature
// 2016, whose policy network is a stack of 3x3 convolutions on 19 x 19 boards) and CNN1's ("derives
// from Inception V2", which is BN-Inception: Ioffe and Szegedy, ICML 2015,
// https://arxiv.org/abs/1502.03167, Fig. 5).
#include "compiler/zoo/paper_networks.h"

#include <fmt/core.h>

#include <array>

#include "compiler/zoo/network_maker.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kBoard = 19, kPlanes = 48, kPicture = 224;

Graph make_mlp(const NetworkOptions& options, const std::vector<std::int64_t>& widths) {
  NetworkMaker m(options);
  Signal x = m.input("x", {m.width(widths[0])});
  for (std::size_t i = 1; i < widths.size(); ++i) {
    x = m.dense(fmt::format("fc{}", i), x, m.width(widths[i]));
    if (i + 1 < widths.size()) x = m.activate(fmt::format("relu{}", i), x, Activation::kRelu);
  }
  return m.finish("y", x);
}

Signal conv_relu(NetworkMaker& m, const std::string& name, const Signal& x, ConvShape shape) {
  shape.filters = m.width(shape.filters);
  return m.activate(name + ".relu", m.conv(name, x, shape), Activation::kRelu);
}

// An inception module: 1x1; 1x1 then 3x3; 1x1 then 3x3 twice; a pool, then 1x1. Widths of 0 leave
// a part out; without a projection the pool and the last 3x3 of each branch have stride 2.
struct Module {
  std::string_view name;
  std::int64_t one, reduce3, three, reduce_double, double3;
  PoolFn pool;
  std::int64_t projection;
};

Signal inception(NetworkMaker& m, const Signal& x, const Module& module) {
  const auto layer = [&](const std::string& part, const Signal& from, const ConvShape& shape) {
    return conv_relu(m, fmt::format("{}.{}", module.name, part), from, shape);
  };
  const std::int64_t stride = module.projection > 0 ? 1 : 2;
  std::vector<Signal> parts;
  if (module.one > 0) parts.push_back(layer("1x1", x, {module.one, 1}));
  Signal y = layer("3x3_reduce", x, {module.reduce3, 1});
  parts.push_back(layer("3x3", y, {module.three, 3, stride}));
  y = layer("double_reduce", x, {module.reduce_double, 1});
  y = layer("double_3x3_1", y, {module.double3, 3});
  parts.push_back(layer("double_3x3_2", y, {module.double3, 3, stride}));
  y = m.pool(fmt::format("{}.pool", module.name), x, module.pool, stride);
  parts.push_back(module.projection > 0 ? layer("pool_proj", y, {module.projection, 1}) : y);
  return m.concat(fmt::format("{}.concat", module.name), parts);
}

// Ioffe and Szegedy, Fig. 5.
constexpr std::array<Module, 10> kModules = {{
    {"3a", 64, 64, 64, 64, 96, PoolFn::kAverage, 32},
    {"3b", 64, 64, 96, 64, 96, PoolFn::kAverage, 64},
    {"3c", 0, 128, 160, 64, 96, PoolFn::kMax, 0},
    {"4a", 224, 64, 96, 96, 128, PoolFn::kAverage, 128},
    {"4b", 192, 96, 128, 96, 128, PoolFn::kAverage, 128},
    {"4c", 160, 128, 160, 128, 160, PoolFn::kAverage, 96},
    {"4d", 96, 128, 192, 160, 192, PoolFn::kAverage, 96},
    {"4e", 0, 128, 192, 192, 256, PoolFn::kMax, 0},
    {"5a", 352, 192, 320, 160, 224, PoolFn::kAverage, 128},
    {"5b", 352, 192, 320, 192, 224, PoolFn::kMax, 128},
}};

}  // namespace

Graph make_mlp0(const NetworkOptions& options) {
  return make_mlp(options, {2000, 2048, 2000, 2048, 2000, 2048});
}

Graph make_mlp1(const NetworkOptions& options) {
  return make_mlp(options, {850, 1250, 1250, 1250, 600});
}

Graph make_cnn0(const NetworkOptions& options) {
  constexpr std::int64_t kWidth = 256;
  constexpr int kMiddle = 13;
  NetworkMaker m(options);
  Signal x = m.input("x", {m.width(kPlanes), kBoard, kBoard});
  x = conv_relu(m, "conv1", x, {kWidth, 5});
  for (int i = 0; i < kMiddle; ++i) x = conv_relu(m, fmt::format("conv{}", i + 2), x, {kWidth, 3});
  x = conv_relu(m, "conv15", x, {kWidth, 1});
  return m.finish("y", m.conv("conv16", x, {1, 1}));
}

Graph make_cnn1(const NetworkOptions& options) {
  NetworkMaker m(options);
  Signal x = conv_relu(m, "conv1", m.input("x", {3, kPicture, kPicture}), {64, 7, 2});
  x = m.pool("pool1", x, PoolFn::kMax, 2);
  x = conv_relu(m, "conv2_reduce", x, {64, 1});
  x = conv_relu(m, "conv2", x, {192, 3});
  x = m.pool("pool2", x, PoolFn::kMax, 2);
  for (const Module& module : kModules) x = inception(m, x, module);
  x = m.average(x);
  for (int i = 1; i <= 3; ++i) {
    x = m.dense(fmt::format("fc{}", i), x, m.width(4096));
    x = m.activate(fmt::format("fc{}.relu", i), x, Activation::kRelu);
  }
  return m.finish("y", m.dense("fc4", x, m.width(12'800)));
}

}  // namespace systole::compiler
