// Model names: files first, then forms, then the names that `systole models` lists.
#include "cli/model_name.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/diag.h"
#include "base/source.h"
#include "base/terminal.h"
#include "compiler/frontend/inline.h"
#include "compiler/load.h"
#include "compiler/zoo/networks.h"
#include "formats/program_files.h"
#include "isa/suggest.h"

namespace systole::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> known_names() {
  std::vector<std::string> names;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(models_folder(), error)) {
    if (entry.path().extension() == ".onnx") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  for (const compiler::Network& network : compiler::networks()) names.emplace_back(network.name);
  return names;
}

// What stands before the colon of each form.
std::vector<std::string> prefixes(std::vector<std::string> forms) {
  for (std::string& form : forms) form.erase(form.find(':'));
  return forms;
}

// Whether the text can only be meant as a file.
bool looks_like_file(const std::string& text) {
  return text.empty() || text.find('/') != std::string::npos || fs::path(text).has_extension();
}

[[noreturn]] void refuse(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon != std::string::npos) {
    const std::vector<std::string> forms = compiler::inline_forms();
    throw InputError(
        text, "is no inline shape" + isa::did_you_mean(text.substr(0, colon), prefixes(forms)),
        fmt::format("one of {}", fmt::join(forms, ", ")));
  }
  throw InputError(text, "is no file and no model's name" + isa::did_you_mean(text, known_names()),
                   "an .onnx file, an inline shape such as gemm:64,64,64, or a name that `systole "
                   "models` lists");
}

// Forms whose first number is the batch.
void note_own_batch(const std::string& text, const ShapeOptions& shapes) {
  const bool own = text.starts_with("gemm:") || text.starts_with("conv:");
  if (!own || !shapes.batch) return;
  note(fmt::format("--batch {} takes the place of {}'s first size", *shapes.batch, text));
}

}  // namespace

std::string resolve_model(const std::string& text, const std::string& command,
                          const ShapeOptions& shapes) {
  formats::require_model(text, command);
  std::error_code error;
  if (fs::exists(text, error)) return text;
  if (compiler::is_inline_shape(text)) {
    note_own_batch(text, shapes);
    return text;
  }
  const fs::path file = models_folder() / (text + ".onnx");
  if (!text.empty() && fs::exists(file, error)) return file.string();
  if (compiler::is_network(text) || looks_like_file(text)) return text;
  refuse(text);
}

compiler::Graph read_model(const std::string& model, const compiler::LoadOptions& options) {
  compiler::Graph graph = compiler::load_model(model, options);
  for (const std::string& text : graph.notes) note_once(text);
  return graph;
}

}  // namespace systole::cli
