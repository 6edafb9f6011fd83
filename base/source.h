// What the build knows about this program: its version, the tree it was built from and where it is
// installed.
//
// They reach the code through source.cc alone, so that neither a new version nor another place of
// the tree compiles anything else again.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace systole {

// "0.1.0"
[[nodiscard]] std::string_view program_version();

// A file or folder of the source tree by its path there, "machines/tpu_v1.toml"; empty: the root.
[[nodiscard]] std::string source_path(std::string_view path = {});

// What comes with the program, by its path in the source tree ("machines", "models", "docs"): in
// share/systole beside the folder of the running program, else in the source tree, else where the
// build was to be installed.
[[nodiscard]] std::string data_path(std::string_view path);

// The folder of the models that come with the program; by its shorter name where it is that of the
// current folder, as models are named in what is printed.
[[nodiscard]] std::filesystem::path models_folder();

}  // namespace systole
