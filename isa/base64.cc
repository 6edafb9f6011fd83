// Base64: three bytes are four characters of six bits each, '=' fills the last group.
#include "isa/base64.h"

#include <algorithm>
#include <array>

namespace systole::isa {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int, 256> make_values() {
  std::array<int, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values.at(static_cast<std::uint8_t>(kAlphabet[i])) = static_cast<int>(i);
  }
  return values;
}
constexpr auto kValues = make_values();

}  // namespace

std::string base64(std::span<const std::uint8_t> bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? bytes[at + i] : 0U);
    for (std::size_t i = 0; i < 4; ++i) {
      out += i <= count ? kAlphabet[group >> (18 - 6 * i) & 63U] : '=';
    }
  }
  return out;
}

bool append_base64(std::string_view text, std::vector<std::uint8_t>& out) {
  if (text.size() % 4 != 0) return false;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  for (std::size_t at = 0; at < text.size(); at += 4) {
    const std::size_t filled = at + 4 == text.size() ? 4 - padding : 4;
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const int value = i < filled ? kValues[static_cast<std::uint8_t>(text[at + i])] : 0;
      if (value < 0) return false;
      group = group << 6 | static_cast<std::uint32_t>(value);
    }
    for (std::size_t i = 0; i + 1 < filled; ++i) {
      out.push_back(static_cast<std::uint8_t>(group >> (16 - 8 * i)));
    }
  }
  return true;
}

}  // namespace systole::isa
