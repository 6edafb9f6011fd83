// Host operations on windows and blocks: MaxPool and AveragePool of [N, C, H, W], Pad and Concat as
// ONNX has them.
//
// A pool's numbers are kernel, strides and dilations (height, width), pads (top, left, bottom,
// right), whether padding counts, and the overhang: pixels at the end of the bottom and right pads
// that only fill the last windows and never count (ceil_mode). Averages of integers have the zero
// points of x and y behind them and their scales as reals: the sum is exact and requantised once.
#include <algorithm>
#include <array>
#include <limits>

#include "base/numerics.h"
#include "base/units.h"
#include "sim/host/host_call.h"

namespace systole::sim::host {
namespace {

using isa::HostOp;

constexpr std::int64_t kMaxExtent = std::int64_t{1} << 31;
constexpr std::size_t kWindowNumbers = 13, kAverageNumbers = 15;

// One dimension of the windows: positions of x are start + i * dilation.
struct Axis {
  std::int64_t length, kernel, stride, dilation, before, counted_end;
  bool count_padding;

  struct Steps {
    std::int64_t start, first, end, counted;
  };
  [[nodiscard]] Steps at(std::int64_t index) const {
    Steps s{index * stride - before, 0, 0, 0};
    const auto below = [&](std::int64_t limit) {  // window positions before x index `limit`
      const std::int64_t gap = std::max<std::int64_t>(0, limit - s.start);
      return std::min(ceil_div(gap, dilation), kernel);
    };
    s.first = below(0);
    s.end = std::max(s.first, below(length));
    s.counted = count_padding ? below(counted_end) : s.end - s.first;
    return s;
  }
};

Axis axis_of(const Call& call, std::size_t d) {
  const std::vector<std::int64_t>& n = call.step.numbers;
  const std::int64_t length = call.in().shape[d + 2];
  return {length, n[d], n[2 + d], n[4 + d], n[6 + d], length + n[8 + d] - n[11 + d], n[10] != 0};
}

void check_pool(const Call& call) {
  const Shape& x = call.in().shape;
  const Shape& y = call.out().shape;
  const bool images = x.size() == 4 && y.size() == 4 && x[0] == y[0] && x[1] == y[1];
  require(images, call, fmt::format("{} to {}", shape_text(x), shape_text(y)),
          "[N, C, H, W] with the same N and C");
  const std::vector<std::int64_t>& n = call.step.numbers;
  bool fits = n.size() == kWindowNumbers || n.size() == kAverageNumbers;
  for (std::size_t i = 0; fits && i < kWindowNumbers; ++i)
    fits = n[i] >= (i < 6 ? 1 : 0) && n[i] < kMaxExtent;
  require(fits && y[2] < kMaxExtent && y[3] < kMaxExtent, call, "a window that does not fit",
          "extents from 1, pads from 0, below 2^31");
}

// Calls visit(output index, first element of x's plane, rows, columns) for every window.
template <typename Visit>
void for_windows(const Call& call, Visit visit) {
  check_pool(call);
  const Shape& y = call.out().shape;
  const Axis rows = axis_of(call, 0);
  const Axis columns = axis_of(call, 1);
  std::int64_t out = 0;
  for (std::int64_t plane = 0; plane < y[0] * y[1]; ++plane) {
    const std::int64_t from = plane * rows.length * columns.length;
    for (std::int64_t i = 0; i < y[2]; ++i) {
      for (std::int64_t j = 0; j < y[3]; ++j) visit(out++, from, rows.at(i), columns.at(j));
    }
  }
}

// Calls visit(element) for those of a window inside x.
template <typename T, typename Visit>
void for_elements(const Call& call, std::int64_t from, const Axis::Steps& rows,
                  const Axis::Steps& columns, Visit visit) {
  const std::int64_t width = call.in().shape[3];
  const std::int64_t dy = call.step.numbers[4];
  const std::int64_t dx = call.step.numbers[5];
  for (std::int64_t i = rows.first; i < rows.end; ++i) {
    const std::int64_t line = from + (rows.start + i * dy) * width;
    for (std::int64_t j = columns.first; j < columns.end; ++j)
      visit(load<T>(call.inputs[0].data, line + columns.start + j * dx));
  }
}

template <typename T>
void max_pool(const Call& call) {
  for_windows(call,
              [&](std::int64_t out, std::int64_t from, const auto& rows, const auto& columns) {
                T top = std::numeric_limits<T>::lowest();
                for_elements<T>(call, from, rows, columns, [&top](T v) { top = std::max(top, v); });
                store(call.output.data, out, top);
              });
}

void average_floats(const Call& call) {
  for_windows(call,
              [&](std::int64_t out, std::int64_t from, const auto& rows, const auto& columns) {
                float sum = 0.0F;
                for_elements<float>(call, from, rows, columns, [&sum](float v) { sum += v; });
                const std::int64_t count = rows.counted * columns.counted;
                store(call.output.data, out, count == 0 ? 0.0F : sum / static_cast<float>(count));
              });
}

template <typename T, typename Y>
void average_integers(const Call& call) {
  const std::int64_t zero = call.step.numbers[13];
  const auto to_zero = static_cast<std::int32_t>(call.step.numbers[14]);
  for_windows(
      call, [&](std::int64_t out, std::int64_t from, const auto& rows, const auto& columns) {
        std::int64_t sum = 0;
        for_elements<T>(call, from, rows, columns, [&](T v) { sum += v - zero; });
        const std::int64_t count = std::max<std::int64_t>(1, rows.counted * columns.counted);
        const float multiplier = average_multiplier(call.step.reals[0], call.step.reals[1], count);
        store(call.output.data, out,
              static_cast<Y>(average(sum, multiplier, to_zero, std::numeric_limits<Y>::min(),
                                     std::numeric_limits<Y>::max())));
      });
}

// Where the lines (runs along the last dimension) of x lie in the padded output.
class PadWalk {
 public:
  explicit PadWalk(const Call& call)
      : x_(call.in().shape), y_(call.out().shape), pads_(call.step.numbers) {
    if (call.step.reals.empty() && !pads_.empty()) pads_.pop_back();  // the fill
  }

