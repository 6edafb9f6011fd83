// Readers: each takes its input as far as a command would before it computes, in this process; only
// command lines run the program.
#include "tests/golden/refusals.h"

#include <fmt/core.h>

#include <functional>
#include <sstream>
#include <string_view>

#include "base/diag.h"
#include "base/source.h"
#include "cli/calibrate.h"
#include "cli/inputs.h"
#include "cli/model_options.h"
#include "compiler/compile.h"
#include "compiler/frontend/onnx_import.h"
#include "compiler/frontend/scalesim_topology.h"
#include "compiler/load.h"
#include "compiler/zoo/networks.h"
#include "formats/program_files.h"
#include "formats/tensor_files.h"
#include "isa/scalesim_config.h"
#include "sim/run.h"
#include "tests/golden/edited_seed.h"
#include "tests/support/scratch.h"
#include "tests/support/shell.h"

namespace systole::golden {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

// Verified as `run` verifies it.
void run_program(const isa::Program& program) {
  sim::RunOptions options;
  options.timing_only = true;
  static_cast<void>(sim::run(program, program.machine, {}, options));
}

void compile_onnx(const std::string& name, const Bytes& bytes) {
  compiler::OnnxFile file = compiler::parse_onnx(name, bytes);
  static_cast<void>(
      compiler::compile(compiler::import_onnx(file, {}), isa::load_machine("tpu_v1"), {}));
}

// What a file is, by its ending.
void read_seed(const SeedFile& file) {
  const auto is = [&](const char* ending) { return file.name.ends_with(ending); };
  const std::string text(file.bytes.begin(), file.bytes.end());
  if (is(".asm")) return run_program(formats::program_from_text(file.bytes, file.name));
  if (is(".tpu")) return run_program(isa::load_program(file.bytes, file.name));
  if (is(".onnx") || is(".onnxtxt")) return compile_onnx(file.name, file.bytes);
  if (is(".toml")) return static_cast<void>(isa::machine_from_toml(text, file.name));
  if (is(".csv")) return static_cast<void>(compiler::parse_topology(text, file.name));
  if (is(".npy")) return static_cast<void>(formats::parse_npy(file.bytes, file.name));
  if (is(".idx")) return static_cast<void>(formats::parse_idx(file.bytes, file.name));
  if (is(".pb")) return static_cast<void>(formats::parse_tensor_proto(file.bytes, file.name));
  if (is(".cfg"))
    return static_cast<void>(isa::machine_from_scalesim(text, file.name, isa::Machine{}));
  throw InternalError("no reader of " + file.name);
}

// "OPSET SIGNATURE : NODES"
void onnx_nodes(const std::string& input) {
  const std::size_t blank = input.find(' '), colon = input.find(" : ");
  compile_onnx("m.onnxtxt", bytes_of(fmt::format(
                                "<ir_version: 7, opset_import: [\"\" : {}]>\ng {}\n{{ {} }}\n",
                                input.substr(0, blank), input.substr(blank + 1, colon - blank - 1),
                                input.substr(colon + 3))));
}

// "BYTES DICTIONARY": so many bytes of zeros behind a header of format 1.0.
void npy_header(const std::string& input) {
  std::size_t length = 0;
  const std::size_t data = std::stoul(input, &length);
  const std::string dictionary = input.substr(length + 1);
  Bytes bytes = bytes_of("\x93NUMPY");
  bytes.insert(bytes.end(), {1, 0, static_cast<std::uint8_t>(dictionary.size()), 0});
  bytes.insert(bytes.end(), dictionary.begin(), dictionary.end());
  bytes.resize(bytes.size() + data);
  static_cast<void>(formats::parse_npy(bytes, "t.npy"));
}

void set(const std::string& input) {
  isa::Machine machine = isa::load_machine("tiny_8");
  isa::set_parameter(machine, input);
  isa::validate(machine);
}

// "MODEL BATCHES MACHINE"
void compile_model(const std::string& input) {
  std::istringstream words(input);
  std::string model, machine;
  compiler::CompileOptions options;
  words >> model >> options.batches >> std::ws;
  std::getline(words, machine);
  static_cast<void>(
      compiler::compile(compiler::load_model(model, {}), isa::load_machine(machine), options));
}

void load_structure(const std::string& input) {
  compiler::LoadOptions options;
  options.structure_only = true;
  static_cast<void>(compiler::load_model(input, options));
}

struct Reader {
  std::string_view word;
  std::function<void(const std::string& input)> read;
};

const std::vector<Reader>& readers() {
  static const std::vector<Reader> kReaders = {
      {"edit", [](const auto& s) { read_seed(edited_seed(s)); }},
      {"asm",
       [](const auto& s) {
         read_seed({"p.asm", bytes_of(s)});
       }},
      {"machine",
       [](const auto& s) {
         read_seed({"m.toml", bytes_of(s)});
       }},
      {"config",
       [](const auto& s) {
         read_seed({"s.cfg", bytes_of(s)});
       }},
      {"topology",
       [](const auto& s) {
         read_seed({"t.csv", bytes_of(s)});
       }},
      {"onnxtxt",
       [](const auto& s) {
         read_seed({"m.onnxtxt", bytes_of(s)});
       }},
      {"nodes", onnx_nodes},
      {"npy", npy_header},
      {"set", set},
      {"machine-name", [](const auto& s) { static_cast<void>(isa::load_machine(s)); }},
      {"model", load_structure},
      {"network", [](const auto& s) { static_cast<void>(compiler::make_network(s)); }},
      {"compile", compile_model},
      {"dim",
       [](const auto& s) {
         static_cast<void>(cli::load_options({{}, {s}, {}, {}}));
       }},
      {"shape",
       [](const auto& s) {
         static_cast<void>(cli::load_options({{}, {}, {s}, {}}));
       }},
      {"input",
       [](const auto& s) {
         static_cast<void>(cli::read_sources({s}, {"x", "h"}));
       }},
      {"calibration", [](const auto& s) { static_cast<void>(cli::calibration_named(s)); }},
      {"schedule", [](const auto& s) { static_cast<void>(compiler::schedule_named(s)); }},
  };
  return kReaders;
}

// \n, \t, \\ and \xNN become what they stand for.
std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char kind = text[++i];
    if (kind == 'x') {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      out += kind == 'n' ? '\n' : kind == 't' ? '\t' : kind;
    }
  }
  return out;
}

// The text without the place of the source tree on this computer.
std::string without_root(std::string text) {
  const std::string root = source_path() + "/";
  for (std::size_t at = 0; (at = text.find(root)) != std::string::npos;)
    text.erase(at, root.size());
  return text;
}

// A command line in an empty folder: its exit code and the last line it says on standard error.
std::string command_outcome(const std::string& line) {
  const testing_support::ScratchFolder folder;
  const auto finished = testing_support::shell(line, folder.file("."));
  std::string last, each;
  std::istringstream said(finished.err);
  while (std::getline(said, each)) last = each;
  return fmt::format("{} {}", finished.code, finished.code == 0 ? "accepted" : without_root(last));
}

}  // namespace

std::string outcome(const std::string& name) {
  const std::string word = name.substr(0, name.find(' '));
  const std::string input =
      word.size() == name.size() ? "" : unescaped(name.substr(word.size() + 1));
  if (word == "systole") return command_outcome(word + " " + input);
  for (const Reader& reader : readers()) {
    if (reader.word != word) continue;
    try {
      reader.read(input);
      return "0 accepted";
    } catch (const InputError& error) {
      return fmt::format("1 {}", error.what());
    }
  }
  return "no reader '" + word + "'";
}

}  // namespace systole::golden
