// Graph: building, and the names of its ops.
#include "compiler/ir/graph.h"

#include <array>

namespace systole::compiler {
namespace {

constexpr auto kOpNames = std::to_array<std::string_view>({
#define SYSTOLE_OP(name, text, meaning) text,
#include "compiler/ir/ops.def"
});

}  // namespace

std::string_view op_name(OpKind kind) { return kOpNames.at(static_cast<std::size_t>(kind)); }

ValueId Graph::add_value(Value v) {
  values.push_back(std::move(v));
  return static_cast<ValueId>(values.size()) - 1;
}

}  // namespace systole::compiler
