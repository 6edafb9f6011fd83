// Coordinate descent over the figures of fit_figures (story in tpu_fit.h).
#include "validate/tpu_fit.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <numeric>
#include <thread>
#include <vector>

#include "base/source.h"

namespace systole::validate {
namespace {

using isa::Machine;

constexpr auto kFigures = std::to_array<FitFigure>({
    {"sequencer.start_cycles", &Machine::sequencer_start_cycles, 250, 0, 100'000},
    {"dram.efficiency", &Machine::dram_efficiency, 10, 500, 1'000},
    {"array.efficiency", &Machine::array_efficiency, 10, 500, 1'000},
    {"array.shift_rows", &Machine::array_shift_rows, 1, 1, 8},
    {"array.split", &Machine::array_split, 1, 1, 2},
    {"unified_buffer.operand_bytes", &Machine::unified_buffer_operand_bytes, 4'194'304, 4'194'304,
     134'217'728},
    {"vector.lanes", &Machine::vector_lanes, 50, 50, 2'000},
});

// The machine with a figure `steps` steps away; the same machine beyond its bounds.
Machine moved(Machine machine, const FitFigure& figure, std::int64_t steps) {
  const std::int64_t value = machine.*figure.member + steps * figure.step;
  if (value >= figure.least && value <= figure.most) machine.*figure.member = value;
  return machine;
}

}  // namespace

std::span<const FitFigure> fit_figures() { return kFigures; }

FitRows fit_rows(double most_macs) {
  const auto names = read_fit_names(data_path("compare/model/data/tpu_v6e_fit_rows.txt"));
  FitRows rows;
  for (const char* data :
       {"compare/model/data/tpu_v6e_gemm.csv", "compare/model/data/tpu_v6e_blocks.csv",
        "compare/model/data/tpu_v6e_sdpa.csv"}) {
    for (TpuRow& row : read_tpu_rows(data_path(data))) {
      if (names.contains(row.name) && row.macs() <= most_macs) rows.push_back(std::move(row));
    }
  }
  return rows;
}

double fit_error(const Machine& machine, const FitRows& rows) {
  std::vector<double> errors(rows.size());
  std::atomic<std::size_t> next{0};
  {
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
      workers.emplace_back([&] {
        for (std::size_t at = next++; at < rows.size(); at = next++) {
          errors[at] = std::abs(tpu_seconds(machine, rows[at]) / rows[at].seconds - 1.0);
        }
      });
    }
  }
  return 100.0 * std::accumulate(errors.begin(), errors.end(), 0.0) /
         static_cast<double>(rows.size());
}

Machine fitted(Machine machine, const FitRows& rows) {
  double least = fit_error(machine, rows);
  for (bool better = true; better;) {
    better = false;
    for (const FitFigure& figure : kFigures) {
      for (const std::int64_t way : {1, -1}) {
        for (;;) {
          const Machine next = moved(machine, figure, way);
          if (next == machine) break;
          const double error = fit_error(next, rows);
          if (error >= least) break;
          least = error;
          machine = next;
          better = true;
        }
      }
    }
  }
  return machine;
}

std::pair<std::int64_t, std::int64_t> fit_range(const Machine& machine, const FitFigure& figure,
                                                const FitRows& rows, double bound) {
  constexpr std::int64_t kMostSteps = 32;
  std::pair<std::int64_t, std::int64_t> range{machine.*figure.member, machine.*figure.member};
  for (const std::int64_t way : {-1, 1}) {
    std::int64_t within = 0, beyond = kMostSteps;  // steps
    while (within + 1 < beyond) {
      const std::int64_t steps = (within + beyond) / 2;
      const Machine next = moved(machine, figure, way * steps);
      const bool good = next != machine && fit_error(next, rows) < bound;
      (good ? within : beyond) = steps;
    }
    (way < 0 ? range.first : range.second) = machine.*figure.member + way * within * figure.step;
  }
  return range;
}

}  // namespace systole::validate
