// Units: cycles and bytes as types, so that a point in time, a duration and a size never mix.
//
// CyclePoint is a moment (cycle number since the start of a run), CycleCount a duration. Points
// subtract to a duration and only durations add up; there is no implicit way to or from integers.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace systole {

// A number with a unit. `Tag` only keeps the types apart.
template <typename Tag>
struct Quantity {
  std::int64_t value = 0;

  constexpr Quantity() = default;
  constexpr explicit Quantity(std::int64_t v) : value(v) {}

  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity& operator+=(Quantity o) { return value += o.value, *this; }
  constexpr Quantity& operator-=(Quantity o) { return value -= o.value, *this; }
  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity(a.value + b.value);
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    return Quantity(a.value - b.value);
  }
  friend constexpr Quantity operator*(Quantity a, std::int64_t n) { return Quantity(a.value * n); }
};

using CycleCount = Quantity<struct CycleTag>;
using Bytes = Quantity<struct ByteTag>;

// A moment in simulated time: cycle 0 is the first cycle of the run.
struct CyclePoint {
  std::int64_t value = 0;

  constexpr CyclePoint() = default;
  constexpr explicit CyclePoint(std::int64_t v) : value(v) {}

  constexpr auto operator<=>(const CyclePoint&) const = default;
  constexpr CyclePoint& operator+=(CycleCount d) { return value += d.value, *this; }
  friend constexpr CyclePoint operator+(CyclePoint t, CycleCount d) {
    return CyclePoint(t.value + d.value);
  }
  friend constexpr CyclePoint operator-(CyclePoint t, CycleCount d) {
    return CyclePoint(t.value - d.value);
  }
  friend constexpr CycleCount operator-(CyclePoint a, CyclePoint b) {
    return CycleCount(a.value - b.value);
  }
};

inline constexpr CyclePoint kNever{std::numeric_limits<std::int64_t>::max() / 4};

// ceil(a / b) for a >= 0, b > 0: the one place where cycles and rows are rounded up.
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

namespace literals {
constexpr CycleCount operator""_cyc(unsigned long long v) {
  return CycleCount(static_cast<std::int64_t>(v));
}
}  // namespace literals

}  // namespace systole
