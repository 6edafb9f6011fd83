// Lower bound: cycles below which no schedule of one product can go, from its shape and the
// machine alone. Nothing here knows the compiler.
//
// The inputs are in the unified buffer and the results stay there; the time runs from the first
// weight fetch to the last result leaving the array. With K inner and N outer elements and M output
// pixels:
//   passes      a tile holds R of K and C of N, whatever way inputs are packed into rows (taps of a
//               delay line, copies). A row makes the results of g pixels with inputs of their own,
//               side by side, for the g that costs least: ceil(M / g) rows in each of
//               ceil(g K / R) * ceil(g N / C) passes
//   weights     each tile is fetched at least once, whole, at the rate that refreshes leave; after
//               the last one come its shift, its pass (or another fetch of it) and the drain
//   shift       R cycles a tile
//   activation  a row of results a cycle, or as many as their buffer rows take on the write ports
// One of these is the longest; the others' parts that cannot overlap it are the fill: the first
// tile's fetch + R, and behind the last row R + C.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "isa/machine.h"

namespace systole::bench {

// A convolution of int8 channels; a matmul is one with one pixel an image and a kernel of 1 x 1.
struct ProductShape {
  std::int64_t images = 1, height = 1, width = 1, channels = 1;
  std::int64_t filters = 1;
  std::int64_t kernel = 1, stride = 1, pad = 0;

  [[nodiscard]] std::int64_t out_height() const { return steps(height); }
  [[nodiscard]] std::int64_t out_width() const { return steps(width); }
  [[nodiscard]] std::int64_t rows() const { return images * out_height() * out_width(); }
  [[nodiscard]] std::int64_t inner() const { return kernel * kernel * channels; }
  auto operator<=>(const ProductShape&) const = default;

 private:
  [[nodiscard]] std::int64_t steps(std::int64_t size) const {
    return (size + 2 * pad - kernel) / stride + 1;
  }
};

enum class Resource : std::uint8_t { kMatrix, kWeights, kShift, kActivation };
inline constexpr std::array<std::string_view, 4> kResources = {"matrix", "weights", "shift",
                                                               "activation"};

struct LowerBound {
  std::array<std::int64_t, kResources.size()> cycles{};  // by resource, fill included

  [[nodiscard]] std::int64_t of(Resource r) const { return cycles[static_cast<std::size_t>(r)]; }
  [[nodiscard]] Resource binding() const;
  [[nodiscard]] std::int64_t total() const { return of(binding()); }
};

[[nodiscard]] LowerBound lower_bound(const ProductShape& shape, const isa::Machine& machine);

// Unified buffer rows of input and result together, a pixel's block of channels a row.
[[nodiscard]] std::int64_t buffer_rows(const ProductShape& shape, const isa::Machine& machine);

// Cycles in which weight memory can at best send `tiles` whole tiles, its latency left out.
[[nodiscard]] std::int64_t fetch_cycles(std::int64_t tiles, const isa::Machine& machine);

}  // namespace systole::bench
