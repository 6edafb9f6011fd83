// Files are read back through the same reader that users' files go through.
#include "tests/support/scratch.h"

#include <stdlib.h>

#include <filesystem>

#include "base/diag.h"
#include "base/files.h"

namespace systole::testing_support {

ScratchFolder::ScratchFolder()
    : path_((std::filesystem::temp_directory_path() / "systole_test_XXXXXX").string()) {
  SYSTOLE_CHECK(mkdtemp(path_.data()) != nullptr, "no folder {}", path_);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

bool ScratchFolder::empty() const { return std::filesystem::is_empty(path_); }

std::string text_of(const std::string& path) {
  const auto bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

}  // namespace systole::testing_support
