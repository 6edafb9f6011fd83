// Diagnostics: how a finding is worded. A damaged file may hold anything where a name is expected,
// but a message is one line, clean and of a length that can be read.
#include "base/diag.h"

#include "base/clean.h"

namespace systole {

std::string Diag::text() const {
  std::string line = clean_message(what);
  if (!where.empty()) line.insert(0, clean_message(where) + ": ");
  if (!expected.empty()) line += "; expected " + clean_message(expected);
  return line;
}

void throw_internal(const CheckSite& site, fmt::string_view format, fmt::format_args arguments) {
  throw InternalError(fmt::format("{}:{}: {} does not hold: {}", site.file, site.line,
                                  site.condition, fmt::vformat(format, arguments)));
}

}  // namespace systole
