// Program files: isa/file_kind.h tells text and container apart.
#include "formats/program_files.h"

#include <algorithm>

#include "base/diag.h"
#include "base/read_file.h"
#include "isa/file_kind.h"

namespace systole::formats {
namespace {

constexpr std::int64_t kMaxProgramFile = std::int64_t{1} << 34;

}  // namespace

bool is_program(const std::string& path) {
  const isa::FileKind kind = isa::file_kind(path);
  return kind == isa::FileKind::kProgram || kind == isa::FileKind::kProgramText;
}

void require_model(const std::string& path, const std::string& command) {
  if (!is_program(path)) return;
  throw InputError(path, command + " takes a model, not a program", "an .onnx file or a shape");
}

isa::Program program_from_text(const std::vector<std::uint8_t>& bytes, const std::string& path) {
  const auto is_no_text = [](std::uint8_t byte) {
    return byte == 0x7F || (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r');
  };
  if (std::any_of(bytes.begin(), bytes.end(), is_no_text)) {
    throw InputError(path, "is not program text", "text as `systole disasm` prints it");
  }
  isa::Program program = isa::assemble(std::string(bytes.begin(), bytes.end()), path);
  if (program.code.empty()) throw InputError(path, "has no instructions", "at least one");
  return program;
}

isa::Program read_program(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path, kMaxProgramFile, [&](auto head) {
    if (!head.empty() && head[0] == 0) static_cast<void>(isa::load_program(head, path));  // refuses
    return std::optional<std::int64_t>();
  });
  const bool is_container = isa::file_kind(bytes, path) == isa::FileKind::kProgram ||
                            std::find(bytes.begin(), bytes.end(), std::uint8_t{0}) != bytes.end();
  isa::Program program =
      is_container ? isa::load_program(bytes, path) : program_from_text(bytes, path);
  program.source.file = path;
  return program;
}

}  // namespace systole::formats
