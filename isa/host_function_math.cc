// The bodies of the host's functions that compare and compute.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <type_traits>

#include "isa/host_function_bodies.h"

namespace systole::isa {
namespace {

// NaN is larger than every number, as NumPy sorts it.
template <typename T>
bool is_less(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a < b || (std::isnan(b) && !std::isnan(a));
  } else {
    return a < b;
  }
}

}  // namespace

void top_k(const Call& call, Tensor& y) {
  const Lines lines = lines_of(call.x().shape, call.axis());
  const bool largest = call.f.numbers[1] == 1;
  const bool last = call.f.numbers[2] == 1;
  const std::int64_t k = y.shape[call.axis()];
  std::vector<std::int64_t> order(static_cast<std::size_t>(lines.count));
  with_numbers(call.x(), [&](auto values) {
    for (std::int64_t line = 0; line < lines.outer * lines.inner; ++line) {
      const std::int64_t start = lines.start(line);
      const auto at = [&](std::int64_t i) {
        return values[static_cast<std::size_t>(start + i * lines.inner)];
      };
      std::iota(order.begin(), order.end(), 0);
      std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(k),
                                [&](std::int64_t i, std::int64_t j) {
                                  if (is_less(at(i), at(j))) return !largest;
                                  if (is_less(at(j), at(i))) return largest;
                                  return last ? i > j : i < j;
                                });
      const std::int64_t to = line / lines.inner * k * lines.inner + line % lines.inner;
      for (std::int64_t i = 0; i < k; ++i)
        y.as<std::int64_t>()[static_cast<std::size_t>(to + i * lines.inner)] =
            order[static_cast<std::size_t>(i)];
    }
  });
}

// Integers wrap.
void cum_sum(const Call& call, Tensor& y) {
  const Lines lines = lines_of(call.x().shape, call.axis());
  const bool exclusive = call.f.numbers[1] == 1;
  const bool reverse = call.f.numbers[2] == 1;
  with_numbers(y, [&](auto results) {
    using T = typename decltype(results)::value_type;
    const auto values = call.x().as<T>();
    for (std::int64_t line = 0; line < lines.outer * lines.inner; ++line) {
      T sum{};
      for (std::int64_t i = 0; i < lines.count; ++i) {
        const std::int64_t along = reverse ? lines.count - 1 - i : i;
        const auto at = static_cast<std::size_t>(lines.start(line) + along * lines.inner);
        const T before = sum;
        if constexpr (std::is_integral_v<T>) {
          sum = static_cast<T>(static_cast<std::uint64_t>(sum) +
                               static_cast<std::uint64_t>(values[at]));
        } else {
          sum = static_cast<T>(sum + values[at]);
        }
        results[at] = exclusive ? before : sum;
      }
    }
  });
}

// Gaussian elimination with the largest pivot of each column, in float64.
void det(const Call& call, Tensor& y) {
  const auto n = static_cast<std::size_t>(call.x().shape.back());
  std::vector<double> m(n * n);
  for (std::size_t at = 0; at < y.as<float>().size(); ++at) {
    std::ranges::copy(call.x().as<float>().subspan(at * n * n, n * n), m.begin());
    double product = 1.0;
    for (std::size_t c = 0; c < n; ++c) {
      std::size_t pivot = c;
      for (std::size_t r = c + 1; r < n; ++r) {
        if (std::abs(m[r * n + c]) > std::abs(m[pivot * n + c])) pivot = r;
      }
      product *= m[pivot * n + c];
      if (m[pivot * n + c] == 0.0) break;
      if (pivot != c) product = -product;
      for (std::size_t k = 0; pivot != c && k < n; ++k) std::swap(m[c * n + k], m[pivot * n + k]);
      for (std::size_t r = c + 1; r < n; ++r) {
        const double by = m[r * n + c] / m[c * n + c];
        for (std::size_t k = c; k < n; ++k) m[r * n + k] -= by * m[c * n + k];
      }
    }
    y.as<float>()[at] = static_cast<float>(product);
  }
}

