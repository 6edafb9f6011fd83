// Vector values: the loops, and the choice of the widest instruction set (story in
// vector_values.h).
#include "sim/unit/vector_values.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>

#include "base/bfloat16.h"
#include "base/numerics.h"
#include "isa/access.h"
#include "sim/unit/simd.h"

#define SYSTOLE_INLINE [[gnu::always_inline]] inline

namespace systole::sim {
namespace {

namespace configuration = isa::configuration;
namespace op = isa::vector_op;
namespace type = isa::type;

constexpr float kRound = 12582912.0F;  // 1.5 * 2^23 (activation_values.h)

template <typename T>
SYSTOLE_INLINE T load(const std::uint8_t* from, std::int64_t c) {
  T value;
  std::memcpy(&value, from + c * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}
template <typename T>
SYSTOLE_INLINE void store(std::uint8_t* to, std::int64_t c, T value) {
  std::memcpy(to + c * static_cast<std::int64_t>(sizeof(T)), &value, sizeof(T));
}

template <typename T>
SYSTOLE_INLINE void dequantise_loop(const std::uint8_t* from, const Elements& e, std::int64_t n,
                                    float* to) {
  const float scale = e.scale;
  const std::int32_t zero = e.zero;
  for (std::int64_t c = 0; c < n; ++c) {
    if constexpr (sizeof(T) == 4) {
      to[c] = dequantise(load<T>(from, c), zero, scale);
    } else {  // the difference fits in 32 bits
      to[c] = static_cast<float>(std::int32_t{load<T>(from, c)} - zero) * scale;
    }
  }
}

SYSTOLE_INLINE void combine_loop(std::int64_t operation, const float* y, std::int64_t n, float* x) {
  if (operation == op::kAdd) {
    for (std::int64_t c = 0; c < n; ++c) x[c] = x[c] + y[c];
  } else if (operation == op::kSub) {
    for (std::int64_t c = 0; c < n; ++c) x[c] = x[c] - y[c];
  } else if (operation == op::kMul) {
    for (std::int64_t c = 0; c < n; ++c) x[c] = x[c] * y[c];
  } else if (operation == op::kMax) {
    for (std::int64_t c = 0; c < n; ++c) x[c] = x[c] < y[c] || y[c] != y[c] ? y[c] : x[c];
  } else if (operation == op::kMin) {
    for (std::int64_t c = 0; c < n; ++c) x[c] = y[c] < x[c] || y[c] != y[c] ? y[c] : x[c];
  }
}

// Binary32 in units of the result's scale into elements.
template <typename T>
SYSTOLE_INLINE void saturate_loop(const float* from, const Limits& limits, std::int64_t n,
                                  std::uint8_t* to) {
  if constexpr (sizeof(T) == 4) {
    for (std::int64_t c = 0; c < n; ++c) {
      store<T>(to, c, round_and_saturate(from[c], limits.zero_point, limits.lo, limits.hi));
    }
    return;
  }
  const auto low = static_cast<float>(limits.lo - limits.zero_point);
  const auto high = static_cast<float>(limits.hi - limits.zero_point);
  const std::int32_t zero = limits.zero_point;
  for (std::int64_t c = 0; c < n; ++c) {
    float x = from[c];
    x = x == x ? x : 0.0F;  // NaN gives the zero point
    x = x < low ? low : x;
    x = x > high ? high : x;
    const std::int32_t value = static_cast<std::int32_t>((x + kRound) - kRound);
    store<T>(to, c, static_cast<T>(value + zero));
  }
}

template <typename T>
SYSTOLE_INLINE void largest_loop(const std::uint8_t* from, std::int64_t n, std::uint8_t* to) {
  for (std::int64_t c = 0; c < n; ++c) {
    store<T>(to, c, std::max(load<T>(to, c), load<T>(from, c)));
  }
}

// What differs from one instruction set to the other: a row of each loop, by element type.
struct Loops {
  void (*dequantise)(const std::uint8_t* from, const Elements& e, std::int64_t n, float* to);
  void (*combine)(std::int64_t operation, const float* y, std::int64_t n, float* x);
  void (*quantise)(float* x, const Result& r, std::int64_t n, std::uint8_t* to);  // changes x
  void (*largest)(const std::uint8_t* from, std::int64_t t, std::int64_t n, std::uint8_t* to);
  void (*add_narrow)(const std::uint8_t* from, const Elements& e, std::int64_t n,
                     std::int32_t* sums);
  void (*add_wide)(const std::uint8_t* from, const Elements& e, std::int64_t n, std::int64_t* sums);
};

// T is Bfloat16 or float.
template <typename T>
SYSTOLE_INLINE void widen_floats(const std::uint8_t* from, std::int64_t n, float* to) {
  for (std::int64_t c = 0; c < n; ++c) to[c] = canonical(load<T>(from, c));
}
template <typename T>
SYSTOLE_INLINE void round_floats(const float* from, std::int64_t n, std::uint8_t* to) {
  for (std::int64_t c = 0; c < n; ++c) store<T>(to, c, T(canonical(from[c])));
}
template <typename T>
SYSTOLE_INLINE void largest_floats(const std::uint8_t* from, std::int64_t n, std::uint8_t* to) {
  for (std::int64_t c = 0; c < n; ++c) {
    const float top = canonical(load<T>(to, c)), v = canonical(load<T>(from, c));
    store<T>(to, c, T(top < v || v != v ? v : top));
  }
}

SYSTOLE_INLINE void dequantise_row(const std::uint8_t* from, const Elements& e, std::int64_t n,
                                   float* to) {
  if (e.type == type::kBf16) return widen_floats<Bfloat16>(from, n, to);
  if (e.type == type::kF32) return widen_floats<float>(from, n, to);
  if (e.type == type::kU8) return dequantise_loop<std::uint8_t>(from, e, n, to);
  if (e.type == type::kS8) return dequantise_loop<std::int8_t>(from, e, n, to);
  if (e.type == type::kS16) return dequantise_loop<std::int16_t>(from, e, n, to);
  dequantise_loop<std::int32_t>(from, e, n, to);
}

SYSTOLE_INLINE void quantise_row(float* x, const Result& r, std::int64_t n, std::uint8_t* to) {
  if (r.type == type::kBf16 || r.type == type::kF32) {
    for (std::int64_t c = 0; c < n; ++c) x[c] = r.floats.apply(x[c]);
    return r.type == type::kBf16 ? round_floats<Bfloat16>(x, n, to) : round_floats<float>(x, n, to);
  }
  const float scale = r.scale;
  for (std::int64_t c = 0; c < n; ++c) x[c] = x[c] / scale;
  if (r.type == type::kU8) return saturate_loop<std::uint8_t>(x, r.limits, n, to);
  if (r.type == type::kS8) return saturate_loop<std::int8_t>(x, r.limits, n, to);
  if (r.type == type::kS16) return saturate_loop<std::int16_t>(x, r.limits, n, to);
  saturate_loop<std::int32_t>(x, r.limits, n, to);
}

SYSTOLE_INLINE void largest_row(const std::uint8_t* from, std::int64_t t, std::int64_t n,
                                std::uint8_t* to) {
  if (t == type::kBf16) return largest_floats<Bfloat16>(from, n, to);
  if (t == type::kF32) return largest_floats<float>(from, n, to);
  if (t == type::kU8) return largest_loop<std::uint8_t>(from, n, to);
  if (t == type::kS8) return largest_loop<std::int8_t>(from, n, to);
  if (t == type::kS16) return largest_loop<std::int16_t>(from, n, to);
  largest_loop<std::int32_t>(from, n, to);
}

SYSTOLE_INLINE void add_float_row(const std::uint8_t* from, const Elements& e, std::int64_t n,
                                  float* sums) {
  if (e.type == type::kBf16) {
    for (std::int64_t c = 0; c < n; ++c) sums[c] = sums[c] + load<Bfloat16>(from, c);
  } else {
    for (std::int64_t c = 0; c < n; ++c) sums[c] = sums[c] + load<float>(from, c);
  }
}

// Windows of at most 255 x 255 elements of 8 bits: their sums fit in 32.
SYSTOLE_INLINE void add_narrow_row(const std::uint8_t* from, const Elements& e, std::int64_t n,
                                   std::int32_t* sums) {
  const std::int32_t zero = e.zero;
  if (e.type == type::kU8) {
    for (std::int64_t c = 0; c < n; ++c) sums[c] += load<std::uint8_t>(from, c) - zero;
  } else {
    for (std::int64_t c = 0; c < n; ++c) sums[c] += load<std::int8_t>(from, c) - zero;
  }
}

SYSTOLE_INLINE void add_wide_row(const std::uint8_t* from, const Elements& e, std::int64_t n,
                                 std::int64_t* sums) {
  const std::int32_t zero = e.zero;
  if (e.type == type::kS16) {
    for (std::int64_t c = 0; c < n; ++c) sums[c] += load<std::int16_t>(from, c) - zero;
  } else {
    for (std::int64_t c = 0; c < n; ++c) {
      sums[c] += std::int64_t{load<std::int32_t>(from, c)} - zero;
    }
  }
}

// The same loops for one instruction set.
#define SYSTOLE_LOOPS(Name, ...)                                                                  \
  struct Name {                                                                                   \
    __VA_ARGS__ static void dequantise(const std::uint8_t* from, const Elements& e,               \
                                       std::int64_t n, float* to) {                               \
      dequantise_row(from, e, n, to);                                                             \
    }                                                                                             \
    __VA_ARGS__ static void combine(std::int64_t operation, const float* y, std::int64_t n,       \
                                    float* x) {                                                   \
      combine_loop(operation, y, n, x);                                                           \
    }                                                                                             \
    __VA_ARGS__ static void quantise(float* x, const Result& r, std::int64_t n,                   \
                                     std::uint8_t* to) {                                          \
      quantise_row(x, r, n, to);                                                                  \
    }                                                                                             \
    __VA_ARGS__ static void largest(const std::uint8_t* from, std::int64_t t, std::int64_t n,     \
                                    std::uint8_t* to) {                                           \
      largest_row(from, t, n, to);                                                                \
    }                                                                                             \
    __VA_ARGS__ static void add_narrow(const std::uint8_t* from, const Elements& e,               \
                                       std::int64_t n, std::int32_t* sums) {                      \
      add_narrow_row(from, e, n, sums);                                                           \
    }                                                                                             \
    __VA_ARGS__ static void add_wide(const std::uint8_t* from, const Elements& e, std::int64_t n, \
                                     std::int64_t* sums) {                                        \
      add_wide_row(from, e, n, sums);                                                             \
    }                                                                                             \
    static constexpr Loops kAll{dequantise, combine, quantise, largest, add_narrow, add_wide};    \
  };

SYSTOLE_LOOPS(Portable, )
#if defined(__x86_64__)
SYSTOLE_LOOPS(Avx2, [[gnu::target("avx2")]])
SYSTOLE_LOOPS(Avx512, [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512")]])
#endif
#undef SYSTOLE_LOOPS

const Loops& best_loops() {
#if defined(__x86_64__)
  if (best_simd() >= Simd::kAvx512) return Avx512::kAll;
  if (best_simd() >= Simd::kAvx2) return Avx2::kAll;
#endif
  return Portable::kAll;
}

const Loops& loops() {
  static const Loops& best = best_loops();
  return best;
}

// The pixels of one output's window, row by row, as visit(row of the map's RowSpan).
template <typename Visit>
void for_window(const PoolMap& map, std::int64_t oy, std::int64_t ox, Visit&& visit) {
  for (std::int64_t y = map.y.begin(oy); y < map.y.end(oy); ++y) {
    for (std::int64_t x = map.x.begin(ox); x < map.x.end(ox); ++x) visit(y * map.x.in + x);
  }
}

void pool_largest(const Pooling& p, const PoolMap& map, RowSpan from, RowSpan to) {
  const auto bytes = static_cast<std::size_t>(p.n * isa::element_bytes(p.from.type));
  for (std::int64_t o = 0; o < map.outputs(); ++o) {
    const std::int64_t oy = o / map.x.out, ox = o % map.x.out;
    const std::int64_t first = map.y.begin(oy) * map.x.in + map.x.begin(ox);
    std::memcpy(to.row(o), from.row(first), bytes);
    for_window(map, oy, ox, [&](std::int64_t pixel) {
      if (pixel != first || isa::is_float(p.from.type))
        loops().largest(from.row(pixel), p.from.type, p.n, to.row(o));
    });
  }
}

// Sum is wide enough for every window of the type.
template <typename Sum, typename Add>
void pool_average(const Pooling& p, const PoolMap& map, RowSpan from, RowSpan to, Add add) {
  constexpr bool kFloats = std::is_same_v<Sum, float>;
  std::vector<Sum> sums(static_cast<std::size_t>(p.n));
  std::vector<float> x(sums.size());
  const Result unscaled{p.to.type, 1.0F, p.to.limits, p.to.floats};
  for (std::int64_t o = 0; o < map.outputs(); ++o) {
    std::ranges::fill(sums, Sum{0});
    std::int64_t count = 0;
    for_window(map, o / map.x.out, o % map.x.out, [&](std::int64_t pixel) {
      add(from.row(pixel), p.from, p.n, sums.data());
      ++count;
    });
    if (map.include_pad) count = map.y.kernel * map.x.kernel;
    const float multiplier = average_multiplier(p.from.scale, p.to.scale, count);
    for (std::size_t c = 0; c < sums.size(); ++c) {
      x[c] = kFloats ? static_cast<float>(sums[c]) / static_cast<float>(count)
                     : static_cast<float>(sums[c]) * multiplier;
    }
    loops().quantise(x.data(), unscaled, p.n, to.row(o));
  }
}

}  // namespace

Result result_of(const isa::Registers& registers, std::int64_t type) {
  const std::int64_t half = std::int64_t{1} << (8 * isa::element_bytes(type) - 1);
  const std::int64_t lowest = type == type::kU8 ? 0 : -half;
  const std::int64_t highest = type == type::kU8 ? 255 : half - 1;
  const std::int64_t lo = std::max<std::int64_t>(registers.integer(configuration::kLo), lowest);
  const std::int64_t hi = std::min<std::int64_t>(registers.integer(configuration::kHi), highest);
  return {type,
          registers.scale(configuration::kToScale),
          {registers.integer(configuration::kToZero), static_cast<std::int32_t>(lo),
           static_cast<std::int32_t>(hi)},
          isa::float_limits_of(registers)};
}

VectorMath::VectorMath(std::int64_t operation, const Elements& a, const Elements& b,
                       const Result& to, std::int64_t n)
    : operation_(operation),
      a_(a),
      b_(b),
      to_(to),
      x_(static_cast<std::size_t>(n)),
      y_(operation == op::kConvert ? 0 : x_.size()) {}

void VectorMath::load_b(const std::uint8_t* b) {
  loops().dequantise(b, b_, std::ssize(y_), y_.data());
}

void VectorMath::row(const std::uint8_t* a, std::uint8_t* to) {
  const std::int64_t n = std::ssize(x_);
  loops().dequantise(a, a_, n, x_.data());
  loops().combine(operation_, y_.data(), n, x_.data());
  loops().quantise(x_.data(), to_, n, to);
}

void widen_row(const std::uint8_t* from, std::int64_t type, std::int64_t n, std::int32_t* to) {
  if (type == type::kU8) {
    for (std::int64_t c = 0; c < n; ++c) to[c] = load<std::uint8_t>(from, c);
  } else if (type == type::kS8) {
    for (std::int64_t c = 0; c < n; ++c) to[c] = load<std::int8_t>(from, c);
  } else if (type == type::kS16) {
    for (std::int64_t c = 0; c < n; ++c) to[c] = load<std::int16_t>(from, c);
  } else {
    for (std::int64_t c = 0; c < n; ++c) to[c] = load<std::int32_t>(from, c);
  }
}

void store_row(const std::int32_t* from, std::int64_t type, std::int64_t n, std::uint8_t* to) {
  if (isa::element_bytes(type) < 4) return narrow_row(from, n, isa::element_bytes(type), to);
  for (std::int64_t c = 0; c < n; ++c) store<std::int32_t>(to, c, from[c]);
}

void look_up_row(const std::int32_t* words, std::int64_t type, std::int64_t n,
                 const std::int32_t* from, std::int32_t* to) {
  if (type != type::kS16) {
    const std::int32_t lowest = type == type::kU8 ? 0 : -128;
    for (std::int64_t c = 0; c < n; ++c) to[c] = words[from[c] - lowest];
    return;
  }
  for (std::int64_t c = 0; c < n; ++c) {
    const std::int32_t i = (from[c] >> 8) + 128;
    to[c] = static_cast<std::int32_t>(interpolate(words[i], words[i + 1], from[c]));
  }
}

void pool_rows(const Pooling& pooling, const PoolMap& map, RowSpan from, RowSpan to) {
  if (!pooling.average) return pool_largest(pooling, map, from, to);
  if (isa::is_float(pooling.from.type)) {
    return pool_average<float>(pooling, map, from, to, add_float_row);
  }
  if (isa::element_bytes(pooling.from.type) == 1) {
    return pool_average<std::int32_t>(pooling, map, from, to, loops().add_narrow);
  }
  pool_average<std::int64_t>(pooling, map, from, to, loops().add_wide);
}

}  // namespace systole::sim
