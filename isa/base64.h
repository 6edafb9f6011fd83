// Base64 (RFC 4648, the standard alphabet with padding): bytes in program text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace systole::isa {

[[nodiscard]] std::string base64(std::span<const std::uint8_t> bytes);

// Appends the decoded bytes to `out`; false if `text` is no base64.
[[nodiscard]] bool append_base64(std::string_view text, std::vector<std::uint8_t>& out);

}  // namespace systole::isa