namespace {

// Slices along an axis (elements if it is -1) as bytes that lie together, in their order.
struct Slices {
  Tensor data;  // [slices, elements of one]
  std::int64_t count = 0, size = 1;
};

Slices slices_of(const Tensor& x, std::int64_t axis) {
  Slices slices{Tensor(x.type, {x.count()}), x.count(), 1};
  if (axis < 0) {
    slices.data.data = x.data;
    return slices;
  }
  const Lines lines = lines_of(x.shape, static_cast<std::size_t>(axis));
  slices.count = lines.count;
  slices.size = lines.outer * lines.inner;
  const std::int64_t bytes = dtype_bytes(x.type);
  const std::int64_t run = lines.inner * bytes;
  for (std::int64_t i = 0; i < lines.count; ++i) {
    for (std::int64_t o = 0; o < lines.outer; ++o) {
      std::memcpy(slices.data.data.data() + (i * lines.outer + o) * run,
                  x.data.data() + (o * lines.count + i) * run, static_cast<std::size_t>(run));
    }
  }
  return slices;
}

// The distinct ones: of each the first slice, how many there are, and each slice's place among
// them.
struct Distinct {
  std::vector<std::int64_t> first, count, place;
};

Distinct distinct_of(const Slices& slices, bool sorted) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(slices.count));
  std::iota(order.begin(), order.end(), 0);
  Distinct found;
  found.place.resize(order.size());
  with_numbers(slices.data, [&](auto values) {
    using T = typename decltype(values)::value_type;
    const auto slice = [&](std::int64_t i) {
      return values.subspan(static_cast<std::size_t>(i * slices.size),
                            static_cast<std::size_t>(slices.size));
    };
    const auto less = [&](std::int64_t i, std::int64_t j) {
      return std::ranges::lexicographical_compare(slice(i), slice(j), is_less<T>);
    };
    std::ranges::stable_sort(order, less);
    for (std::size_t n = 0; n < order.size(); ++n) {
      if (n == 0 || less(order[n - 1], order[n])) {
        found.first.push_back(order[n]);
        found.count.push_back(0);
      }
      ++found.count.back();
      found.place[static_cast<std::size_t>(order[n])] = std::ssize(found.first) - 1;
    }
  });
  if (sorted) return found;
  // In the order in which they come.
  std::vector<std::size_t> by_first(found.first.size());
  std::iota(by_first.begin(), by_first.end(), 0);
  std::ranges::sort(by_first, {}, [&](std::size_t i) { return found.first[i]; });
  Distinct ordered = found;
  std::vector<std::int64_t> now(by_first.size());
  for (std::size_t i = 0; i < by_first.size(); ++i) {
    ordered.first[i] = found.first[by_first[i]];
    ordered.count[i] = found.count[by_first[i]];
    now[by_first[i]] = static_cast<std::int64_t>(i);
  }
  for (std::int64_t& place : ordered.place) place = now[static_cast<std::size_t>(place)];
  return ordered;
}

// The slices themselves; what is left of y stays 0.
void write_slices(const Tensor& x, std::int64_t axis, const Distinct& found, Tensor& y) {
  const std::size_t at = axis < 0 ? 0 : static_cast<std::size_t>(axis);
  const Lines from = axis < 0 ? Lines{1, x.count(), 1} : lines_of(x.shape, at);
  const Lines to = lines_of(y.shape, at);
  const std::int64_t run = from.inner * dtype_bytes(x.type);
  for (std::int64_t n = 0; n < std::ssize(found.first); ++n) {
    for (std::int64_t o = 0; o < from.outer; ++o) {
      const std::int64_t source = o * from.count + found.first[static_cast<std::size_t>(n)];
      std::memcpy(y.data.data() + (o * to.count + n) * run, x.data.data() + source * run,
                  static_cast<std::size_t>(run));
    }
  }
}

}  // namespace

void unique(const Call& call, Tensor& y) {
  const std::int64_t axis = call.f.numbers[0];
  const Distinct found = distinct_of(slices_of(call.x(), axis), call.f.numbers[1] == 1);
  const std::int64_t part = call.f.numbers[2];
  const std::size_t along = part == 0 && axis > 0 ? static_cast<std::size_t>(axis) : 0;
  const auto count = std::ssize(part == 2 ? found.place : found.first);
  static_cast<void>(call.room(count, y.shape[along]));
  if (part == 0) return write_slices(call.x(), axis, found, y);
  const std::array<const std::vector<std::int64_t>*, 3> parts = {&found.first, &found.place,
                                                                 &found.count};
  std::ranges::fill(y.as<std::int64_t>(), -1);
  std::ranges::copy(*parts.at(static_cast<std::size_t>(part - 1)), y.as<std::int64_t>().begin());
}

namespace {

// A box by its corners, lower ones first.
struct Box {
  float y0, x0, y1, x1;
  [[nodiscard]] float area() const { return (y1 - y0) * (x1 - x0); }
};

Box box_of(const float* b, bool by_centre) {
  if (by_centre)  // x and y of the centre, width, height
    return {b[1] - b[3] / 2.0F, b[0] - b[2] / 2.0F, b[1] + b[3] / 2.0F, b[0] + b[2] / 2.0F};
  return {std::min(b[0], b[2]), std::min(b[1], b[3]), std::max(b[0], b[2]), std::max(b[1], b[3])};
}

bool overlaps(const Box& a, const Box& b, float threshold) {
  const float height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  const float width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  if (height <= 0.0F || width <= 0.0F) return false;
  const float both = height * width;
  const float either = a.area() + b.area() - both;
  return either > 0.0F && both / either > threshold;
}

// The boxes of one class that stay, the best first.
std::vector<std::int64_t> selected(const Call& call, std::span<const float> boxes,
                                   std::span<const float> scores) {
  std::vector<std::int64_t> order;
  for (std::size_t b = 0; b < scores.size(); ++b) {
    if (scores[b] > call.f.reals[1]) order.push_back(static_cast<std::int64_t>(b));
  }
  const auto score = [&](std::int64_t b) { return scores[static_cast<std::size_t>(b)]; };
  std::ranges::stable_sort(order, std::ranges::greater(), score);
  std::vector<std::int64_t> kept;
  std::vector<Box> areas;
  for (const std::int64_t b : order) {
    if (std::ssize(kept) >= call.f.numbers[1]) break;
    const Box box = box_of(boxes.data() + 4 * b, call.f.numbers[0] == 1);
    const auto hides = [&](const Box& other) { return overlaps(other, box, call.f.reals[0]); };
    if (std::ranges::any_of(areas, hides)) continue;
    kept.push_back(b);
    areas.push_back(box);
  }
  return kept;
}

}  // namespace