  [[nodiscard]] bool fits() const {
    bool fits = x_.size() == y_.size() && pads_.size() == 2 * x_.size();
    for (std::size_t d = 0; fits && d < x_.size(); ++d) {
      const std::int64_t before = pads_[d], behind = pads_[d + x_.size()];
      fits = std::max(before, behind) < kMaxExtent && std::min(before, behind) > -kMaxExtent &&
             x_[d] + before + behind == y_[d];
    }
    return fits;
  }

  // Calls copy(element of x, element of y, length) for every line that is kept.
  template <typename Copy>
  void run(Copy copy) const {
    if (x_.empty()) return copy(0, 0, 1);
    const std::size_t last = x_.size() - 1;
    const std::int64_t from = std::max<std::int64_t>(0, -pads_[last]);
    const std::int64_t to = std::max<std::int64_t>(0, pads_[last]);
    const std::int64_t length = std::min(x_[last] - from, y_[last] - to);
    const std::int64_t lines = product(x_, 0, static_cast<std::int64_t>(last));
    for (std::int64_t line = 0; length > 0 && line < lines; ++line) {
      const std::int64_t target = target_line(line, last);
      if (target >= 0) copy(line * x_[last] + from, target * y_[last] + to, length);
    }
  }

 private:
  // The output's line of that number, or -1 if it is cut off.
  [[nodiscard]] std::int64_t target_line(std::int64_t line, std::size_t last) const {
    std::int64_t target = 0;
    std::int64_t stride = 1;
    for (std::size_t d = last; d-- > 0;) {
      const std::int64_t at = line % x_[d] + pads_[d];
      if (at < 0 || at >= y_[d]) return -1;
      target += at * stride;
      stride *= y_[d];
      line /= x_[d];
    }
    return target;
  }

