// Programs in files: .tpu containers and .asm text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "isa/program.h"

namespace systole::formats {

// Whether the file holds a program rather than a model (isa/file_kind.h).
[[nodiscard]] bool is_program(const std::string& path);

// Throws InputError if `path` is a program where `command` takes a model.
void require_model(const std::string& path, const std::string& command);

// Assembles the bytes of the text file `path`. Throws InputError: not text, no instructions, wrong
// text.
[[nodiscard]] isa::Program program_from_text(const std::vector<std::uint8_t>& bytes,
                                             const std::string& path);

// Loads a .tpu file or assembles text, whichever the content is. Throws InputError.
[[nodiscard]] isa::Program read_program(const std::string& path);

}  // namespace systole::formats
