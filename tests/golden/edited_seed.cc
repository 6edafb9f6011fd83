// Words and signs are counted from 0; blanks lie between them and stay as they are.
#include "tests/golden/edited_seed.h"

#include <onnx/onnx_pb.h>
#include <zlib.h>

#include <cctype>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "base/diag.h"
#include "base/files.h"
#include "base/source.h"
#include "compiler/frontend/onnx_file.h"
#include "formats/program_files.h"
#include "formats/tensor_files.h"

namespace systole::golden {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

Tensor small_tensor() {
  Tensor t(DType::kFloat32, {2, 3});
  float next = -1.0F;
  for (float& v : t.as<float>()) v = next += 0.75F;
  return t;
}

Bytes idx_file() { return {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6}; }

Bytes tensor_proto() {
  onnx::TensorProto proto;
  proto.set_data_type(onnx::TensorProto::INT8);
  proto.add_dims(2);
  proto.add_dims(3);
  proto.set_name("t");
  for (int v = -3; v < 3; ++v) proto.add_int32_data(v);
  return bytes_of(proto.SerializeAsString());
}

// Where each word (letters, digits, _ and .) or sign of a text begins and ends.
std::vector<std::pair<std::size_t, std::size_t>> tokens(std::string_view text) {
  const auto in_word = [&](std::size_t i) {
    const auto c = static_cast<unsigned char>(text[i]);
    return std::isalnum(c) != 0 || c == '_' || c == '.';
  };
  std::vector<std::pair<std::size_t, std::size_t>> found;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    while (in_word(i) && end < text.size() && in_word(end)) ++end;
    if (std::isspace(static_cast<unsigned char>(text[i])) == 0) found.emplace_back(i, end);
    i = end;
  }
  return found;
}

std::string replacement(const std::string& how, const std::string& word) {
  if (how == "drop") return "";
  if (how == "double") return word + " " + word;
  if (how == "misspell") return word + "x";
  if (how == "huge") return "99999999999999999999";
  if (how == "negative") return "-1";
  throw InternalError("no edit '" + how + "'");
}

void make_checksum_right(Bytes& container) {
  constexpr std::size_t kBytes = 4;
  const std::size_t size = container.size() - kBytes;
  const auto crc = static_cast<std::uint32_t>(crc32_z(0, container.data(), size));
  std::memcpy(container.data() + size, &crc, kBytes);
}

}  // namespace

SeedFile seed_file(const std::string& name) {
  const std::filesystem::path path = source_path("tests/golden/record/seeds/" + name);
  const std::string ending = path.extension().string();
  const auto sibling = [&](const char* other) {
    return read_file(std::filesystem::path(path).replace_extension(other).string());
  };
  if (ending == ".tpu")
    return {name, isa::save_program(formats::program_from_text(sibling(".asm"), name))};
  if (ending == ".onnx") {
    const auto file = compiler::parse_onnx(name + "txt", sibling(".onnxtxt"));
    return {name, bytes_of(file.model.SerializeAsString())};
  }
  if (ending == ".npy") return {name, formats::npy_bytes(small_tensor())};
  if (ending == ".idx") return {name, idx_file()};
  if (ending == ".pb") return {name, tensor_proto()};
  return {name, read_file(path.string())};
}

SeedFile edited_seed(const std::string& edit) {
  std::istringstream words(edit);
  std::string name, how;
  std::size_t which = 0;
  words >> name >> how >> which;
  SeedFile file = seed_file(name);
  if (how == "cut") {
    file.bytes.resize(which);
  } else if (how == "flip" || how == "damage") {
    file.bytes.at(which) ^= 0xFF;
    if (how == "flip" && name.ends_with(".tpu")) make_checksum_right(file.bytes);
  } else {
    std::string text(file.bytes.begin(), file.bytes.end());
    const auto [begin, end] = tokens(text).at(which);
    text.replace(begin, end - begin, replacement(how, text.substr(begin, end - begin)));
    file.bytes = bytes_of(text);
  }
  return file;
}

}  // namespace systole::golden
