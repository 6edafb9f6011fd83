// The host's convolution of float32 [N, C, H, W]: each result adds its products in the order of
// channel, row and column, a row of results at a time, which the compiler vectorises.
#include <algorithm>
#include <cstring>

#include "base/units.h"
#include "sim/host/host_call.h"

namespace systole::sim::host {
namespace {

constexpr std::int64_t kMaxExtent = std::int64_t{1} << 31;

// One dimension: result o reads o * stride + k * dilation - before.
struct Walk {
  std::int64_t length, results, stride, dilation, before;

  // The results [first, end) whose k-th element lies inside.
  struct Range {
    std::int64_t first, end;
  };
  [[nodiscard]] std::int64_t offset(std::int64_t k) const { return k * dilation - before; }
  [[nodiscard]] Range inside(std::int64_t k) const {
    const auto below = [&](std::int64_t limit) {
      return std::clamp<std::int64_t>(
          ceil_div(std::max<std::int64_t>(0, limit - offset(k)), stride), 0, results);
    };
    return {below(0), below(length)};
  }
};

struct Form {
  std::int64_t kernel_h, kernel_w, channels, filters;  // of a group
  Walk rows, columns;
};

Form read_form(const Call& call) {
  const Shape& x = call.in(0).shape;
  const Shape& w = call.in(1).shape;
  const Shape& y = call.out().shape;
  const std::vector<std::int64_t>& n = call.step.numbers;
  require_one_type(call);
  require(call.in().type == DType::kFloat32, call, "another element type", "float32");
  bool fits = x.size() == 4 && w.size() == 4 && y.size() == 4 && n.size() == 9;
  for (std::size_t i = 0; fits && i < 9; ++i)
    fits = n[i] >= (i < 4 || i == 8 ? 1 : 0) && n[i] < kMaxExtent;
  fits = fits && y[0] == x[0] && y[1] == w[0] && w[0] % n[8] == 0 && x[1] == w[1] * n[8];
  for (std::size_t d = 2; fits && d < 4; ++d) {
    const std::int64_t room = x[d] + n[2 + d] + n[4 + d] - (w[d] - 1) * n[d] - 1;
    fits = w[d] >= 1 && room >= 0 && y[d] == room / n[d - 2] + 1;
  }
  fits = fits && (call.inputs.size() < 3 || call.in(2).shape == Shape{w[0]});
  require(fits, call, fmt::format("{} by {} to {}", shape_text(x), shape_text(w), shape_text(y)),
          "[N, C, H, W] by [M, C/groups, kH, kW] to the windows' results, a bias [M]");
  return {w[2],
          w[3],
          w[1],
          w[0] / n[8],
          {x[2], y[2], n[0], n[2], n[4]},
          {x[3], y[3], n[1], n[3], n[5]}};
}

// Adds one channel of x times one filter's plane to a plane of sums.
void add_plane(const Form& f, const float* x, const float* w, std::vector<float>& sums) {
  for (std::int64_t kh = 0; kh < f.kernel_h; ++kh) {
    const auto rows = f.rows.inside(kh);
    for (std::int64_t kw = 0; kw < f.kernel_w; ++kw) {
      const auto columns = f.columns.inside(kw);
      const float factor = w[kh * f.kernel_w + kw];
      for (std::int64_t r = rows.first; r < rows.end; ++r) {
        const std::int64_t from =
            (r * f.rows.stride + f.rows.offset(kh)) * f.columns.length + f.columns.offset(kw);
        float* to = sums.data() + r * f.columns.results;
        for (std::int64_t c = columns.first; c < columns.end; ++c)
          to[c] += x[from + c * f.columns.stride] * factor;
      }
    }
  }
}

std::vector<float> floats_of(const Call& call, std::size_t input) {
  std::vector<float> values(static_cast<std::size_t>(call.in(input).bytes()) / sizeof(float));
  std::memcpy(values.data(), call.inputs[input].data, values.size() * sizeof(float));
  return values;
}

}  // namespace

template <>
void apply<isa::HostOp::kConv>(const Call& call) {
  const Form f = read_form(call);
  const std::vector<float> x = floats_of(call, 0);
  const std::vector<float> w = floats_of(call, 1);
  const std::vector<float> bias =
      call.inputs.size() > 2 ? floats_of(call, 2) : std::vector<float>();
  const std::int64_t plane = f.rows.length * f.columns.length;
  const std::int64_t filter = f.kernel_h * f.kernel_w;
  const std::int64_t all = call.in(1).shape[0];
  std::vector<float> sums(static_cast<std::size_t>(f.rows.results * f.columns.results));
  for (std::int64_t n = 0; n < call.in().shape[0]; ++n) {
    for (std::int64_t m = 0; m < all; ++m) {
      std::ranges::fill(sums, 0.0F);
      const std::int64_t first = n * call.in().shape[1] + m / f.filters * f.channels;
      for (std::int64_t c = 0; c < f.channels; ++c)
        add_plane(f, x.data() + (first + c) * plane, w.data() + (m * f.channels + c) * filter,
                  sums);
      for (float& sum : sums) sum += bias.empty() ? 0.0F : bias[static_cast<std::size_t>(m)];
      std::memcpy(call.output.data + (n * all + m) * std::ssize(sums) * 4, sums.data(),
                  sums.size() * sizeof(float));
    }
  }
}

}  // namespace systole::sim::host
