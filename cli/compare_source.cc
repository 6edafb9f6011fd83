// See compare_source.h. Files are read once, whatever the number of batch sizes.
#include "cli/compare_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "base/files.h"
#include "base/temporary_file.h"
#include "cli/calibrate.h"
#include "cli/choices.h"
#include "cli/inputs.h"
#include "cli/model_name.h"
#include "cli/numbers.h"
#include "compare/targets/targets.h"
#include "compiler/frontend/inline.h"
#include "compiler/frontend/onnx_file.h"
#include "compiler/frontend/onnx_writer.h"
#include "compiler/frontend/scalesim_topology.h"
#include "compiler/ir/batch.h"
#include "compiler/load.h"
#include "compiler/zoo/networks.h"
#include "report/accuracy.h"

namespace systole::cli {
namespace {

namespace fs = std::filesystem;
using compiler::Graph;
using compiler::OpKind;

constexpr std::int64_t kMostRows = 10'000;  // of an input file that are used
constexpr std::size_t kMostBatches = 64;

std::int64_t batch_in(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1 ||
      value > kMostComparedBatch) {
    throw InputError("--batches", fmt::format("'{}'", text),
                     fmt::format("whole numbers from 1 to {}", kMostComparedBatch));
  }
  return value;
}

bool has_integers(const Graph& graph) {
  return std::ranges::any_of(graph.nodes, [](const compiler::Node& node) {
    if (node.kind == OpKind::kQuantise || node.kind == OpKind::kDequantise) return true;
    const auto* matmul = std::get_if<compiler::MatmulAttrs>(&node.attrs);
    const auto* conv = std::get_if<compiler::ConvAttrs>(&node.attrs);
    const auto* zip = std::get_if<compiler::ZipAttrs>(&node.attrs);
    return (matmul != nullptr && matmul->x_quant) || (conv != nullptr && conv->x_quant) ||
           (zip != nullptr && zip->output);
  });
}

// True if the text names the batch itself: gemm:M,K,N, conv:N,...
bool has_own_batch(const std::string& model) {
  return model.starts_with("gemm:") || model.starts_with("conv:") || model.starts_with("vadd:");
}

// A file with these bytes, written when it is first asked for.
std::string file_of(std::optional<TemporaryFile>& file, const std::vector<std::uint8_t>& bytes) {
  if (!file) {
    file.emplace(".onnx");
    write_file(file->path(), bytes);
  }
  return file->path();
}

}  // namespace

std::vector<std::int64_t> batch_list(const std::string& text) {
  std::vector<std::int64_t> batches;
  if (const auto dots = text.find(".."); dots != std::string::npos) {
    const std::int64_t last = batch_in(std::string_view(text).substr(dots + 2));
    std::int64_t next = batch_in(std::string_view(text).substr(0, dots));
    for (; next <= last; next *= 2) batches.push_back(next);
  } else {
    std::string_view rest = text;
    while (true) {
      const auto comma = rest.find(',');
      batches.push_back(batch_in(rest.substr(0, comma)));
      if (comma == std::string_view::npos || batches.size() > kMostBatches) break;
      rest.remove_prefix(comma + 1);
    }
  }
  std::ranges::sort(batches);
  batches.erase(std::unique(batches.begin(), batches.end()), batches.end());
  if (batches.empty() || batches.size() > kMostBatches) {
    throw InputError("--batches", fmt::format("'{}'", text),
                     fmt::format("1 to {} batch sizes, as 1,8,64 or 1..1024", kMostBatches));
  }
  return batches;
}

struct ModelSource::Impl {
  explicit Impl(const SourceOptions& o);

  [[nodiscard]] compiler::LoadOptions load_options_at(std::int64_t batch) const {
    compiler::LoadOptions load = load_options(options.shapes);
    if (grows) load.batch = batch;
    return load;
  }
  [[nodiscard]] Graph load_as_given(const compiler::LoadOptions& load) const {
    Graph graph =
        network.empty() ? read_model(path, load) : compiler::load_onnx(path, network, load);
    graph.name = name;
    return graph;
  }
  [[nodiscard]] std::string given_file();
  [[nodiscard]] compare::Models load(std::int64_t batch) const;
  [[nodiscard]] bool takes_any_batch() const;
  [[nodiscard]] std::int64_t own_batch() const;
  [[nodiscard]] std::vector<Tensor> inputs(const Graph& graph);
  void read_data(const Graph& graph);

