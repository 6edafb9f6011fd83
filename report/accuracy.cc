// Works on any element type, since quantised outputs rank as their dequantised values do.
#include "report/accuracy.h"

#include <algorithm>

#include "formats/tensor_files.h"

namespace systole::report {
namespace {

// Calls `visit` with the tensor's elements as a span of their type.
template <typename Visitor>
auto visit_elements(const Tensor& tensor, Visitor&& visit) {
  switch (tensor.type) {
#define SYSTOLE_DTYPE(name, text, bytes, onnx, type) \
  case DType::name:                                  \
    return visit(tensor.as<type>());
#include "base/dtype.def"
  }
  throw InternalError("tensor of no known type");
}

}  // namespace

std::vector<std::int64_t> read_labels(const std::string& path, std::int64_t rows) {
  const Tensor tensor = formats::read_tensor_file(path);
  if (tensor.type == DType::kFloat32 || tensor.type == DType::kFloat64) {
    throw InputError(path, fmt::format("labels have type {}", dtype_name(tensor.type)), "integers");
  }
  if (tensor.count() != rows) {
    throw InputError(path, fmt::format("holds {} labels", tensor.count()),
                     fmt::format("{}, one for each row of the input", rows));
  }
  return visit_elements(tensor, [](const auto elements) {
    std::vector<std::int64_t> labels;
    for (const auto x : elements) labels.push_back(static_cast<std::int64_t>(x));
    return labels;
  });
}

Accuracy top1(const Tensor& scores, std::span<const std::int64_t> labels) {
  const std::int64_t rows = scores.shape.empty() ? 1 : scores.shape.front();
  const auto width = static_cast<std::size_t>(rows == 0 ? 0 : scores.count() / rows);
  SYSTOLE_CHECK(static_cast<std::int64_t>(labels.size()) <= rows, "{} labels for {} rows",
                labels.size(), rows);
  return visit_elements(scores, [&](const auto elements) {
    Accuracy accuracy;
    accuracy.total = static_cast<std::int64_t>(labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto row = elements.subspan(i * width, width);
      const auto best = std::max_element(row.begin(), row.end()) - row.begin();
      if (best == labels[i]) ++accuracy.correct;
    }
    return accuracy;
  });
}

}  // namespace systole::report
