// See workload.h.
#include "compare/targets/workload.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/named_error.h"
#include "compare/targets/cpu/float_twin.h"
#include "compiler/pipeline.h"

namespace systole::compare {
namespace {

using compiler::Graph;

constexpr std::int64_t kCheckedMacs = 4'000'000'000;  // a few seconds of the evaluator
// Of one row, when that is all that is checked: ResNet-50's has 4.1 G.
constexpr std::int64_t kCheckedRowMacs = 2 * kCheckedMacs;

bool is_integer(const std::string& precision) { return precision == "int8"; }

template <typename T>
std::int64_t count_right(std::span<const T> outputs, std::span<const std::int64_t> labels) {
  const std::size_t classes = outputs.size() / labels.size();
  std::int64_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = outputs.subspan(i * classes, classes);
    right += std::ranges::max_element(row) - row.begin() == labels[i] ? 1 : 0;
  }
  return right;
}

// Whole batches in `tensor` of a graph's input, or an error that says what would fit.
std::int64_t batches_in(const Tensor& tensor, const compiler::Value& input) {
  Shape expected = input.shape;
  if (!expected.empty() && !tensor.shape.empty()) expected[0] = tensor.shape[0];
  const std::int64_t rows = input.shape.empty() ? 1 : input.shape[0];
  const bool whole = rows > 0 && (expected.empty() || expected[0] % rows == 0);
  if (tensor.type != input.type || tensor.shape != expected || tensor.bytes() == 0 || !whole) {
    throw InputError(
        input.name,
        fmt::format("inputs of {} {}", dtype_name(tensor.type), shape_text(tensor.shape)),
        fmt::format("whole batches of {} {}", dtype_name(input.type), shape_text(input.shape)));
  }
  return expected.empty() ? 1 : expected[0] / rows;
}

}  // namespace

Workload::Workload(const Source& source, std::int64_t batch)
    : source_(source), models_(source.load(batch)) {
  SYSTOLE_CHECK(models_.integer || models_.floating, "a workload without a model");
  if (models_.integer) {
    fused_ = in_file(source.file, [&] { return compiler::fuse_quantised(*models_.integer); });
  }
  work_ = model_work(fused_ ? *fused_ : *models_.floating);
  float_model_ = models_.floating.has_value();
  set_inputs(source);
}

void Workload::set_inputs(const Source& source) {
  inputs_ = source.inputs(fused_ ? *fused_ : *models_.floating);
  if (!float_model_) {
    try {
      FloatTwin twin = float_twin(*models_.integer);
      models_.floating = std::move(twin.graph);
      twin_inputs_ = std::move(twin.inputs);
    } catch (const InputError&) {
      models_.floating.reset();  // no float form: graph() says so
    }
  }
  const Graph& graph = fused_ ? *fused_ : *models_.floating;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const std::int64_t found = batches_in(inputs_[i], graph.value(graph.inputs.at(i)));
    input_batches_ = i == 0 ? found : std::min(input_batches_, found);
    const bool quantised = i < twin_inputs_.size() && twin_inputs_[i];
    float_inputs_.push_back(quantised ? dequantise_input(inputs_[i], *twin_inputs_[i])
                                      : inputs_[i]);
  }
  const auto rows = static_cast<std::size_t>(input_batches_ * work_.batch);
  if (source.labels.size() < rows) return;
  labels_.assign(source.labels.begin(), source.labels.begin() + static_cast<std::ptrdiff_t>(rows));
}

const Graph& Workload::loaded() const {
  return models_.integer ? *models_.integer : *models_.floating;
}

const Graph* Workload::graph(const std::string& precision) const {
  if (is_integer(precision)) return fused_ ? &*fused_ : nullptr;
  return models_.floating ? &*models_.floating : nullptr;
}

const std::vector<Tensor>& Workload::inputs(const std::string& precision) const {
  return is_integer(precision) ? inputs_ : float_inputs_;
}