  const Shape& x_;
  const Shape& y_;
  std::vector<std::int64_t> pads_;
};

template <typename T>
void fill(const Call& call, T value) {
  const std::int64_t count = element_count(call.out().shape);
  for (std::int64_t i = 0; i < count; ++i) store(call.output.data, i, value);
}

}  // namespace

template <>
void apply<HostOp::kMaxPool>(const Call& call) {
  require_one_type(call);
  if (call.in().type == DType::kFloat32) return max_pool<float>(call);
  with_integer(call, call.in().type, [&]<typename T>(T) { max_pool<T>(call); });
}

template <>
void apply<HostOp::kAveragePool>(const Call& call) {
  if (call.in().type == DType::kFloat32) {
    require_one_type(call);
    return average_floats(call);
  }
  require(call.step.numbers.size() == kAverageNumbers && call.step.reals.size() == 2, call,
          "an average of integers without scales", "zero points and scales of x and y");
  require(is_small(call.step.numbers[13]) && is_small(call.step.numbers[14]), call,
          "zero points that do not fit", "numbers of 17 bits");
  with_integer(call, call.in().type, [&]<typename T>(T) {
    with_integer(call, call.out().type, [&]<typename Y>(Y) { average_integers<T, Y>(call); });
  });
}

template <>
void apply<HostOp::kPad>(const Call& call) {
  require_one_type(call);
  const PadWalk walk(call);
  const bool is_float = call.in().type == DType::kFloat32;
  require(walk.fits() && call.step.reals.size() == (is_float ? 1U : 0U), call,
          fmt::format("{} to {} by {}", shape_text(call.in().shape), shape_text(call.out().shape),
                      shape_text(call.step.numbers)),
          "pads that lead from the first shape to the second, and a fill");
  if (is_float) {
    fill(call, call.step.reals[0]);
  } else {
    const std::int64_t value = call.step.numbers.back();
    with_bits(call, call.in().type, [&]<typename T>(T) {
      const bool in_range = static_cast<std::int64_t>(static_cast<T>(value)) == value;
      require(in_range, call, fmt::format("a fill of {}", value), "one of the element type");
      fill(call, static_cast<T>(value));
    });
  }
  const std::int64_t size = dtype_bytes(call.in().type);
  walk.run([&](std::int64_t from, std::int64_t to, std::int64_t length) {
    std::memmove(call.output.data + to * size, call.inputs[0].data + from * size,
                 static_cast<std::size_t>(length * size));
  });
}

template <>
void apply<HostOp::kConcat>(const Call& call) {
  require_one_type(call);
  const Shape& y = call.out().shape;
  const std::int64_t axis = call.step.numbers.empty() ? -1 : call.step.numbers[0];
  bool fits = axis >= 0 && axis < std::ssize(y);
  std::int64_t total = 0;
  for (const Operand& input : call.inputs) {
    Shape same = input.tensor->shape;
    fits = fits && same.size() == y.size();
    if (!fits) break;
    const auto at = static_cast<std::size_t>(axis);
    total += same[at];
    same[at] = y[at];
    fits = same == y;
  }
  require(fits && total == y[static_cast<std::size_t>(axis)], call,
          fmt::format("inputs that do not make {} along axis {}", shape_text(y), axis),
          "shapes that add up along the axis");
  const std::int64_t outer = product(y, 0, axis);
  const std::int64_t inner = product(y, axis + 1, std::ssize(y)) * dtype_bytes(call.out().type);
  std::uint8_t* to = call.output.data;
  for (std::int64_t o = 0; o < outer; ++o) {
    for (const Operand& input : call.inputs) {
      const std::int64_t run = input.tensor->shape[static_cast<std::size_t>(axis)] * inner;
      std::memmove(to, input.data + o * run, static_cast<std::size_t>(run));
      to += run;
    }
  }
}

}  // namespace systole::sim::host
