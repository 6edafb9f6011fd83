// Repository rules: what any source file must satisfy, as functions of a path and its text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace systole::repo {

// One broken rule. Line 0 means the file as a whole.
struct Finding {
  std::string file;
  std::size_t line = 0;
  std::string what;
};

// The largest number of lines a C++ file may have.
inline constexpr std::size_t kMaxLines = 500;

// The names between the quotes of a file's #include "..." lines.
[[nodiscard]] std::vector<std::string> quoted_includes(std::string_view text);

// Who may include whom. probe_tables are the .def tables that sim's probe interface itself
// includes: with sim/kernel/probe.h, all that traces may see of sim.
[[nodiscard]] std::vector<Finding> check_includes(const std::string& path, std::string_view text,
                                                  const std::vector<std::string>& probe_tables);

// Shape of a C++ file: opening comment, #pragma once, no tabs, length, no unfinished-work marks.
[[nodiscard]] std::vector<Finding> check_source(const std::string& path, std::string_view text);

// Paths that exist on one person's machine only; for every text file.
[[nodiscard]] std::vector<Finding> check_paths(const std::string& path, std::string_view text);

}  // namespace systole::repo
