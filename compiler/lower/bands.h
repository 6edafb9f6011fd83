// Bands: how a segment goes where not even one image of its maps fits the unified buffer.
//
// The lines of each image are cut into bands, and a job computes one band of every operation: of a
// value that leaves the segment the lines that no other band keeps, of a value that is read there
// the lines that its readers' windows reach. Lines in which windows of two bands overlap are
// computed (or loaded) twice: fused layers as in Alwani et al., "Fused-layer CNN accelerators"
// (MICRO 2016), with recomputation.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace systole::compiler {

struct SegmentPlan;

// Lines [begin, end) of an image.
struct Lines {
  std::int64_t begin = 0, end = 0;
  [[nodiscard]] std::int64_t count() const { return end - begin; }
};

// Those of a map of `height` lines that band `band` of `count` keeps.
[[nodiscard]] Lines kept_lines(std::int64_t height, std::int64_t band, std::int64_t count);

// By band and resident: the lines that are in the unified buffer. None if the segment cannot go in
// so many bands: a value of fewer lines leaves it, or an operation reads whole images.
using BandLines = std::vector<std::vector<Lines>>;
[[nodiscard]] std::optional<BandLines> cut_lines(const SegmentPlan& plan, std::int64_t count);

}  // namespace systole::compiler
