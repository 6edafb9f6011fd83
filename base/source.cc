// The build's definitions, as functions.
#include "base/source.h"

namespace systole {
namespace {

std::string joined(std::string whole, std::string_view path) {
  if (!path.empty()) whole.append("/").append(path);
  return whole;
}

std::string data_root() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path beside = program.parent_path().parent_path() / "share/systole";
  if (!error && fs::is_directory(beside / "machines", error)) return beside.string();
  if (fs::is_directory(SYSTOLE_SOURCE_DIR "/machines", error)) return SYSTOLE_SOURCE_DIR;
  return SYSTOLE_DATA_DIR;
}

}  // namespace

std::string_view program_version() { return SYSTOLE_VERSION; }

std::string source_path(std::string_view path) { return joined(SYSTOLE_SOURCE_DIR, path); }

std::string data_path(std::string_view path) {
  static const std::string root = data_root();
  return joined(root, path);
}

std::filesystem::path models_folder() {
  const std::filesystem::path folder = data_path("models");
  std::error_code error;
  return std::filesystem::equivalent(folder, "models", error) ? "models" : folder;
}

}  // namespace systole
