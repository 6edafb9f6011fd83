// systole models: the models that come with the program, and the forms that need no file.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/clean.h"
#include "base/diag.h"
#include "base/outputs.h"
#include "base/page.h"
#include "base/source.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "compiler/load.h"
#include "compiler/zoo/networks.h"

namespace systole::cli {
namespace {

namespace fs = std::filesystem;

// "x float32 [1, 784] -> probabilities float32 [1, 10], 7 operators"
std::string describe(const compiler::Graph& graph) {
  const auto list = [&](const std::vector<compiler::ValueId>& ids) {
    std::string text;
    for (const compiler::ValueId id : ids) {
      const compiler::Value& v = graph.value(id);
      text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", clean(v.name), dtype_name(v.type),
                          shape_text(v.shape));
    }
    return text;
  };
  return fmt::format("{} -> {}, {} operators", list(graph.inputs), list(graph.outputs),
                     graph.nodes.size());
}

// One model that is not accepted must not hide the others.
std::string describe_file(const std::string& file) {
  try {
    return describe(compiler::load_model(file, {}));
  } catch (const InputError& error) {
    return fmt::format("not accepted: {}", error.what());
  }
}

void list_models() {
  const fs::path folder = models_folder();
  std::vector<fs::path> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".onnx") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    fmt::print("{}\n    {}\n", clean(file.stem().string()),
               wrapped(describe_file(file.string()), 4, 4));
  }
  fmt::print(
      "Inline shapes, of int8, or of bfloat16 on machines that multiply floats:\n"
      "gemm:M,K,N\n    product of [M, K] and [K, N], seeded weights\n"
      "mlp:D0,D1,...,Dn\n    fully connected layers D0 -> D1 -> ... -> Dn with ReLU between,\n"
      "    seeded weights\n"
      "conv:N,C,H,W,K,R,S,stride,pad\n    convolution of [N, C, H, W] with K filters of R x "
      "S, "
      "seeded\n    weights\n"
      "vadd:N\n    sum of two vectors of N elements\n");
  for (const compiler::Network& network : compiler::networks()) {
    fmt::print("{}\n    {}\n", network.name,
               wrapped(fmt::format("{}, float32, seeded weights", network.text), 4, 4));
  }
}

struct MakeOptions {
  std::string name, output;
};

void make_model(const MakeOptions& o) {
  OutputSet outputs;
  AtomicFile* file = outputs.file("--output", o.output);
  std::optional<Progress> progress("making");
  const std::vector<std::uint8_t> bytes = compiler::network_model(o.name);
  file->write(bytes);
  outputs.commit();
  progress.reset();
  fmt::print("{}: {} bytes; weights are random, its answers mean nothing\n", clean(o.output),
             bytes.size());
}

}  // namespace

void add_models(Command app, const std::string& /*command_line*/) {
  Command command =
      app.add_subcommand("models", "lists the models at hand and inline forms, makes networks");
  command.footer("Example:\n  systole models\n  systole models make resnet18 -o resnet18.onnx");
  const auto o = std::make_shared<MakeOptions>();
  Command make = command.add_subcommand(
      "make", "writes a known network with random weights as a float32 ONNX file");
  make.add_option("NAME", o->name, "one of those `systole models` lists").required();
  make.add_option("-o,--output", o->output, "ONNX file to write").required().type_name("FILE");
  make.footer("Example:\n  systole models make resnet18 -o resnet18.onnx");
  command.callback([command, o] {
    if (command.has_subcommand()) {
      make_model(*o);
    } else {
      list_models();
    }
  });
}

}  // namespace systole::cli
