// docs/isa.md is what the tables say. SYSTOLE_REWRITE=1 writes it anew.
#include "isa/isa_doc.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/files.h"
#include "base/source.h"

namespace systole::isa {
namespace {

TEST(IsaDoc, IsUpToDate) {
  const std::string path = source_path("docs/isa.md");
  if (std::getenv("SYSTOLE_REWRITE") != nullptr) write_file(path, isa_markdown());
  const std::vector<std::uint8_t> bytes = read_file(path);
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), isa_markdown())
      << "run test_isa with SYSTOLE_REWRITE=1";
}

}  // namespace
}  // namespace systole::isa
