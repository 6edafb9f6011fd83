// See results.h.
#include "formats/results.h"

#include <filesystem>

#include "formats/output_names.h"
#include "formats/tensor_files.h"

namespace systole::formats {

TensorFiles::TensorFiles(OutputSet& outputs, const std::string& folder,
                         const std::vector<std::string>& names) {
  for (const auto& [tensor, name] : output_file_names(names)) {
    const std::filesystem::path path = std::filesystem::path(folder) / (name + ".npy");
    files_[tensor] = outputs.file("--output", path.string());
  }
}

void TensorFiles::write(const std::string& name, const Tensor& tensor) {
  files_.at(name)->write(npy_bytes(tensor));
}

}  // namespace systole::formats