void non_max_suppression(const Call& call, Tensor& y) {
  const Shape& shape = call.in(1).shape;
  const auto boxes = static_cast<std::size_t>(shape[2]);
  std::vector<std::int64_t> rows;
  for (std::int64_t image = 0; image < shape[0]; ++image) {
    for (std::int64_t of = 0; of < shape[1]; ++of) {
      const auto at = static_cast<std::size_t>(image * shape[1] + of);
      const auto first = static_cast<std::size_t>(image) * boxes * 4;
      for (const std::int64_t box : selected(call, call.x().as<float>().subspan(first, boxes * 4),
                                             call.in(1).as<float>().subspan(at * boxes, boxes)))
        rows.insert(rows.end(), {image, of, box});
    }
  }
  static_cast<void>(call.room(std::ssize(rows) / 3, y.shape[0]));
  std::ranges::fill(y.as<std::int64_t>(), -1);
  std::ranges::copy(rows, y.as<std::int64_t>().begin());
}

namespace {

// Element offset of each matrix of an operand, in the result's order of matrices.
std::vector<std::int64_t> matrices_of(const Shape& shape, const Shape& result) {
  const std::size_t missing = result.size() - shape.size();
  std::vector<std::int64_t> at = {0};
  for (std::size_t d = 0; d + 2 < result.size(); ++d) {
    const std::int64_t own = d < missing ? 1 : shape[d - missing];
    std::vector<std::int64_t> next;
    for (const std::int64_t from : at) {
      for (std::int64_t i = 0; i < result[d]; ++i) next.push_back(own == 1 ? from : from * own + i);
    }
    at = std::move(next);
  }
  const std::int64_t size = shape[shape.size() - 2] * shape.back();
  for (std::int64_t& matrix : at) matrix *= size;
  return at;
}

// Bytes minus their zero points, which are one, one a row (of a) or one a column (of b).
std::vector<std::int32_t> centred(const Tensor& t, const Tensor& zero, bool by_row) {
  const std::vector<std::int64_t> values = indices_of(t);
  const std::vector<std::int64_t> zeros = indices_of(zero);
  const auto columns = static_cast<std::size_t>(t.shape.back());
  std::vector<std::int32_t> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t line = by_row ? i / columns : i;
    result[i] = static_cast<std::int32_t>(values[i] - zeros[line % zeros.size()]);
  }
  return result;
}

}  // namespace

// Sums wrap; a zero point a row repeats with the matrices.
void matmul_integer(const Call& call, Tensor& y) {
  const Shape& out = y.shape;
  const std::vector<std::int32_t> a = centred(call.in(0), call.in(2), true);
  const std::vector<std::int32_t> b = centred(call.in(1), call.in(3), false);
  const std::vector<std::int64_t> a_at = matrices_of(call.in(0).shape, out);
  const std::vector<std::int64_t> b_at = matrices_of(call.in(1).shape, out);
  const auto k_count = static_cast<std::size_t>(call.in(0).shape.back());
  const auto columns = static_cast<std::size_t>(out.back());
  const auto rows = static_cast<std::size_t>(out[out.size() - 2]);
  std::vector<std::uint32_t> sums(columns);
  for (std::size_t i = 0; i < a_at.size(); ++i) {
    for (std::size_t row = 0; row < rows; ++row) {
      std::ranges::fill(sums, 0U);
      const std::int32_t* from = a.data() + a_at[i] + static_cast<std::int64_t>(row * k_count);
      for (std::size_t k = 0; k < k_count; ++k) {
        const std::int32_t* w = b.data() + b_at[i] + static_cast<std::int64_t>(k * columns);
        for (std::size_t c = 0; c < columns; ++c)
          sums[c] += static_cast<std::uint32_t>(from[k] * w[c]);
      }
      std::memcpy(y.data.data() + (i * rows + row) * columns * 4, sums.data(), columns * 4);
    }
  }
}

}  // namespace systole::isa
