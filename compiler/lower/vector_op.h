// What the vector unit does with two operands: the column of isa/elementwise.def.
#pragma once

#include <cstdint>
#include <optional>

#include "base/diag.h"
#include "compiler/ir/graph.h"
#include "isa/insn.h"

namespace systole::compiler {

// Its operation; nothing where the host has to do it.
[[nodiscard]] inline std::optional<std::int64_t> vector_op(ZipFn fn) {
  using namespace isa::vector_op;  // NOLINT(google-build-using-namespace): names of the table
  constexpr std::optional<std::int64_t> kNoVectorOp;
  switch (fn) {
#define SYSTOLE_ZIP(name, text, host_op, operation, ...) \
  case ZipFn::name:                                      \
    return operation;
#include "isa/elementwise.def"
  }
  SYSTOLE_CHECK(false, "zip function {}", static_cast<int>(fn));
}

}  // namespace systole::compiler
