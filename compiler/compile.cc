// Compile: the pass pipeline in order, then lowering.
#include "compiler/compile.h"

#include "base/diag.h"
#include "compiler/lower/lower.h"
#include "compiler/passes/assume_int8.h"
#include "compiler/passes/fuse_quantised.h"

namespace systole::compiler {

isa::Program compile(const Graph& graph, const isa::Machine& machine,
                     const CompileOptions& options) {
  if (options.schedule != "overlap") {
    throw InputError("--schedule", "schedule '" + options.schedule + "'", "overlap");
  }
  verify(graph);
  Graph integer = options.timing_only ? assume_int8(graph) : graph;
  integer = fuse_quantised(std::move(integer));
  return lower(integer, machine, options);
}

}  // namespace systole::compiler
