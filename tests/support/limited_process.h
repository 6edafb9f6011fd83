// Running the real program with bounded memory.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/shell.h"

namespace systole::testing_support {

#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kAddressSpaceCounts = false;
#else
inline constexpr bool kAddressSpaceCounts = true;
#endif

// systole() with that many bytes of address space at most. Not for programs under the address
// sanitizer, which takes terabytes of it.
[[nodiscard]] inline Finished systole_within(std::int64_t bytes,
                                             const std::vector<std::string>& arguments) {
  std::string line = fmt::format("ulimit -v {} && exec systole", bytes / 1024);
  for (const std::string& word : arguments) line += " '" + word + "'";
  return shell(line, "/");
}

}  // namespace systole::testing_support
