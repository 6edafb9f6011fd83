// Host operation `matmul`: what the array cannot do because both operands are computed. Each sum
// runs over k upwards in float32.
#include <algorithm>

#include "base/diag.h"
#include "sim/host/host_call.h"

namespace systole::sim::host {
namespace {

struct Extents {
  std::int64_t m, k, n;
};

// What each sum becomes: times reals[0], plus reals[1] times the bias of its column.
void finish(const Call& call, std::vector<float>& sums) {
  const std::vector<float>& factors = call.step.reals;
  const bool biased = call.inputs.size() > 2 && factors[1] != 0.0F;
  for (std::size_t c = 0; c < sums.size(); ++c) {
    sums[c] *= factors[0];
    if (biased)
      sums[c] += factors[1] * load<float>(call.inputs[2].data, static_cast<std::int64_t>(c));
  }
}

// One matrix by one matrix. The operands lie at any byte address: rows are copied to aligned ones.
void multiply(const Call& call, Extents e, std::int64_t x, std::int64_t w, std::int64_t y) {
  std::vector<float> weights(static_cast<std::size_t>(e.k * e.n));
  std::memcpy(weights.data(), call.inputs[1].data + 4 * w, weights.size() * sizeof(float));
  std::vector<float> sums(static_cast<std::size_t>(e.n));
  for (std::int64_t row = 0; row < e.m; ++row) {
    std::ranges::fill(sums, 0.0F);
    for (std::int64_t k = 0; k < e.k; ++k) {
      const float a = load<float>(call.inputs[0].data, x + row * e.k + k);
      const float* from = weights.data() + k * e.n;
      for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += a * from[c];
    }
    finish(call, sums);
    std::memcpy(call.output.data + 4 * (y + row * e.n), sums.data(), sums.size() * sizeof(float));
  }
}

// Index of w's matrix for each of x's, in order: leading dimensions are broadcast.
std::vector<std::int64_t> partners(const Shape& x, const Shape& w) {
  std::vector<std::int64_t> matrices = {0};
  const std::size_t lead = x.size() - 2;
  for (std::size_t d = 0; d < lead; ++d) {
    const std::size_t missing = x.size() - w.size();
    const std::int64_t own = d < missing ? 1 : w[d - missing];
    std::vector<std::int64_t> next;
    for (const std::int64_t at : matrices) {
      for (std::int64_t i = 0; i < x[d]; ++i) next.push_back(own == 1 ? at : at * own + i);
    }
    matrices = std::move(next);
  }
  return matrices;
}

// A vector is a matrix of one row.
Shape as_matrix(Shape shape) {
  if (shape.size() == 1) shape.insert(shape.begin(), 1);
  return shape;
}

bool broadcasts(const Shape& x, const Shape& w) {
  if (x.size() < 2 || w.size() < 2 || w.size() > x.size()) return false;
  const std::size_t missing = x.size() - w.size();
  for (std::size_t d = 0; d + 2 < w.size(); ++d) {
    if (w[d] != 1 && w[d] != x[d + missing]) return false;
  }
  return x.back() == w[w.size() - 2];
}

}  // namespace

template <>
void apply<isa::HostOp::kMatmul>(const Call& call) {
  require_one_type(call);
  require(call.in().type == DType::kFloat32, call,
          fmt::format("element type {}", dtype_name(call.in().type)), "float32");
  const Shape x = as_matrix(call.in(0).shape);
  const Shape& w = call.in(1).shape;
  Shape y = x;
  if (!y.empty() && !w.empty()) y.back() = w.back();
  require(
      broadcasts(x, w) && y == as_matrix(call.out().shape), call,
      fmt::format("{} times {} to {}", shape_text(x), shape_text(w), shape_text(call.out().shape)),
      "[..., M, K] times [..., K, N] to [..., M, N]");
  const bool biased = call.inputs.size() > 2;
  require(call.step.reals.size() == (biased ? 2 : 1), call, "other factors",
          "one, and one more with a bias");
  require(!biased || call.in(2).shape == Shape{w.back()}, call, "another bias", "one a column");
  const Extents e{x[x.size() - 2], x.back(), w.back()};
  const std::vector<std::int64_t> of = partners(x, w);
  for (std::int64_t i = 0; i < std::ssize(of); ++i) {
    multiply(call, e, i * e.m * e.k, of[static_cast<std::size_t>(i)] * e.k * e.n, i * e.m * e.n);
  }
}

}  // namespace systole::sim::host
