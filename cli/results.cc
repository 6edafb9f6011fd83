// Names first, then bytes, then renames.
#include "cli/results.h"

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "cli/output_names.h"
#include "cli/tensor_files.h"

namespace systole::cli {
namespace {

namespace fs = std::filesystem;

}  // namespace

void require_distinct(const std::vector<NamedPath>& results) {
  std::map<fs::path, std::string> options;
  for (const NamedPath& result : results) {
    if (result.path.empty()) continue;
    std::error_code error;
    const bool in_place = fs::exists(result.path, error) && fs::is_other(result.path, error);
    const fs::path path = fs::weakly_canonical(fs::absolute(result.path, error), error);
    if (in_place) continue;
    const auto [at, is_new] = options.emplace(path, result.option);
    if (!is_new) {
      throw InputError(result.option, fmt::format("{} is given twice", result.path),
                       "another file than that of " + at->second);
    }
  }
}

OutputFolder::OutputFolder(std::string path) : path_(std::move(path)) {
  std::error_code error;
  created_ = fs::create_directories(path_, error);
  if (error || !fs::is_directory(path_)) {
    throw InputError(path_, "no folder can be made here" + (error ? ": " + error.message() : ""),
                     "a folder for the outputs");
  }
  const AtomicFile probe((fs::path(path_) / "probe.npy").string());  // throws if not writable
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;  // a folder with files in it is not removed
  if (created_) fs::remove(path_, ignored);
}

void OutputFolder::write(const std::map<std::string, Tensor>& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  const std::map<std::string, std::string> file_names = output_file_names(names);
  std::vector<std::unique_ptr<AtomicFile>> files;
  for (const auto& [name, tensor] : tensors) {
    const std::string path = (fs::path(path_) / (file_names.at(name) + ".npy")).string();
    const std::vector<std::uint8_t> bytes = npy_bytes(tensor);
    files.push_back(std::make_unique<AtomicFile>(path));
    files.back()->stream().write(reinterpret_cast<const char*>(bytes.data()),
                                 static_cast<std::streamsize>(bytes.size()));
  }
  for (const auto& file : files) file->commit();
}

}  // namespace systole::cli
