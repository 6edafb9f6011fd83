// What the build knows about this program: its version, and the tree it was built from.
//
// Both reach the code through source.cc alone, so that neither a new version nor another place of
// the tree compiles anything else again.
#pragma once

#include <string>
#include <string_view>

namespace systole {

// "0.1.0"
[[nodiscard]] std::string_view program_version();

// A file or folder of the source tree by its path there, "machines/tpu_v1.toml"; empty: the root.
[[nodiscard]] std::string source_path(std::string_view path = {});

}  // namespace systole
