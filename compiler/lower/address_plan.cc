// See address_plan.h.
#include "compiler/lower/address_plan.h"

#include "base/diag.h"
#include "base/units.h"

namespace systole::compiler {
namespace {

std::int64_t aligned(std::int64_t bytes, std::int64_t align) {
  return ceil_div(bytes, align) * align;
}

}  // namespace

std::int64_t AddressPlan::place(Area area, std::int64_t bytes, std::int64_t align) {
  switch (area) {
    case Area::kWeights: {
      const std::int64_t at = aligned(program_.weight_bytes, align);
      program_.weight_bytes = at + bytes;
      return at;
    }
    case Area::kConstants: {
      SYSTOLE_CHECK(program_.host_bytes == 0, "a constant behind the tensors of {}",
                    program_.model);
      const std::int64_t at = aligned(std::ssize(program_.constants), align);
      program_.constants.resize(static_cast<std::size_t>(at + bytes));
      return at;
    }
    case Area::kTensors: {
      if (program_.host_bytes == 0) program_.host_bytes = std::ssize(program_.constants);
      const std::int64_t at = aligned(program_.host_bytes, align);
      program_.host_bytes = aligned(at + bytes, align);
      return at;
    }
  }
  SYSTOLE_CHECK(false, "area {}", static_cast<int>(area));
}

}  // namespace systole::compiler
