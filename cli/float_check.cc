// A graph has a fixed batch, so the inputs are cut into pieces of that many rows.
#include "cli/float_check.h"

#include <algorithm>
#include <vector>

#include "base/terminal.h"
#include "compiler/ir/batch.h"

namespace systole::cli {
namespace {

// Part `index` of `whole`, as long as one `shape` of it.
Tensor part(const Tensor& whole, const Shape& shape, std::int64_t index) {
  Tensor piece(whole.type, shape);
  const auto begin = whole.data.begin() + index * piece.bytes();
  std::copy(begin, begin + piece.bytes(), piece.data.begin());
  return piece;
}

}  // namespace

report::Accuracy float_accuracy(const compiler::Graph& graph,
                                const std::map<std::string, Tensor>& inputs,
                                std::span<const std::int64_t> labels) {
  const auto batch = static_cast<std::size_t>(compiler::batch_of(graph).rows);
  Progress progress("float32 reference");
  report::Accuracy sum;
  for (std::size_t first = 0; first < labels.size(); first += batch) {
    std::vector<Tensor> parts;
    for (const compiler::ValueId id : graph.inputs) {
      const compiler::Value& value = graph.value(id);
      parts.push_back(
          part(inputs.at(value.name), value.shape, static_cast<std::int64_t>(first / batch)));
    }
    const std::vector<Tensor> outputs = compiler::evaluate(graph, parts);
    const auto rows = std::min(batch, labels.size() - first);
    const report::Accuracy accuracy = report::top1(outputs.front(), labels.subspan(first, rows));
    sum.correct += accuracy.correct;
    sum.total += accuracy.total;
    progress.update(static_cast<double>(first + rows) / static_cast<double>(labels.size()));
  }
  return sum;
}

}  // namespace systole::cli
