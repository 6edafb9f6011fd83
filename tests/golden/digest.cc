// A text is added with a zero byte behind it.
#include "tests/golden/digest.h"

#include <fmt/core.h>

namespace systole::golden {

Digest& Digest::add(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    add({&byte, 1});
  }
  constexpr std::uint8_t kEnd = 0;
  return add({&kEnd, 1});
}

std::string Digest::hex() const { return fmt::format("{:016x}", hash_); }

std::string digest_of(std::span<const isa::Insn> code) {
  Digest digest;
  for (const isa::Insn& insn : code) digest.add(isa::disassemble(insn));
  return digest.hex();
}

std::string digest_of(const std::map<std::string, Tensor>& tensors) {
  Digest digest;
  for (const auto& [name, tensor] : tensors) {
    digest.add(name).add(dtype_name(tensor.type)).add(shape_text(tensor.shape));
    digest.add(std::span<const std::uint8_t>(tensor.data));
  }
  return digest.hex();
}

}  // namespace systole::golden
