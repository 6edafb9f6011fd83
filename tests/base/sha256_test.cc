// SHA-256 against the examples of FIPS 180-4 (NIST, "Example Algorithms"), and across a block's
// end.
#include "base/sha256.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <string>

namespace systole {
namespace {

std::string hex(std::string_view text) {
  std::string result;
  for (const std::uint8_t byte : sha256(text)) result += fmt::format("{:02x}", byte);
  return result;
}

TEST(Sha256, HashesWhatTheStandardHashes) {
  EXPECT_EQ(hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, IsOneWholeNumber) {
  EXPECT_EQ(sha256_modulo("abc", 2), 0xadU % 2);
  EXPECT_EQ(sha256_modulo("abc", 256), 0xadU);
  EXPECT_EQ(sha256_modulo("abc", 65'536), 0x15adU);
  std::uint32_t sum = 0;  // 256 is 1 modulo 3
  for (const std::uint8_t byte : sha256("")) sum += byte;
  EXPECT_EQ(sha256_modulo("", 3), sum % 3);
}

}  // namespace
}  // namespace systole
