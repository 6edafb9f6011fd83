// A model quantised on the fly keeps the name of the one it was made of.
#include "cli/calibrate.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "cli/inputs.h"
#include "cli/model_name.h"
#include "cli/model_options.h"
#include "cli/samples.h"
#include "compiler/ir/batch.h"
#include "compiler/load.h"
#include "compiler/quantize/quantize.h"
#include "isa/suggest.h"

namespace systole::cli {
namespace {

// One input's samples: rows of a batch, else whole tensors of its shape, or one that serves all.
Tensor samples_of(const compiler::Value& input, InputSource& source, bool has_rows,
                  std::int64_t samples) {
  Shape shape = input.shape;
  if (has_rows) {
    match_rows(input.name, source, shape);
    shape.front() = source.is_random ? samples : source_rows({{input.name, source}});
  } else {
    const std::int64_t each = element_count(shape);
    Shape& found = source.tensor.shape;
    const std::int64_t count = source.is_random ? 1 : source.tensor.count();
    const bool several = !source.is_random && count != each && each > 0 && count % each == 0;
    if (!several) match_shape(input.name, source, shape);
    shape.insert(shape.begin(), several ? count / each : 1);
    if (!source.is_random) found = shape;
  }
  if (!source.is_random) truncate_rows(source.tensor, samples);
  shape.front() = std::min(shape.front(), samples);
  return fit_input(input.name, source, input.type, shape);
}

// Rows of random data that are held at once: fewer than `samples` of large inputs.
std::int64_t random_rows(const compiler::Graph& graph, const compiler::Batch& batch,
                         const std::map<std::string, InputSource>& sources, std::int64_t samples) {
  constexpr std::int64_t kMostElements = std::int64_t{1} << 27;  // of an input: half a GB of floats
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const compiler::Value& input = graph.value(graph.inputs[i]);
    if (!batch.inputs[i] || !sources.at(input.name).is_random) continue;
    const std::int64_t row = element_count(input.shape) / std::max<std::int64_t>(1, input.shape[0]);
    samples = std::min(samples,
                       std::max<std::int64_t>(1, kMostElements / std::max<std::int64_t>(1, row)));
  }
  return samples;
}

}  // namespace

Samples read_samples(const std::string& model, const std::vector<std::string>& data,
                     std::int64_t samples, const compiler::LoadOptions& options) {
  compiler::LoadOptions own = options;  // samples come at the model's own batch or one by one
  own.batch.reset();
  const compiler::Graph graph = read_model(model, own);
  const compiler::Batch batch = compiler::batch_of(graph);
  std::vector<std::string> names;
  for (compiler::ValueId id : graph.inputs) names.push_back(graph.value(id).name);
  std::map<std::string, InputSource> sources = read_sources(data, names, "--calibrate");
  Samples read{compiler::open_onnx(model), own, {}, 1};
  samples = random_rows(graph, batch, sources, samples);
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const compiler::Value& input = graph.value(graph.inputs[i]);
    Tensor t = samples_of(input, sources.at(input.name), batch.inputs[i], samples);
    read.rows = std::max(read.rows, t.shape.front());
    read.data.emplace(input.name, std::move(t));
  }
  return read;
}

QuantisedModel quantised_model(const std::string& model, const std::vector<std::string>& data,
                               std::int64_t samples, const compiler::LoadOptions& options,
                               const compiler::QuantizeOptions& how) {
  Samples read = read_samples(model, data, samples, options);
  return {.bytes = compiler::quantize_onnx(std::move(read.file), read.data, read.options, how),
          .rows = read.rows};
}

void add_calibrate_option(Command app, std::vector<std::string>& data) {
  app.add_option("--calibrate", data,
                 "quantise a float model with these samples first: .npy, IDX (.gz), ONNX .pb "
                 "or random[:SEED], for each input")
      .type_name("[NAME=]DATA");
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
  const bool named = text.starts_with(kPrefix.substr(0, kPrefix.size() - 1));
  const std::string word = text.substr(0, text.find(':'));
  const std::string hint = named ? "" : isa::did_you_mean(word, {"minmax", "percentile:P"});
  throw InputError("--calibration", "'" + text + "'" + hint,
                   "minmax, or percentile:P with P above 50 and below 100");
}

compiler::Graph load_quantised(const std::string& model, const std::vector<std::string>& data,
                               const compiler::LoadOptions& options) {
  const QuantisedModel made = quantised_model(model, data, kDefaultSamples, options);
  compiler::Graph graph = compiler::load_onnx(model, made.bytes, options);
  graph.name = std::filesystem::path(model).stem().string();
  return graph;
}

}  // namespace systole::cli
