// SHA-256 (FIPS 180-4), for splitting rows of tables by what stands in them and by nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace systole {

[[nodiscard]] std::array<std::uint8_t, 32> sha256(std::string_view text);

// The hash as one whole number, its first byte the most significant, modulo `divisor` (1 to 2^24).
[[nodiscard]] std::uint32_t sha256_modulo(std::string_view text, std::uint32_t divisor);

}  // namespace systole
