// Text and container are told apart by content: only a container has bytes that no text has.
#include "cli/program_files.h"

#include <algorithm>
#include <vector>

#include "base/files.h"

namespace systole::cli {

bool is_program(const std::string& path) {
  return path.ends_with(".tpu") || path.ends_with(".asm");
}

isa::Program read_program(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  const bool is_text = !path.ends_with(".tpu") &&
                       std::find(bytes.begin(), bytes.end(), std::uint8_t{0}) == bytes.end();
  if (!is_text) return isa::load_program(bytes, path);
  return isa::assemble(std::string(bytes.begin(), bytes.end()), path);
}

}  // namespace systole::cli
