// The models and measured rows that come with the program.
#pragma once

#include <filesystem>
#include <string>

namespace systole::cli {

// ./models if there is one; else that of the folder the program is installed in or of the source
// tree.
[[nodiscard]] std::filesystem::path models_folder();

// The path of compare/data/NAME: measured rows with their source, kept in the source tree.
[[nodiscard]] std::filesystem::path data_file(const std::string& name);

// The path of compare/NAME: a script that the comparison runs.
[[nodiscard]] std::filesystem::path compare_script(const std::string& name);

}  // namespace systole::cli
