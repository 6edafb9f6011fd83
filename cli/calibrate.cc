// A model quantised on the fly keeps the name of the one it was made of.
#include "cli/calibrate.h"

#include <charconv>
#include <filesystem>

#include "cli/inputs.h"
#include "compiler/frontend/open_model.h"

namespace systole::cli {
QuantisedModel quantised_model(const std::string& model, const std::string& data,
                               std::int64_t samples, const compiler::LoadOptions& options,
                               const compiler::QuantizeOptions& how) {
  const compiler::Graph graph = compiler::load_model(model, options);
  if (graph.inputs.size() != 1) {
    throw InputError(model, fmt::format("has {} inputs", graph.inputs.size()),
                     "one, to calibrate from one file");
  }
  const compiler::Value& input = graph.value(graph.inputs.front());
  InputSource source = read_source(data);
  match_rows(input.name, source, input.shape);
  if (!source.is_random) truncate_rows(source.tensor, samples);
  const std::int64_t rows = source.is_random ? samples : source_rows({{input.name, source}});
  Shape shape = input.shape;
  if (!shape.empty()) shape.front() = rows;
  const Tensor rows_used = fit_input(input.name, source, DType::kFloat32, shape);
  return {.bytes = compiler::quantize_model(model, rows_used, how), .rows = rows};
}

compiler::QuantizeOptions calibration_named(const std::string& text) {
  if (text == "minmax") return {};
  constexpr std::string_view kPrefix = "percentile:";
  double percentile = 0.0;
  const char* const end = text.data() + text.size();
  if (text.starts_with(kPrefix)) {
    const auto [stop, error] = std::from_chars(text.data() + kPrefix.size(), end, percentile);
    if (error == std::errc{} && stop == end && percentile > 50.0 && percentile < 100.0)
      return {.percentile = percentile};
  }
  throw InputError("--calibration", "'" + text + "'",
                   "minmax, or percentile:P with P above 50 and below 100");
}

compiler::Graph load_quantised(const std::string& model, const std::string& data,
                               const compiler::LoadOptions& options) {
  const QuantisedModel made = quantised_model(model, data, kDefaultSamples, options);
  compiler::Graph graph = compiler::load_onnx(model, made.bytes, options);
  graph.name = std::filesystem::path(model).stem().string();
  return graph;
}

}  // namespace systole::cli
