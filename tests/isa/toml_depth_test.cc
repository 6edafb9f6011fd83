// Depth of TOML: any text is refused or parsed, whatever way of nesting it uses.
#include "isa/toml_depth.h"

#include <gmock/gmock-matchers.h>

#include "base/diag.h"
#include "isa/machine.h"

namespace systole::isa {
namespace {

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

std::string error_of(const std::string& text) {
  try {
    static_cast<void>(machine_from_toml(text, "m.toml"));
  } catch (const InputError& error) {
    return error.what();
  }
  return {};
}

TEST(TomlDepth, EveryWayOfNestingIsBounded) {
  constexpr int kDeep = 40'000;
  const std::string ways[] = {
      repeated("a.", kDeep) + "a = 1\n",
      "[" + repeated("a.", kDeep) + "a]\n",
      "[[" + repeated("a.", kDeep) + "a]]\n",
      "x = " + repeated("[", kDeep) + repeated("]", kDeep) + "\n",
      "x = " + repeated("{a = ", kDeep) + "1" + repeated("}", kDeep) + "\n",
      "x = " + repeated("{a.b.c = [", kDeep) + "\n",
      "x = {" + repeated("\"a\" . ", kDeep) + "a = 1}\n",
      repeated("'a'.", kDeep) + "a = 1\n",
  };
  for (const std::string& way : ways) {
    const std::string error = error_of("name = \"m\"\n" + way);
    EXPECT_THAT(error, testing::StartsWith("m.toml:2: ")) << way.substr(0, 20);
    EXPECT_THAT(error, testing::HasSubstr("16 levels at most"));
  }
}

TEST(TomlDepth, TextMeansNothing) {
  const std::string dots = repeated("a.[{", 1'000);
  for (const std::string& text :
       {"text = \"" + dots + "\"\n", "text = '" + dots + "'\n", "# " + dots + "\n",
        "text = \"\"\"" + dots + "\n" + dots + "\"\"\"\n", "text = '''\n" + dots + "'''\n",
        "text = \"a \\\" " + dots + "\"\n"}) {
    EXPECT_EQ(error_of(text), "");
  }
}

}  // namespace
}  // namespace systole::isa
