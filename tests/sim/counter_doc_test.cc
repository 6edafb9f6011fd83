// docs/counters.md is what the tables say. SYSTOLE_REWRITE=1 writes it anew.
#include "sim/counter_doc.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/files.h"
#include "base/source.h"

namespace systole::sim {
namespace {

TEST(CounterDoc, IsUpToDate) {
  const std::string path = source_path("docs/counters.md");
  if (std::getenv("SYSTOLE_REWRITE") != nullptr) write_file(path, counters_markdown());
  const std::vector<std::uint8_t> bytes = read_file(path);
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), counters_markdown())
      << "run test_sim with SYSTOLE_REWRITE=1";
}

}  // namespace
}  // namespace systole::sim
