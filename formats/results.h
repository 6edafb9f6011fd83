// A run's outputs as files: one .npy a tensor, in one folder.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/outputs.h"
#include "base/tensor.h"

namespace systole::formats {

class TensorFiles {
 public:
  // Declares NAME.npy in `folder` for each name; characters that do not belong in a file name
  // become
  // '_'. Throws InputError as OutputSet::file() does.
  TensorFiles(OutputSet& outputs, const std::string& folder, const std::vector<std::string>& names);
  // Writes one of them.
  void write(const std::string& name, const Tensor& tensor);

 private:
  std::map<std::string, AtomicFile*> files_;
};

}  // namespace systole::formats
