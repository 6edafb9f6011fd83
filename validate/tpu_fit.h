// The fit of a machine's figures to measured rows, as bench/fit_v6e makes it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "isa/machine.h"
#include "validate/tpu_rows.h"

namespace systole::validate {

// A figure that is fitted, and the step of the search.
struct FitFigure {
  std::string_view key;
  std::int64_t isa::Machine::*member;
  std::int64_t step, least, most;
};
[[nodiscard]] std::span<const FitFigure> fit_figures();

using FitRows = std::vector<TpuRow>;
// Larger rows take most of the time and say least: arrays and memory at their efficiencies.
inline constexpr double kFitMacs = 3e11;
inline constexpr double kAllMacs = 1e15;
// The rows of tpu_v6e_fit_rows.txt with at most so many multiply-adds.
[[nodiscard]] FitRows fit_rows(double most_macs);

// Mean absolute error over the rows, in percent.
[[nodiscard]] double fit_error(const isa::Machine& machine, const FitRows& rows);
// From `machine` on, one figure at a time, until no step is better.
[[nodiscard]] isa::Machine fitted(isa::Machine machine, const FitRows& rows);
// The least and the largest value, in steps, of fewer than 32, up to which the error stays below
// `bound`: by halving, as if it grew on either side.
[[nodiscard]] std::pair<std::int64_t, std::int64_t> fit_range(const isa::Machine& machine,
                                                              const FitFigure& figure,
                                                              const FitRows& rows, double bound);

}  // namespace systole::validate
