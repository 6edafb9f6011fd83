// FNV-1a, 64 bits (Fowler, Noll, Vo; http://www.isthe.com/chongo/tech/comp/fnv): the hash that
// names a model in reports.
#pragma once

#include <cstdint>
#include <span>

namespace systole {

inline constexpr std::uint64_t kFnvStart = 0xcbf29ce484222325;

constexpr std::uint64_t fnv1a(std::span<const std::uint8_t> bytes, std::uint64_t hash = kFnvStart) {
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

}  // namespace systole
