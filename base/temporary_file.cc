// See temporary_file.h.
#include "base/temporary_file.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "base/diag.h"

namespace systole {
namespace {

namespace fs = std::filesystem;

std::string pattern() { return (fs::temp_directory_path() / "systole-XXXXXX").string(); }

std::string new_file(std::string_view ending) {
  std::string path = pattern();
  path += ending;
  const int descriptor = mkstemps(path.data(), static_cast<int>(ending.size()));
  if (descriptor < 0) throw InputError(path, "cannot be written", "a writable TMPDIR");
  close(descriptor);
  return path;
}

}  // namespace

TemporaryFile::TemporaryFile(std::string_view ending) : path_(new_file(ending)), doomed_(path_) {}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  fs::remove(path_, ignored);
}

TemporaryFolder::TemporaryFolder() : path_(pattern()) {
  if (mkdtemp(path_.data()) == nullptr) {
    throw InputError(path_, "cannot be made", "a writable TMPDIR");
  }
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace systole