ByteSpans Workload::input_bytes(const std::string& precision, std::int64_t i) const {
  ByteSpans spans;
  for (const Tensor& t : inputs(precision)) {
    const std::size_t size = t.data.size() / static_cast<std::size_t>(input_batches_);
    const auto at = static_cast<std::size_t>(i % input_batches_) * size;
    spans.push_back(std::span(t.data).subspan(at, size));
  }
  return spans;
}

std::vector<Tensor> Workload::input_tensors(const std::string& precision, std::int64_t i) const {
  const ByteSpans bytes = input_bytes(precision, i);
  std::vector<Tensor> tensors;
  for (std::size_t k = 0; k < bytes.size(); ++k) {
    const Graph& g = *graph(precision);
    const compiler::Value& v = g.value(g.inputs[k]);
    Tensor t(v.type, v.shape);
    std::ranges::copy(bytes[k], t.data.begin());
    tensors.push_back(std::move(t));
  }
  return tensors;
}

std::map<std::string, Tensor> Workload::all_inputs(const std::string& precision) const {
  const Graph& g = *graph(precision);
  const std::vector<Tensor>& all = inputs(precision);
  std::map<std::string, Tensor> by_name;
  for (std::size_t i = 0; i < all.size(); ++i)
    by_name.emplace(g.value(g.inputs.at(i)).name, all[i]);
  return by_name;
}

bool Workload::can_check() const { return work_.macs() <= kCheckedMacs; }

const Tensor& Workload::expected(const std::string& precision, compiler::ValueId value) {
  const auto key = std::pair(is_integer(precision), value);
  const auto found = expected_.find(key);
  if (found != expected_.end()) return found->second;
  return expected_[key] =
             compiler::evaluate(*graph(precision), input_tensors(precision, 0), {value})[0];
}

const std::optional<Tensor>& Workload::expected_of_first_row(const std::string& precision,
                                                             compiler::ValueId value) {
  const auto key = std::pair(is_integer(precision), value);
  const auto found = expected_rows_.find(key);
  if (found != expected_rows_.end()) return found->second;
  return expected_rows_[key] = first_row(precision, value);
}

std::optional<Tensor> Workload::first_row(const std::string& precision,
                                          compiler::ValueId value) const {
  const Workload one(source_, 1);
  const Graph* const row = one.graph(precision);
  const Graph& whole = *graph(precision);
  if (row == nullptr || one.work().macs() > kCheckedRowMacs) return std::nullopt;
  const auto is_row_of = [&](compiler::ValueId id) {
    if (whole.value(id).name != row->value(id).name) return false;
    Shape shape = row->value(id).shape;
    if (!shape.empty()) shape[0] *= batch();
    return shape == whole.value(id).shape;
  };
  if (whole.nodes.size() != row->nodes.size() || !is_row_of(value)) return std::nullopt;
  std::vector<Tensor> inputs;
  for (std::size_t k = 0; k < row->inputs.size(); ++k) {
    if (!is_row_of(row->inputs[k])) return std::nullopt;
    const compiler::Value& v = row->value(row->inputs[k]);
    Tensor t(v.type, v.shape);
    std::ranges::copy(input_bytes(precision, 0)[k].first(t.data.size()), t.data.begin());
    inputs.push_back(std::move(t));
  }
  return compiler::evaluate(*row, inputs, {value})[0];
}

std::int64_t count_right(const Tensor& outputs, std::span<const std::int64_t> labels) {
  switch (outputs.type) {
    case DType::kUint8:
      return count_right(outputs.as<std::uint8_t>(), labels);
    case DType::kInt8:
      return count_right(outputs.as<std::int8_t>(), labels);
    case DType::kFloat32:
      return count_right(outputs.as<float>(), labels);
    default:
      throw InputError("labels", fmt::format("outputs of {}", dtype_name(outputs.type)),
                       "float32, uint8 or int8 outputs");
  }
}

}  // namespace systole::compare
