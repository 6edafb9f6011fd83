// Files and folders that are gone when the object is.
#pragma once

#include <string>
#include <string_view>

#include "base/temporary_name.h"

namespace systole {

// A file of its own in the folder for temporary files, empty at first. Throws InputError if that
// folder cannot be written.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view ending = "");
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  TemporaryName doomed_;
};

// The same for a folder with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace systole