  SourceOptions options;
  std::string name;  // what reports call the model
  std::string path;  // what is loaded: a file, an inline shape or a network's name
  std::vector<std::uint8_t> network, quantised;               // ONNX files made here; empty: none
  std::optional<TemporaryFile> network_file, quantised_file;  // for who reads files only
  bool integer = false;                                       // the model as given is quantised
  bool grows = true;  // whether it takes other batch sizes than its own
  std::map<std::string, InputSource> sources;
  std::vector<std::int64_t> labels;
};

ModelSource::Impl::Impl(const SourceOptions& o) : options(o), name(o.model), path(o.model) {
  if (o.shapes.batch && !o.batches.empty()) {
    throw InputError("--batch", "and --batches are both given", "one of them");
  }
  if (o.shapes.batch && *o.shapes.batch > kMostComparedBatch) {
    throw InputError("--batch", fmt::format("{}", *o.shapes.batch),
                     fmt::format("at most {}", kMostComparedBatch));
  }
  if (!o.batches.empty()) static_cast<void>(batch_list(o.batches));  // wrong ones before any work
  path = resolve_model(o.model, "compare", o.shapes);
  if (compiler::is_network(path)) {
    network = compiler::network_model(path);
  } else if (!compiler::is_inline_shape(path)) {
    name = fs::path(path).stem().string();
  }
  const Graph graph = load_as_given(load_options(o.shapes));
  integer = has_integers(graph);
  read_data(graph);
  if (o.batches.empty() && !o.shapes.batch && !has_own_batch(o.model)) grows = takes_any_batch();
  if (o.calibrate.empty()) return;
  quantised = quantised_model(path, o.calibrate, kDefaultSamples, load_options(o.shapes)).bytes;
}

// As any reader of ONNX takes it: what came packed, as text or through a pipe is written anew.
std::string ModelSource::Impl::given_file() {
  constexpr int kIrVersion = 0x08;  // the first byte of a plain ONNX file
  if (compiler::is_inline_shape(path) || compiler::is_topology(path)) return {};
  if (!network.empty()) return file_of(network_file, network);
  if (fs::is_regular_file(path) && std::ifstream(path).get() == kIrVersion) return path;
  return file_of(network_file, compiler::onnx_bytes(compiler::open_onnx(path).model, path));
}

// Asked of two rows, as one cannot be mixed with others.
bool ModelSource::Impl::takes_any_batch() const {
  compiler::LoadOptions two = load_options(options.shapes);
  two.batch = 2;
  try {
    const compiler::Batch batch = compiler::batch_of(load_as_given(two));
    return !batch.mixer && std::ranges::count(batch.inputs, true) > 0;
  } catch (const InputError&) {
    return false;
  }
}

std::int64_t ModelSource::Impl::own_batch() const {
  const std::int64_t rows = compiler::batch_of(load_as_given(load_options(options.shapes))).rows;
  if (rows <= kMostComparedBatch) return rows;
  throw InputError(path, fmt::format("batch {}", rows),
                   fmt::format("at most {}", kMostComparedBatch));
}

compare::Models ModelSource::Impl::load(std::int64_t batch) const {
  compare::Models models;
  const compiler::LoadOptions load = load_options_at(batch);
  Graph graph = load_as_given(load);
  if (!quantised.empty()) {
    models.integer = compiler::load_onnx(path, quantised, load);
    models.integer->name = name;
  }
  (integer ? models.integer : models.floating) = std::move(graph);
  return models;
}

