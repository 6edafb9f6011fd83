// Bodies: what one thread of each generic kernel computes, straight from the struct in work.h. The
// CUDA backend starts a thread for each result, the tests' backend walks over them in a loop.
#pragma once

#include "compare/targets/gpu/elements.h"

namespace systole::compare::gpu {

// A number's digits in base `shape`, each weighted by its stride.
SYSTOLE_GPU Index strided(Index i, const Extents& shape, const Extents& strides) {
  Index at = 0;
  for (int d = kMaxRank - 1; d > 0 && i != 0; --d) {
    const auto extent = static_cast<Index>(shape[static_cast<std::size_t>(d)]);
    at += i % extent * static_cast<Index>(strides[static_cast<std::size_t>(d)]);
    i /= extent;
  }
  return at + i * static_cast<Index>(strides[0]);
}

SYSTOLE_GPU float mapped(const Map& m, float x) {
  [[maybe_unused]] const float lo = m.lo;
  [[maybe_unused]] const float hi = m.hi;
  [[maybe_unused]] const float alpha = m.alpha;
  [[maybe_unused]] const float beta = m.beta;
  switch (m.kind) {
#define SYSTOLE_MAP(name, text, host_op, reals, of_float, ...) \
  case MapKind::name:                                          \
    return of_float;
#include "isa/elementwise.def"
    case MapKind::kCopy:
      break;
  }
  return x;
}

SYSTOLE_GPU void body(const Map& m, Index i) {
  Steps x_steps = m.x_steps;
  Steps y_steps = m.y_steps;
  if (m.scales != nullptr) {
    const Index c = i / static_cast<Index>(m.inner) % static_cast<Index>(m.channels);
    Steps& own = is_float(m.from) ? y_steps : x_steps;
    own.scale = m.scales[c];
    own.zero = m.zeros[c];
  }
  write(m.to, m.y, i, mapped(m, read(m.from, m.x, i, x_steps)), y_steps);
}

SYSTOLE_GPU float zipped(ZipKind kind, float a, float b) {
  switch (kind) {
#define SYSTOLE_ZIP(name, text, host_op, vector_op, commutes, of_floats, ...) \
  case ZipKind::name:                                                         \
    return of_floats;
#include "isa/elementwise.def"
  }
  return NAN;  // no kind is left
}

SYSTOLE_GPU void body(const Zip& z, Index i) {
  const float a = read(z.element, z.a, strided(i, z.shape, z.a_strides), z.a_steps);
  const float b = read(z.element, z.b, strided(i, z.shape, z.b_strides), z.b_steps);
  write(z.element, z.y, i, zipped(z.kind, a, b), z.y_steps);
}

SYSTOLE_GPU void body(const Table& t, Index i) {
  static_cast<std::uint8_t*>(t.y)[i] = t.entries[static_cast<const std::uint8_t*>(t.x)[i]];
}

SYSTOLE_GPU void body(const Reorder& r, Index i) {
  const Index from = strided(i, r.shape, r.strides);
  if (r.from == r.to && !is_float(r.from)) {
    write_integer(r.to, r.y, i, read_integer(r.from, r.x, from));
  } else {
    write_float(r.to, r.y, i, read_float(r.from, r.x, from));
  }
}

// Where position `step` of window `index` lies along dimension d; outside x it is negative or
// beyond x's extent.
SYSTOLE_GPU std::int32_t window_at(const Window2d& w, std::size_t d, Index index, Index step) {
  return static_cast<std::int32_t>(index * static_cast<Index>(w.strides[d]) +
                                   step * static_cast<Index>(w.dilations[d])) -
         static_cast<std::int32_t>(w.pads[d]);
}

SYSTOLE_GPU void body(const Patches& p, Index i) {
  auto* out = static_cast<std::int8_t*>(p.out);
  const auto columns = static_cast<Index>(p.columns);
  const auto channels = static_cast<Index>(p.x.c);
  const auto width = static_cast<Index>(p.window.kernel[1]);
  const Index column = i % columns;
  const Index position = column / channels;  // in the window
  out[i] = 0;
  if (position >= static_cast<Index>(p.window.kernel[0]) * width) return;  // behind the window
  const Index pixel = i / columns;                                         // of the result
  const Index x = pixel % static_cast<Index>(p.y.w);
  const Index y = pixel / static_cast<Index>(p.y.w) % static_cast<Index>(p.y.h);
  const Index n = pixel / static_cast<Index>(p.y.w * p.y.h);
  const std::int32_t row = window_at(p.window, 0, y, position / width);
  const std::int32_t col = window_at(p.window, 1, x, position % width);
  out[i] = static_cast<std::int8_t>(p.padding);
  if (row < 0 || row >= p.x.h || col < 0 || col >= p.x.w) return;
  const Index from =
      (n * static_cast<Index>(p.x.h) + static_cast<Index>(row)) * static_cast<Index>(p.x.w) +
      static_cast<Index>(col);
  out[i] = static_cast<const std::int8_t*>(p.in)[from * channels + column % channels];
}

SYSTOLE_GPU void body(const Requantise& r, Index i) {
  const Index c = i % static_cast<Index>(r.channels);
  const Index row = i / static_cast<Index>(r.channels);
  const std::uint32_t sum =
      static_cast<std::uint32_t>(r.sums[row * static_cast<Index>(r.stride) + c]);
  const std::uint32_t bias = r.bias == nullptr ? 0U : static_cast<std::uint32_t>(r.bias[c]);
  const auto total = static_cast<std::int32_t>(sum + bias);  // wraps, as accumulators do
  if (r.multipliers == nullptr) {
    write_integer(Element::kS32, r.y, i, total);
  } else {
    write_integer(Element::kS8, r.y, i,
                  saturated(static_cast<float>(total) * r.multipliers[c], r.y_steps));
  }
}

// What a pool finds in one window.
struct WindowSum {
  float largest = -INFINITY;
  float sum = 0.0F;           // of floats
  std::int32_t integers = 0;  // of integers less their zero point
  std::int32_t inside = 0, counted = 0;
};

SYSTOLE_GPU void add_pixel(const Pool& p, Index at, WindowSum& w) {
  ++w.inside;
  if (is_float(p.element)) {
    const float x = read_float(p.element, p.in, at);
    w.sum += x;
    w.largest = x > w.largest ? x : w.largest;
  } else {
    const std::int32_t x = read_integer(p.element, p.in, at);
    w.integers += x - p.x_steps.zero;
    w.largest = static_cast<float>(x) > w.largest ? static_cast<float>(x) : w.largest;
  }
}

SYSTOLE_GPU Index pixel_index(const Picture& x, Index n, Index c, Index row, Index col) {
  const auto channels = static_cast<Index>(x.c);
  const auto h = static_cast<Index>(x.h);
  const auto w = static_cast<Index>(x.w);
  return x.channels_last ? ((n * h + row) * w + col) * channels + c
                         : ((n * channels + c) * h + row) * w + col;
}

struct Place {
  Index n, c, row, col;
};
SYSTOLE_GPU Place place_of(const Picture& y, Index i) {
  const auto c = static_cast<Index>(y.c);
  const auto h = static_cast<Index>(y.h);
  const auto w = static_cast<Index>(y.w);
  if (y.channels_last) return {i / c / w / h, i % c, i / c / w % h, i / c % w};
  return {i / w / h / c, i / w / h % c, i / w % h, i % w};
}

// What a window comes to.
SYSTOLE_GPU void write_largest(const Pool& p, Index i, const WindowSum& w) {
  const float lowest = is_float(p.element) ? -3.402823466e38F : static_cast<float>(p.x_steps.lo);
  write(p.element, p.out, i, w.inside == 0 ? lowest : w.largest, Steps{});
}

SYSTOLE_GPU void write_average(const Pool& p, Index i, const WindowSum& w) {
  const std::int32_t count = p.count_padding ? w.counted : w.inside;
  if (is_float(p.element)) {
    write_float(p.element, p.out, i, count == 0 ? 0.0F : w.sum / static_cast<float>(count));
    return;
  }
  const auto divisor = static_cast<float>(count == 0 ? 1 : count);
  const float multiplier = p.x_steps.scale / (p.y_steps.scale * divisor);
  write_integer(p.element, p.out, i,
                saturated(static_cast<float>(w.integers) * multiplier, p.y_steps));
}

SYSTOLE_GPU void body(const Pool& p, Index i) {
  const Place y = place_of(p.y, i);
  WindowSum w;
  for (Index r = 0; r < static_cast<Index>(p.window.kernel[0]); ++r) {
    const std::int32_t row = window_at(p.window, 0, y.row, r);
    for (Index s = 0; s < static_cast<Index>(p.window.kernel[1]); ++s) {
      const std::int32_t col = window_at(p.window, 1, y.col, s);
      if (row < p.padded_end[0] && col < p.padded_end[1]) ++w.counted;
      if (row < 0 || row >= p.x.h || col < 0 || col >= p.x.w) continue;
      add_pixel(p, pixel_index(p.x, y.n, y.c, static_cast<Index>(row), static_cast<Index>(col)), w);
    }
  }
  switch (p.kind) {
    case PoolKind::kMax:
      return write_largest(p, i, w);
    case PoolKind::kAverage:
      return write_average(p, i, w);
  }
}

SYSTOLE_GPU void body(const VectorAdd& v, Index i) { v.y[i] = v.a[i] + v.b[i]; }

// The lines start at element `start`.
template <typename Team>
SYSTOLE_GPU void softmax_line(const Reduce& r, Index start, const Team& team) {
  const auto length = static_cast<Index>(r.length);
  const auto stride = static_cast<Index>(r.stride);
  const auto x = [&](Index k) { return read_float(r.element, r.x, start + k * stride); };
  float top = -INFINITY;
  for (Index k = team.rank; k < length; k += team.size) top = x(k) > top ? x(k) : top;
  top = team.max(top);
  float sum = 0.0F;
  for (Index k = team.rank; k < length; k += team.size) sum += expf(x(k) - top);
  sum = team.sum(sum);
  for (Index k = team.rank; k < length; k += team.size) {
    write_float(r.element, r.y, start + k * stride, expf(x(k) - top) / sum);
  }
}

// A sum of what `of` makes of each element, to be told to the whole team.
template <typename Team, typename Of>
SYSTOLE_GPU float line_sum(const Reduce& r, Index start, const Team& team, Of of) {
  const auto stride = static_cast<Index>(r.stride);
  float sum = 0.0F;
  for (Index k = team.rank; k < static_cast<Index>(r.length); k += team.size)
    sum += of(read_float(r.element, r.x, start + k * stride));
  return team.sum(sum);
}

template <typename Team>
SYSTOLE_GPU float line_max(const Reduce& r, Index start, const Team& team, float sign) {
  const auto stride = static_cast<Index>(r.stride);
  float top = -INFINITY;
  for (Index k = team.rank; k < static_cast<Index>(r.length); k += team.size) {
    const float x = sign * read_float(r.element, r.x, start + k * stride);
    top = x > top ? x : top;
  }
  return sign * team.max(top);
}

// A product has no team operation: its first thread multiplies.
template <typename Team>
SYSTOLE_GPU float line_product(const Reduce& r, Index start, const Team& team) {
  const auto stride = static_cast<Index>(r.stride);
  float product = 1.0F;
  for (Index k = 0; team.rank == 0 && k < static_cast<Index>(r.length); ++k)
    product *= read_float(r.element, r.x, start + k * stride);
  return product;
}

template <typename Team>
SYSTOLE_GPU float line_result(const Reduce& r, Index start, const Team& team) {
  const auto itself = [](float x) { return x; };
  switch (r.kind) {
    case ReduceKind::kMean:
      return line_sum(r, start, team, itself) / static_cast<float>(r.length);
    case ReduceKind::kSum:
      return line_sum(r, start, team, itself);
    case ReduceKind::kProd:
      return line_product(r, start, team);
    case ReduceKind::kMax:
      return line_max(r, start, team, 1.0F);
    case ReduceKind::kMin:
      return line_max(r, start, team, -1.0F);
    case ReduceKind::kSoftmax:
      break;  // a result for each element
  }
  return NAN;
}

// One line of a reduction by a team of threads: thread `rank` of `size` takes every size-th
// element; team.sum and team.max combine what the threads have and tell all of them.
template <typename Team>
SYSTOLE_GPU void reduce_line(const Reduce& r, Index line, const Team& team) {
  const auto stride = static_cast<Index>(r.stride);
  const Index start = line / stride * static_cast<Index>(r.length) * stride + line % stride;
  if (r.kind == ReduceKind::kSoftmax) return softmax_line(r, start, team);
  const float result = line_result(r, start, team);
  if (team.rank == 0) write_float(r.element, r.y, line, result);
}

}  // namespace systole::compare::gpu
