// Calibration: the float model runs over the samples in the reference evaluator, some at a time,
// and each tensor's smallest and largest value are kept. For percentiles a second run counts values
// in kBins equal bins between them, and the range ends at bins' edges.
#include "compiler/frontend/quantize_ranges.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMostRows = 64;
constexpr std::int64_t kChunkElements = std::int64_t{1} << 24;  // of the largest tensor
constexpr std::size_t kBins = 8192;
using Histogram = std::array<std::int64_t, kBins>;

Tensor slice(const Tensor& samples, std::int64_t first, const Shape& shape) {
  Tensor part(DType::kFloat32, shape);
  const std::int64_t each = extent(samples.shape, 1, samples.shape.size());
  const float* from = samples.as<float>().data() + first * each;
  std::copy(from, from + part.count(), part.as<float>().begin());
  return part;
}

// Samples that go through the graph of one sample's shapes at a time.
std::int64_t chunk_rows(const Graph& one, std::int64_t count) {
  std::int64_t largest = 1;
  for (const Node& node : one.nodes)
    largest = std::max(largest, element_count(one.value(node.outputs[0]).shape));
  return std::min({count, kMostRows, std::max<std::int64_t>(1, kChunkElements / largest)});
}

void count(Histogram& bins, const CalibrationRange& range, const Tensor& t) {
  const double step = (double{range.max} - double{range.min}) / kBins;
  if (!(step > 0.0)) return;
  for (const float v : t.as<float>()) {
    const double bin = (double{v} - double{range.min}) / step;
    ++bins.at(std::min(kBins - 1, static_cast<std::size_t>(bin)));
  }
}

// Leaves out at most (100 - percentile) % of the values at either end.
CalibrationRange cut(const Histogram& bins, const CalibrationRange& range, double percentile) {
  std::int64_t all = 0;
  for (const std::int64_t n : bins) all += n;
  const double most = (1.0 - percentile / 100.0) * static_cast<double>(all);
  const double step = (double{range.max} - double{range.min}) / kBins;
  std::size_t first = 0;
  std::size_t end = kBins;
  for (double left = most - static_cast<double>(bins[first]); left >= 0.0 && first + 1 < end;)
    left -= static_cast<double>(bins.at(++first));
  for (double left = most - static_cast<double>(bins[end - 1]); left >= 0.0 && end - 1 > first;)
    left -= static_cast<double>(bins.at(--end - 1));
  const auto edge = [&](std::size_t bin) {
    return static_cast<float>(double{range.min} + step * static_cast<double>(bin));
  };
  return {std::min(0.0F, first == 0 ? range.min : edge(first)),
          std::max(0.0F, end == kBins ? range.max : edge(end))};
}

}  // namespace

Calibration::Calibration(std::function<Graph(std::int64_t)> graph_for, std::int64_t rows,
                         const Tensor& samples, std::string where)
    : graph_for_(std::move(graph_for)), rows_(rows), samples_(samples), where_(std::move(where)) {}

void Calibration::run(const Observe& observe) const {
  const std::int64_t count = samples_.shape[0];
  const std::int64_t step = rows_ > 1 ? rows_ : chunk_rows(graph_for_(1), count);
  std::optional<Graph> graph;
  std::int64_t made_for = 0;
  for (std::int64_t first = 0; first < count; first += step) {
    const std::int64_t rows = std::min(step, count - first);
    if (rows != made_for) graph = graph_for_(rows);
    made_for = rows;
    evaluate_each(*graph, {slice(samples_, first, graph->value(graph->inputs[0]).shape)}, observe);
  }
}

std::map<ValueId, CalibrationRange> Calibration::ranges(const std::vector<ValueId>& tensors,
                                                        std::optional<double> percentile) const {
  std::map<ValueId, CalibrationRange> ranges;
  for (ValueId id : tensors) ranges[id] = {};
  run([&](ValueId id, const Tensor& t) {
    const auto found = ranges.find(id);
    if (found == ranges.end()) return;
    CalibrationRange& range = found->second;
    bool finite = true;
    for (const float v : t.as<float>()) {
      finite = finite && std::isfinite(v);
      range.min = std::min(range.min, v);
      range.max = std::max(range.max, v);
    }
    if (finite && std::isfinite(range.max - range.min)) return;
    throw InputError(
        where_,
        fmt::format("'{}' overflows on the calibration data", graph_for_(rows_).value(id).name),
        "numbers");
  });
  if (!percentile) return ranges;
  std::map<ValueId, Histogram> bins;
  run([&](ValueId id, const Tensor& t) {
    const auto found = ranges.find(id);
    if (found != ranges.end()) count(bins[id], found->second, t);
  });
  for (auto& [id, range] : ranges) range = cut(bins[id], range, *percentile);
  return ranges;
}

}  // namespace systole::compiler