// Files become tensors of the graph's type here, so that what is said about them is said once.
void ModelSource::Impl::read_data(const Graph& graph) {
  std::vector<std::string> names;
  for (const compiler::ValueId id : graph.inputs) names.push_back(graph.value(id).name);
  if (!options.labels.empty() && options.inputs.empty()) {
    throw InputError("--labels", "are for rows of a file, and there is no --input",
                     "--input FILE with a row for each label");
  }
  sources = read_sources(options.inputs, names);
  const compiler::Batch batch = compiler::batch_of(graph);
  std::set<std::string> without;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const compiler::Value& v = graph.value(graph.inputs[i]);
    if (batch.inputs[i]) {
      match_rows(v.name, sources.at(v.name), v.shape);
    } else {
      match_shape(v.name, sources.at(v.name), v.shape);
      without.insert(v.name);
    }
  }
  const std::int64_t rows = source_rows(sources, without);
  if (!options.labels.empty()) {
    labels = report::read_labels(options.labels, rows);
    labels.resize(static_cast<std::size_t>(std::min(rows, kMostRows)));
  }
  for (const compiler::ValueId id : graph.inputs) {
    const compiler::Value& v = graph.value(id);
    InputSource& source = sources.at(v.name);
    if (source.is_random) continue;
    Shape shape = v.shape;
    if (!without.contains(v.name)) {
      truncate_rows(source.tensor, kMostRows);
      shape[0] = std::min(rows, kMostRows);
    }
    source.tensor = fit_input(v.name, source, v.type, shape);
  }
}

std::vector<Tensor> ModelSource::Impl::inputs(const Graph& graph) {
  const compiler::Batch batch = compiler::batch_of(graph);
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const compiler::Value& v = graph.value(graph.inputs[i]);
    InputSource source = sources.at(v.name);
    Shape shape = v.shape;
    if (!source.is_random && batch.inputs[i]) {
      const std::int64_t rows = source.tensor.shape.front();
      const std::int64_t whole = rows / shape[0] * shape[0];
      if (whole == 0) {
        throw InputError(source.origin, fmt::format("holds {} rows", rows),
                         fmt::format("at least a batch of {}", shape[0]));
      }
      truncate_rows(source.tensor, whole);
      shape[0] = whole;
    }
    tensors.push_back(fit_input(v.name, source, v.type, shape));
  }
  return tensors;
}

ModelSource::ModelSource(const SourceOptions& options) : impl_(std::make_unique<Impl>(options)) {}
ModelSource::~ModelSource() = default;

compare::Source ModelSource::source() {
  Impl* impl = impl_.get();
  return {.load = [impl](std::int64_t batch) { return impl->load(batch); },
          .inputs = [impl](const Graph& graph) { return impl->inputs(graph); },
          .labels = impl->labels,
          .file = impl->path};
}

std::vector<std::int64_t> ModelSource::batches() const {
  const SourceOptions& o = impl_->options;
  if (!o.batches.empty()) return batch_list(o.batches);
  if (o.shapes.batch) return {*o.shapes.batch};
  if (!has_own_batch(o.model) && impl_->grows) return {1, 16, 256};
  return {impl_->own_batch()};
}

std::string ModelSource::integer_file() const {
  if (!impl_->quantised.empty()) return file_of(impl_->quantised_file, impl_->quantised);
  return impl_->integer ? impl_->given_file() : "";
}

std::string ModelSource::float_file() const { return impl_->integer ? "" : impl_->given_file(); }

void add_source_options(Command app, SourceOptions& o) {
  app.add_option("MODEL", o.model, std::string(kModelHelp) + ", or a name of models/").required();
  add_shape_options(app, o.shapes);
  app.add_option("--batches", o.batches, "batch sizes: 1,8,64, or 1..1024 for powers of two")
      .type_name("LIST");
  app.add_option("--input", o.inputs,
                 "values of an input: .npy, IDX (.gz), ONNX .pb or random[:SEED]; default random:0")
      .type_name("[NAME=]FILE");
  app.add_option("--labels", o.labels, "IDX or .npy labels: adds accuracy").type_name("FILE");
  add_calibrate_option(app, o.calibrate);
  std::vector<std::string> known(std::begin(compare::kPrecisions), std::end(compare::kPrecisions));
  app.add_option("--precision", o.precisions,
                 "int8, fp32, tf32, bf16 or fp16; may be repeated; default: what the model has")
      .check(one_of(known))
      .type_name("NAME");
}

}  // namespace systole::cli
