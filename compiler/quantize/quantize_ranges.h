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

// Values of each input of a model over all samples, by the input's name: [n, ...] where it has rows
// of a batch, else one tensor that serves all samples or one for each.
using CalibrationData = std::map<std::string, Tensor>;

// Runs samples through a model, many at a time where its batch can grow, else one by one.
class Calibration {
 public:
  // `graph_for(rows)` is the model for that many rows, or throws InputError; `own` is it as it is.
  // `where` is for errors. Throws InputError: data that do not fit the inputs.
  Calibration(std::function<Graph(std::int64_t rows)> graph_for, const Graph& own,
              const CalibrationData& data, std::string where);

  // The range of each tensor; beyond `percentile` (in (50, 100)) at either end values are left out.
  // Throws InputError if one overflows.
  [[nodiscard]] std::map<ValueId, CalibrationRange> ranges(const std::vector<ValueId>& tensors,
                                                           std::optional<double> percentile) const;
  // The model's own inputs, of the first samples.
  [[nodiscard]] std::vector<Tensor> first_inputs() const { return inputs(own_, 0); }

 private:
  using Observe = std::function<void(ValueId, const Tensor&)>;
  void run(const Observe& observe) const;

  // One input's data: elements of a sample, and how many samples they hold.
  struct Source {
    const Tensor* data;
    std::int64_t each, count;
    bool has_rows;
  };
  [[nodiscard]] Source source_of(const Value& input, bool has_rows) const;
  void count_samples();
  [[nodiscard]] bool can_grow() const;
  [[nodiscard]] std::vector<Tensor> inputs(const Graph& graph, std::int64_t first) const;

  std::function<Graph(std::int64_t)> graph_for_;
  const Graph& own_;
  const CalibrationData& data_;
  std::string where_;
  std::int64_t rows_ = 1;     // of the model's own batch
  std::int64_t samples_ = 1;  // in all
  bool grows_ = false;        // whether the batch may have any other number of rows
  std::int64_t step_ = 1;     // samples that go through the model together
  std::vector<Source> sources_;
};

}  // namespace systole::compiler
