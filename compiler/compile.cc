// Compile: the pass pipeline in order, then lowering.
#include "compiler/compile.h"

#include "base/diag.h"
#include "compiler/ir/batch.h"
#include "compiler/lower/lower.h"
#include "compiler/pipeline.h"

namespace systole::compiler {

isa::Program compile(const Graph& graph, const isa::Machine& machine,
                     const CompileOptions& options) {
  return compile_explained(graph, machine, options).program;
}

Compiled compile_explained(const Graph& graph, const isa::Machine& machine,
                           const CompileOptions& options) {
  const Schedule schedule = schedule_named(options.schedule);
  if (options.batches < 1) {
    throw InputError("batches", std::to_string(options.batches), "at least one");
  }
  verify(graph);
  const Graph integer =
      run_passes(graph, {&machine, options.timing_only}, passes().front().id, passes().back().id);
  Compiled compiled = lower(integer, machine, options, schedule);
  compiled.program.batch = batch_of(graph).rows;
  return compiled;
}

}  // namespace systole::compiler
