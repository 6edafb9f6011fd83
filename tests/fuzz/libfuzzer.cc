// libFuzzer's entry for one target, named by SYSTOLE_FUZZ_TARGET. A fault ends the process, which
// leaves the input in a file: reduce it (-minimize_crash=1) and keep it under corpus/<target>/.
#include <algorithm>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto all = systole::fuzz::targets();
  static const auto* const target = &*std::find_if(
      all.begin(), all.end(), [](const auto& t) { return t.name == SYSTOLE_FUZZ_TARGET; });
  systole::fuzz::run(*target, {data, size});
  return 0;
}
