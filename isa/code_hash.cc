// See code_hash.h.
#include "isa/code_hash.h"

#include <fmt/core.h>

#include "base/fnv.h"

namespace systole::isa {

std::string code_hash(const Program& program) {
  std::uint64_t hash = kFnvStart;
  std::vector<std::uint8_t> bytes;
  for (const Insn& insn : program.code) {
    bytes.clear();
    encode(insn, bytes);
    hash = fnv1a(bytes, hash);
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace systole::isa
