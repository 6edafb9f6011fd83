// Calibration: the float model runs over the samples in the reference evaluator, some at a time,
// and each tensor's smallest and largest value are kept. For percentiles a second run counts values
// in kBins equal bins between them, and the range ends at bins' edges.
#include "compiler/quantize/quantize_ranges.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "compiler/ir/batch.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMostRows = 64;
constexpr std::int64_t kChunkElements = std::int64_t{1} << 24;  // of the largest tensor
constexpr std::size_t kBins = 8192;
using Histogram = std::array<std::int64_t, kBins>;

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

Calibration::Calibration(std::function<Graph(std::int64_t)> graph_for, const Graph& own,
                         const CalibrationData& data, std::string where)
    : graph_for_(std::move(graph_for)), own_(own), data_(data), where_(std::move(where)) {
  const Batch batch = batch_of(own_);
  rows_ = batch.rows;
  for (std::size_t i = 0; i < own_.inputs.size(); ++i)
    sources_.push_back(source_of(own_.value(own_.inputs[i]), batch.inputs[i]));
  count_samples();
  grows_ = samples_ % rows_ != 0 || rows_ == 1 ? can_grow() : false;
  step_ = grows_ && rows_ == 1 ? chunk_rows(own_, samples_) : rows_;
  if (samples_ >= rows_ || grows_) return;
  throw InputError(where_, fmt::format("{} samples for a batch of {}", samples_, rows_),
                   fmt::format("at least {}", rows_));
}

Calibration::Source Calibration::source_of(const Value& input, bool has_rows) const {
  const auto found = data_.find(input.name);
  const std::string name = fmt::format("input '{}' {}", input.name, shape_text(input.shape));
  if (found == data_.end())
    throw InputError(where_, name + " has no calibration data", "samples for each input");
  const Tensor& t = found->second;
  const std::int64_t each = element_count(input.shape) / (has_rows ? rows_ : 1);
  if (t.type != input.type || each == 0 || t.count() == 0 || t.count() % each != 0) {
    throw InputError(
        where_, fmt::format("samples {} {} for {}", dtype_name(t.type), shape_text(t.shape), name),
        fmt::format("samples of the input's size, {}", dtype_name(input.type)));
  }
  return {&t, each, t.count() / each, has_rows};
}

void Calibration::count_samples() {
  for (const Source& s : sources_) {
    if (s.count == 1 || s.count == samples_) continue;
    if (samples_ != 1) {
      throw InputError(where_, fmt::format("{} and {} samples of two inputs", samples_, s.count),
                       "as many of each, or one");
    }
    samples_ = s.count;
  }
}

// Whether two samples together give what each gives alone, tensor by tensor.
bool Calibration::can_grow() const {
  bool alike = true;
  bool rows = false;
  for (const Source& s : sources_) {
    alike = alike && (s.has_rows ? s.count == samples_ : s.count == 1);
    rows = rows || s.has_rows;
  }
  if (!alike || !rows) return false;
  try {
    const Graph other = graph_for_(rows_ == 2 ? 3 : 2);
    return other.values.size() == own_.values.size() && !batch_of(other).mixer;
  } catch (const InputError&) {
    return false;
  }
}

// A batch's data from sample `first` on; what serves all samples is repeated for a batch's rows.
std::vector<Tensor> Calibration::inputs(const Graph& graph, std::int64_t first) const {
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const Source& s = sources_[i];
    const Value& input = graph.value(graph.inputs[i]);
    Tensor part(input.type, input.shape);
    const std::int64_t bytes = s.each * dtype_bytes(input.type);
    for (std::int64_t at = 0; at < part.bytes() / bytes; ++at) {
      const std::int64_t from = s.count == 1 ? 0 : (first + at) * bytes;
      std::copy_n(s.data->data.begin() + from, bytes, part.data.begin() + at * bytes);
    }
    tensors.push_back(std::move(part));
  }
  return tensors;
}

void Calibration::run(const Observe& observe) const {
  std::optional<Graph> graph;
  std::int64_t made_for = 0;
  for (std::int64_t first = 0; first < samples_; first += step_) {
    const std::int64_t rows = std::min(step_, samples_ - first);
    if (rows < rows_ && !grows_) break;  // they fill no batch of a fixed size
    if (rows != made_for) graph = rows == rows_ ? own_ : graph_for_(rows);
    made_for = rows;
    evaluate_each(*graph, inputs(*graph, first), observe);
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
    throw InputError(where_,
                     fmt::format("'{}' overflows on the calibration data", own_.value(id).name),
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
