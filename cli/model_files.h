// The models that come with the program.
#pragma once

#include <filesystem>

namespace systole::cli {

// ./models if there is one; else that of the folder the program is installed in or of the source
// tree.
[[nodiscard]] std::filesystem::path models_folder();

}  // namespace systole::cli
