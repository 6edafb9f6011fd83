// The build's definitions, as functions.
#include "base/source.h"

namespace systole {

std::string_view program_version() { return SYSTOLE_VERSION; }

std::string source_path(std::string_view path) {
  std::string whole = SYSTOLE_SOURCE_DIR;
  if (!path.empty()) whole.append("/").append(path);
  return whole;
}

}  // namespace systole
