// JSON: written in ASCII, read to a bounded depth.
#include "base/json_text.h"

#include <gmock/gmock-matchers.h>

#include <nlohmann/json.hpp>

#include "base/diag.h"

namespace systole {
namespace {

using Json = nlohmann::ordered_json;

TEST(JsonText, IsAsciiAndReadsBack) {
  const Json json{{"name", "caf\xC3\xA9 \xE2\x80\xAE \xC2\x9B"}};
  const std::string text = json_text(json);
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= 32 && c < 127); }));
  EXPECT_TRUE(text.ends_with("}\n"));
  EXPECT_EQ(parse_json(text, "t", "x"), json);
  EXPECT_EQ(json_string("a\"\n\xFF"), "\"a\\\"\\n\\ufffd\"");
}

TEST(JsonText, DepthIsBounded) {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  EXPECT_NO_THROW(static_cast<void>(parse_json(nested(32), "t", "x")));
  for (const std::size_t levels : {40U, 1'000U, 1'000'000U}) {
    EXPECT_THROW(static_cast<void>(parse_json(nested(levels), "t", "x")), InputError);
  }
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_THROW(static_cast<void>(parse_json(objects, "t", "x")), InputError);
  EXPECT_THROW(static_cast<void>(parse_json("{\"a\":", "t", "x")), InputError);
}

}  // namespace
}  // namespace systole
