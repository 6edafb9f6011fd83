// Network maker: float networks layer by layer, with seeded weights that keep deviations near 1.
//
// Weights are uniform with the deviation that gives a layer's result the wanted second moment
// (He et al., ICCV 2015, https://arxiv.org/abs/1502.01852): wanted / (fan-in * second moment of its
// input). The second moment of every value is carried along: a relu halves it, a sum adds those of
// its parts.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "compiler/ir/graph_builder.h"
#include "compiler/zoo/networks.h"

namespace systole::compiler {

enum class Activation : std::uint8_t { kNone, kRelu, kRelu6 };

// A value and the second moment that its elements have.
struct Signal {
  ValueId id = kNoValue;
  float moment = 1.0F;
};

struct ConvShape {
  std::int64_t filters = 1, kernel = 1, stride = 1, groups = 1;
};

class NetworkMaker {
 public:
  explicit NetworkMaker(const NetworkOptions& options) : options_(options) {}

  // The width of a hidden layer in this making.
  [[nodiscard]] std::int64_t width(std::int64_t published) const {
    return std::max<std::int64_t>(1, published / options_.divisor);
  }
  [[nodiscard]] std::int64_t batch() const { return options_.batch; }
  [[nodiscard]] const Shape& shape(const Signal& x) const { return builder_.value(x.id).shape; }
  [[nodiscard]] std::int64_t channels(const Signal& x) const { return shape(x)[1]; }

  // An input [batch, dims...] of values spread evenly over 0 ... 1.
  Signal input(const std::string& name, Shape dims);

  // Padded so that stride 1 keeps the size; its result has second moment `moment`.
  Signal conv(const std::string& name, const Signal& x, const ConvShape& c, float moment = 1.0F);
  // Each output the sum of all inputs of its sample.
  Signal dense(const std::string& name, const Signal& x, std::int64_t columns);
  Signal activate(const std::string& name, const Signal& x, Activation fn);
  Signal add(const std::string& name, const Signal& a, const Signal& b);
  // 3x3; padded so that stride 1 keeps the size.
  Signal pool(const std::string& name, const Signal& x, PoolFn fn, std::int64_t stride);
  Signal concat(const std::string& name, const std::vector<Signal>& parts);
  // [N, C, H, W] to [N, C], the averages of the channels; its layers are `pool` and `flatten`.
  Signal average(const Signal& x);
  Graph finish(const std::string& output, const Signal& x);

 private:
  Signal named(ValueId id, const std::string& name, float moment) {
    builder_.name_result(id, name);
    return {id, moment};
  }
  // Uniform in (-1, 1), the same on every machine.
  float uniform() {
    return static_cast<float>(static_cast<std::int64_t>(random_() >> 40) - 0x800000) * 0x1p-23F;
  }
  ValueId weights(const std::string& name, const Shape& shape, float from, float to);
  ValueId biases(const std::string& name, std::int64_t count);

  static constexpr std::uint64_t kSeed = 0x5E5701E;

  NetworkOptions options_;
  GraphBuilder builder_;
  std::mt19937_64 random_{kSeed};
};

}  // namespace systole::compiler
