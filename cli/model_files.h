// The models and measured rows that come with the program.
#pragma once

#include <filesystem>
#include <string>

namespace systole::cli {

// The folder of models that come with the program (data_path()).
[[nodiscard]] std::filesystem::path models_folder();

// The path of compare/data/NAME: measured rows with their source.
[[nodiscard]] std::filesystem::path data_file(const std::string& name);

// The path of compare/NAME: a script that the comparison runs.
[[nodiscard]] std::filesystem::path compare_script(const std::string& name);

}  // namespace systole::cli
