// Result files of a run. Each is opened before the work starts, so that a name that cannot be
// written is known at once, and appears whole or not at all.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/tensor.h"

namespace systole::cli {

struct NamedPath {
  std::string option, path;
};
// Throws InputError if two options name the same file; empty paths and what is no regular file
// (/dev/null, a pipe) do not count.
void require_distinct(const std::vector<NamedPath>& results);

// A folder that gets one .npy file per tensor. If nothing was written and the folder is ours, it
// goes again.
class OutputFolder {
 public:
  // Creates the folder. Throws InputError if it cannot be created or written to.
  explicit OutputFolder(std::string path);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  // Writes NAME.npy for each; characters that do not belong in a file name become '_'. All files
  // are complete before the first takes its name.
  void write(const std::map<std::string, Tensor>& tensors);

 private:
  std::string path_;
  bool created_ = false;
};

}  // namespace systole::cli
