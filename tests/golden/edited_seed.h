// Seeds of the record: valid files, kept as text, and systematic edits of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace systole::golden {

struct SeedFile {
  std::string name;  // "gemm.asm"; its ending says what it is
  std::vector<std::uint8_t> bytes;
};

// The seed of this name: a file of record/seeds, or the binary form of one (gemm.tpu of gemm.asm,
// mlp.onnx of mlp.onnxtxt) or of a small tensor (t.npy, t.idx, t.pb).
[[nodiscard]] SeedFile seed_file(const std::string& name);

// "FILE drop|double|misspell|huge|negative N": the N-th word or sign of a text left out, twice,
// with an x behind it, or replaced by a number too large or below 0; "FILE cut N": its first N
// bytes; "FILE flip N" and "FILE damage N": with every bit of byte N inverted, the first with the
// checksum of a container made right.
[[nodiscard]] SeedFile edited_seed(const std::string& edit);

}  // namespace systole::golden
