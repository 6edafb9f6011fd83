// Programs in files: .tpu containers and .asm text.
#pragma once

#include <string>

#include "isa/program.h"

namespace systole::cli {

// Whether the file name's ending says that it holds a program rather than a model.
[[nodiscard]] bool is_program(const std::string& path);

// Loads a .tpu file or assembles text, whichever the content is. Throws InputError.
[[nodiscard]] isa::Program read_program(const std::string& path);

}  // namespace systole::cli
