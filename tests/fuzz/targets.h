// Fuzz targets: one function for each reader of files that users bring. Each is run by libFuzzer
// (libfuzzer.cc, option SYSTOLE_FUZZ, needs clang) and, over the kept files in corpus/<name>/, by
// the tests of every compiler.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace systole::fuzz {

using Bytes = std::span<const std::uint8_t>;

struct Target {
  std::string_view name;
  // Reads the bytes as far as a command would before it computes. Throws InputError where they are
  // wrong; anything else that leaves it is a fault of ours.
  void (*read)(Bytes bytes);
};

[[nodiscard]] std::span<const Target> targets();

// Runs a target; an InputError has to be one printable line.
void run(const Target& target, Bytes bytes);

}  // namespace systole::fuzz
