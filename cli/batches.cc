// Inputs first, so that the labels can be counted against them.
#include "cli/batches.h"

#include <fmt/core.h>

#include "base/page.h"
#include "base/terminal.h"
#include "cli/inputs.h"
#include "cli/numbers.h"
#include "report/accuracy.h"

namespace systole::cli {

BatchData read_batches(const std::string& model, const std::vector<std::string>& inputs,
                       const std::string& labels, const compiler::Graph& graph) {
  if (graph.inputs.size() != 1) {
    throw InputError(model, fmt::format("has {} inputs", graph.inputs.size()), "one");
  }
  const compiler::Value& input = graph.value(graph.inputs.front());
  InputSource source = read_sources(inputs, {input.name}).at(input.name);
  match_rows(input.name, source, input.shape);
  Shape shape = input.shape;
  const std::int64_t batch = shape.empty() ? 1 : shape.front();
  const std::int64_t rows = source.is_random ? batch : source_rows({{input.name, source}});
  BatchData data;
  if (!labels.empty()) data.labels = report::read_labels(labels, rows);
  const std::int64_t whole = rows / batch * batch;
  if (whole == 0) {
    throw InputError(source.origin, fmt::format("holds {} rows", rows),
                     fmt::format("at least a batch of {}", batch));
  }
  if (whole != rows) {
    note(
        fmt::format("{} at the end without a whole batch: left out", counted(rows - whole, "row")));
  }
  if (!shape.empty()) shape.front() = whole;
  truncate_rows(source.tensor, whole);
  data.inputs = fit_input(input.name, source, input.type, shape);
  if (!data.labels.empty()) data.labels.resize(static_cast<std::size_t>(whole));
  return data;
}

}  // namespace systole::cli
