// File kinds: what no other kind can begin with, then the ending.
#include "isa/file_kind.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <vector>

#include "base/read_file.h"

namespace systole::isa {
namespace {

constexpr std::string_view kBlank = " \t\r\v\f";

constexpr auto kMnemonics = std::to_array<std::string_view>({
#define SYSTOLE_INSN(Struct, mnemonic, opcode, unit, fields, meaning) mnemonic,
#include "isa/opcodes.def"
});

struct Ending {
  std::string_view text;
  FileKind kind;
};
constexpr auto kEndings = std::to_array<Ending>({{".tpu", FileKind::kProgram},
                                                 {".asm", FileKind::kProgramText},
                                                 {".onnx", FileKind::kOnnx},
                                                 {".onnxtxt", FileKind::kOnnxText},
                                                 {".txt", FileKind::kOnnxText},
                                                 {".csv", FileKind::kTopology},
                                                 {".cfg", FileKind::kScaleSimConfig}});

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// The lines of a text that say something, without blanks around them.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    if (!line.empty() && line.front() != '#' && line.front() != ';') lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool is_whole(std::string_view field) {
  field = trimmed(field);
  return !field.empty() && field.find_first_not_of("0123456789") == std::string_view::npos;
}

// A directive, or an instruction with its operands.
bool is_program_line(std::string_view line) {
  if (line.size() > 1 && line.front() == '.') return std::islower(line[1]) != 0;
  const std::string_view word = line.substr(0, line.find_first_of(kBlank));
  if (std::ranges::find(kMnemonics, word) == kMnemonics.end()) return false;
  const std::string_view rest = trimmed(line.substr(word.size()));
  return rest.empty() || rest.front() == '#' || rest.find('=') != std::string_view::npos;
}

// A name and the three extents of a product, or more.
bool is_layer(std::string_view line) {
  constexpr std::string_view kSeparators = ",;\t";
  std::size_t numbers = 0;
  for (std::size_t at = line.find_first_of(kSeparators); at != std::string_view::npos;) {
    const std::size_t next = line.find_first_of(kSeparators, at + 1);
    const std::string_view field = line.substr(at + 1, std::min(next, line.size()) - at - 1);
    if (is_whole(field)) ++numbers;
    at = next;
  }
  return numbers >= 3;
}

FileKind text_kind(std::string_view text) {
  const std::vector<std::string_view> lines = lines_of(text);
  if (lines.empty()) return FileKind::kUnknown;
  if (is_program_line(lines.front())) return FileKind::kProgramText;
  if (lines.front().front() == '<') return FileKind::kOnnxText;
  const auto is_preset = [](auto line) { return lower(line) == "[architecture_presets]"; };
  if (std::ranges::any_of(lines, is_preset)) return FileKind::kScaleSimConfig;
  const bool sections = std::ranges::any_of(lines, [](auto line) { return line.front() == '['; });
  if (!sections && std::ranges::any_of(lines, is_layer)) return FileKind::kTopology;
  return FileKind::kUnknown;
}

bool is_text(std::string_view bytes) {
  return std::ranges::none_of(bytes, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x7F || (byte < 0x20 && kBlank.find(c) == std::string_view::npos && c != '\n');
  });
}

FileKind content_kind(std::string_view bytes) {
  constexpr char kIrVersion = 0x08;  // the tag of an ONNX model's first field
  if (bytes.starts_with(kProgramMagic)) return FileKind::kProgram;
  if (is_text(bytes)) return text_kind(bytes);
  return bytes.front() == kIrVersion ? FileKind::kOnnx : FileKind::kUnknown;
}

}  // namespace

bool has_ending(std::string_view path, std::string_view ending) {
  const std::size_t end = path.size() - std::min(path.size(), ending.size());
  return lower(path.substr(end)) == ending;
}

std::string_view unpacked_name(std::string_view path) {
  constexpr std::string_view kPacked = ".gz";
  return has_ending(path, kPacked) ? path.substr(0, path.size() - kPacked.size()) : path;
}

FileKind file_kind(std::span<const std::uint8_t> head, std::string_view path) {
  const std::string_view bytes(reinterpret_cast<const char*>(head.data()), head.size());
  const FileKind kind = content_kind(bytes);
  if (kind != FileKind::kUnknown) return kind;
  for (const Ending& ending : kEndings) {
    if (has_ending(unpacked_name(path), ending.text)) return ending.kind;
  }
  return FileKind::kUnknown;
}

FileKind file_kind(const std::string& path) {
  std::error_code error;
  const auto type = std::filesystem::status(path, error).type();
  const bool has_bytes =
      type == std::filesystem::file_type::regular || type == std::filesystem::file_type::fifo;
  return file_kind(has_bytes ? file_head(path) : std::vector<std::uint8_t>(), path);
}

}  // namespace systole::isa
