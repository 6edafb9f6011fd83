// Each pass by text: tests/compiler/passes/PASS[.CASE].ir holds a graph, a line --- and the graph
// that the pass makes of it on tpu_v1, or, of bfloat16, on tpu_v6e. And docs/compiler.md lists the
// passes as their table does. SYSTOLE_REWRITE=1 writes both anew.
#include <gmock/gmock-matchers.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/files.h"
#include "base/source.h"
#include "compiler/ir/parse_text.h"
#include "compiler/pipeline.h"

namespace systole::compiler {
namespace {

constexpr std::string_view kParting = "---\n";

bool rewriting() { return std::getenv("SYSTOLE_REWRITE") != nullptr; }

std::string text_of(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

std::string pass_of(const std::filesystem::path& file) {
  const std::string name = file.filename();
  return name.substr(0, name.find('.'));
}

std::set<std::filesystem::path> files() {
  std::set<std::filesystem::path> texts;
  for (const auto& entry :
       std::filesystem::directory_iterator(source_path("tests/compiler/passes"))) {
    if (entry.path().extension() == ".ir") texts.insert(entry.path());
  }
  return texts;
}

class PassText : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(PassText, IsAsWritten) {
  const std::string path = GetParam();
  const Pass* pass = find_pass(pass_of(path));
  ASSERT_NE(pass, nullptr);
  const std::string text = text_of(path);
  const std::size_t parting = text.find("\n" + std::string(kParting));
  ASSERT_NE(parting, std::string::npos);
  const std::string before = text.substr(0, parting + 1);
  const isa::Machine machine =
      isa::load_machine(pass->id == PassId::round_to_bf16 ? "tpu_v6e" : "tpu_v1");
  const Graph graph = run_passes(parse_text(path, before), {&machine, true}, pass->id, pass->id);
  verify(graph);
  const std::string after = to_text(graph);
  if (rewriting()) write_file(path, before + std::string(kParting) + after);
  EXPECT_EQ(text_of(path).substr(parting + 1 + kParting.size()), after)
      << "run test_compiler with SYSTOLE_REWRITE=1";
}

INSTANTIATE_TEST_SUITE_P(Files, PassText, ::testing::ValuesIn(files()), [](const auto& file) {
  std::string name = file.param.stem();
  std::ranges::replace(name, '.', '_');
  return name;
});

TEST(Passes, EachHasATextAndEachTextAPass) {
  std::set<std::string> there;
  for (const std::filesystem::path& file : files()) there.insert(pass_of(file));
  EXPECT_THAT(there, testing::UnorderedElementsAreArray(pass_names()));
}

TEST(Passes, AreRunFromTheFirstToTheLastOfARange) {
  const Graph graph = parse_text("text", R"(graph g
  input x: float32[1, 2]
  constant w: float32[2, 2] = [1, 2, 3, 4]
  y: float32[1, 2] = matmul(x, w)
  output y
)");
  const Graph assumed =
      run_passes(graph, {nullptr, true}, passes().front().id, PassId::assume_int8);
  EXPECT_EQ(assumed.nodes.size(), 6U);
  const Graph untouched = run_passes(graph, {}, PassId::assume_int8, PassId::fold_constants);
  EXPECT_EQ(to_text(untouched), to_text(graph));
}

// The lines between two marks that Markdown does not show.
TEST(Passes, AreListedInTheDocumentation) {
  const std::string path = source_path("docs/compiler.md");
  const std::string begin = "<!-- from compiler/passes.def -->\n", end = "<!-- -->\n";
  const std::string text = text_of(path);
  const std::size_t mark = text.find(begin), last = text.find(end);
  ASSERT_NE(mark, std::string::npos);
  ASSERT_NE(last, std::string::npos);
  const std::size_t first = mark + begin.size();
  if (rewriting()) write_file(path, text.substr(0, first) + passes_markdown() + text.substr(last));
  const std::string written = text_of(path);
  EXPECT_EQ(written.substr(first, written.find(end) - first), passes_markdown())
      << "run test_compiler with SYSTOLE_REWRITE=1";
}

}  // namespace
}  // namespace systole::compiler
