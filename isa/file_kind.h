// File kinds: which reader a file that a user names is for. Its first bytes (unpacked, if they are
// gzip) tell; where they do not, as those of an empty, damaged or missing file, its name's ending
// does.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace systole::isa {

enum class FileKind : std::uint8_t {
  kUnknown,
  kProgram,         // a .tpu container
  kProgramText,     // .asm
  kOnnx,            // .onnx
  kOnnxText,        // .onnxtxt, .txt
  kTopology,        // SCALE-Sim's .csv
  kScaleSimConfig,  // SCALE-Sim's .cfg
};

// What a program file begins with.
inline constexpr std::string_view kProgramMagic = "SYSTOLE\n";

// Whether the name ends so, in large or small letters; `ending` is in small ones.
[[nodiscard]] bool has_ending(std::string_view path, std::string_view ending);
// The name without a .gz behind it.
[[nodiscard]] std::string_view unpacked_name(std::string_view path);

// The kind of a file with these first bytes and this name.
[[nodiscard]] FileKind file_kind(std::span<const std::uint8_t> head, std::string_view path);
// The same of a file that may be there; what is no file or pipe goes by its ending. Throws
// InputError as read_file does.
[[nodiscard]] FileKind file_kind(const std::string& path);

}  // namespace systole::isa
