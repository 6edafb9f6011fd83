// Digests of what is too long to be kept: FNV-1a over texts and bytes, 16 hexadecimal digits.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/fnv.h"
#include "base/tensor.h"
#include "isa/program.h"

namespace systole::golden {

class Digest {
 public:
  Digest& add(std::span<const std::uint8_t> bytes) {
    hash_ = fnv1a(bytes, hash_);
    return *this;
  }
  // A text and its end, so that "ab", "c" differs from "a", "bc".
  Digest& add(std::string_view text);
  [[nodiscard]] std::string hex() const;

 private:
  std::uint64_t hash_ = kFnvStart;
};

// The instructions as the disassembler writes them: operands that have no effect are left out, so
// that a new operand whose absent form is the old instruction changes nothing here.
[[nodiscard]] std::string digest_of(std::span<const isa::Insn> code);
// Names, types, shapes and values.
[[nodiscard]] std::string digest_of(const std::map<std::string, Tensor>& tensors);

}  // namespace systole::golden
