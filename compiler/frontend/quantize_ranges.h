// Calibration: the ranges that a float graph's tensors take over samples.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace systole::compiler {

struct CalibrationRange {
  float min = 0.0F, max = 0.0F;  // 0 is always inside
};

// Runs samples through a model a chunk at a time.
class Calibration {
 public:
  // `graph_for(rows)` is the model for that many samples: the same values whatever the rows.
  // `rows` is how many it takes at a time if that is more than 1. `samples` is [n, ...], n > 0.
  // `where` is for errors.
  Calibration(std::function<Graph(std::int64_t rows)> graph_for, std::int64_t rows,
              const Tensor& samples, std::string where);

  // The range of each tensor; beyond `percentile` (in (50, 100)) at either end values are left out.
  // Throws InputError if one overflows.
  [[nodiscard]] std::map<ValueId, CalibrationRange> ranges(const std::vector<ValueId>& tensors,
                                                           std::optional<double> percentile) const;

 private:
  using Observe = std::function<void(ValueId, const Tensor&)>;
  void run(const Observe& observe) const;

  std::function<Graph(std::int64_t)> graph_for_;
  std::int64_t rows_;
  const Tensor& samples_;
  std::string where_;
};

}  // namespace systole::compiler
