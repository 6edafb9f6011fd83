// systole quantize: a float ONNX model and samples -> a standard QDQ or QLinear ONNX model.
#include "compiler/quantize/quantize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "base/clean.h"
#include "base/outputs.h"
#include "base/terminal.h"
#include "cli/calibrate.h"
#include "cli/choices.h"
#include "cli/commands.h"
#include "cli/model_name.h"
#include "cli/model_options.h"
#include "cli/samples.h"

namespace systole::cli {
namespace {

struct Options {
  std::vector<std::string> data;  // "[NAME=]FILE"
  std::string model, output, calibration = "minmax", format = "qdq";
  std::vector<std::string> excluded;  // names of layers
  int weight_bits = 8;
  bool report = false;
  ShapeOptions shapes;
  std::int64_t samples = kDefaultSamples;
};

// The costliest layers first.
void print_errors(const compiler::QuantisationErrors& errors) {
  fmt::print("signal to noise of the outputs, one layer alone in 8 bits:\n");
  for (const compiler::LayerError& layer : errors.layers)
    fmt::print("{:8.1f} dB  {} ({})\n", layer.decibels, clean(layer.layer), clean(layer.op));
  fmt::print("{:8.1f} dB  all of them\n", errors.all);
}

void quantize(const Options& o) {
  OutputSet outputs;
  AtomicFile* file = outputs.file("--output", o.output);
  compiler::QuantizeOptions how = calibration_named(o.calibration);
  if (o.format == "qlinear") how.format = compiler::QuantFormat::kQlinear;
  how.excluded.insert(o.excluded.begin(), o.excluded.end());
  how.weight_bits = o.weight_bits;
  std::optional<Progress> progress("quantising");
  const auto [bytes, rows] =
      quantised_model(o.model, o.data, o.samples, load_options(o.shapes), how);
  std::optional<compiler::QuantisationErrors> errors;
  if (o.report) {
    Samples samples = read_samples(o.model, o.data, o.samples, load_options(o.shapes));
    errors =
        compiler::quantisation_errors(std::move(samples.file), samples.data, samples.options, how);
  }
  file->write(bytes);
  outputs.commit();
  progress.reset();
  if (errors) print_errors(*errors);
  fmt::print("{}: {} bytes, calibrated with {} rows of {}\n", clean(o.output), bytes.size(), rows,
             clean(fmt::format("{}", fmt::join(o.data, ", "))));
}

}  // namespace

void add_quantize(Command app, const std::string& /*command_line*/) {
  Command command = app.add_subcommand("quantize", "makes an 8-bit model of a float one");
  const auto o = std::make_shared<Options>();
  command
      .add_option("MODEL", o->model, "a float32 .onnx file, or a name that `systole models` lists")
      .required();
  command
      .add_option("--calibrate", o->data,
                  "samples for each input: .npy, IDX (.gz), ONNX .pb or random[:SEED]")
      .required()
      .type_name("[NAME=]DATA");
  command.add_option("-o,--output", o->output, "ONNX file to write").required().type_name("FILE");
  command.add_option("--samples", o->samples, "rows of DATA to use; default 512")
      .check(check_count)
      .type_name("N");
  command
      .add_option("--calibration", o->calibration,
                  "minmax (default), or percentile:P: ranges leave out what lies beyond the P-th "
                  "percentile at either end, such as percentile:99.9")
      .type_name("HOW");
  command
      .add_option("--format", o->format,
                  "qdq (default): QuantizeLinear and DequantizeLinear around float operators; "
                  "qlinear: QLinearConv and QLinearMatMul where ONNX has them, the rest as qdq")
      .check(one_of({"qdq", "qlinear"}))
      .type_name("FORM");
  command
      .add_option("--exclude", o->excluded,
                  "a layer that stays in floats, which the host computes; may be repeated")
      .type_name("NODE");
  command
      .add_option("--weight-bits", o->weight_bits,
                  "8 (default), or 7: products of bytes then never saturate on processors without "
                  "VNNI")
      .check(one_of({"7", "8"}))
      .type_name("N");
  command.add_flag("--report", o->report,
                   "prints what each layer costs: the outputs' signal-to-noise ratio with it alone "
                   "in 8 bits; a run of the model a layer");
  add_shape_options(command, o->shapes);
  command.footer(
      "Example:\n  systole quantize fashion_mlp --calibrate random -o fashion_int8.onnx\n"
      "  systole run fashion_int8.onnx --batch 200");
  command.callback([o] {
    o->model = resolve_model(o->model, "quantize", o->shapes);
    quantize(*o);
  });
}

}  // namespace systole::cli
