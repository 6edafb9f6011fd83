// Every kept file of every fuzz target: small seeds, and inputs that once were faults.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/source.h"
#include "tests/fuzz/targets.h"

namespace systole::fuzz {
namespace {

namespace fs = std::filesystem;

// As they lie there: the program's own reader would unpack gzip.
std::vector<std::uint8_t> bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class Corpus : public ::testing::TestWithParam<Target> {};

TEST_P(Corpus, is_read_or_refused) {
  const fs::path folder = fs::path(source_path("tests/fuzz/corpus")) / std::string(GetParam().name);
  std::size_t files = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().string());
    ++files;
    EXPECT_NO_THROW(run(GetParam(), bytes_of(entry.path())));
  }
  EXPECT_GT(files, 0U);
}

// Every prefix of a seed is what a cut-off file looks like.
TEST_P(Corpus, cut_short_is_read_or_refused) {
  const fs::path folder = fs::path(source_path("tests/fuzz/corpus")) / std::string(GetParam().name);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::vector<std::uint8_t> bytes = bytes_of(entry.path());
    const std::size_t step = std::max<std::size_t>(1, bytes.size() / 64);
    for (std::size_t size = 0; size < bytes.size(); size += step)
      EXPECT_NO_THROW(run(GetParam(), Bytes(bytes).first(size))) << entry.path() << " " << size;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Corpus, ::testing::ValuesIn(targets().begin(), targets().end()),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace systole::fuzz
