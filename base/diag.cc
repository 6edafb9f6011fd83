// Diagnostics: how a finding is worded. A damaged file may hold any byte where a name is expected,
// but a message is one line: control characters become spaces.
#include "base/diag.h"

#include <algorithm>

namespace systole {

std::string Diag::text() const {
  std::string line = where.empty() ? what : where + ": " + what;
  if (!expected.empty()) line += "; expected " + expected;
  const auto is_control = [](unsigned char c) { return c < 32 || c == 127; };
  std::replace_if(line.begin(), line.end(), is_control, ' ');
  return line;
}

void throw_internal(const CheckSite& site, fmt::string_view format, fmt::format_args arguments) {
  throw InternalError(fmt::format("{}:{}: {} does not hold: {}", site.file, site.line,
                                  site.condition, fmt::vformat(format, arguments)));
}

}  // namespace systole
