// Compile: the pass pipeline in order, then lowering.
#include "compiler/compile.h"

#include <limits>

#include "base/diag.h"
#include "compiler/ir/batch.h"
#include "compiler/lower/lower.h"
#include "compiler/passes/assume_int8.h"
#include "compiler/passes/fold_constants.h"
#include "compiler/passes/fuse_quantised.h"
#include "compiler/passes/make_look_ups.h"
#include "compiler/passes/pack_images.h"

namespace systole::compiler {

const std::vector<ScheduleInfo>& schedules() {
  static const std::vector<ScheduleInfo> table = {
#define SYSTOLE_SCHEDULE(name, text, meaning) {text, meaning},
#include "compiler/schedules.def"
  };
  return table;
}

Schedule schedule_named(const std::string& name) {
  std::string known;
  for (std::size_t i = 0; i < schedules().size(); ++i) {
    if (schedules()[i].name == name) return static_cast<Schedule>(i);
    known += (known.empty() ? "" : ", ") + std::string(schedules()[i].name);
  }
  throw InputError("--schedule", "schedule '" + name + "'", "one of " + known);
}

isa::Program compile(const Graph& graph, const isa::Machine& machine,
                     const CompileOptions& options) {
  return compile_explained(graph, machine, options).program;
}

Compiled compile_explained(const Graph& graph, const isa::Machine& machine,
                           const CompileOptions& options) {
  const Schedule schedule = schedule_named(options.schedule);
  verify(graph);
  Graph integer = options.timing_only ? assume_int8(graph) : graph;
  integer = fold_constants(make_look_ups(fuse_quantised(std::move(integer))));
  // Images together need room in the unified buffer together; half as many need less.
  Graph packed = pack_images(integer, machine, std::numeric_limits<std::int64_t>::max());
  while (packed.images_together > 1 && !fits_buffer(packed, machine))
    packed = pack_images(integer, machine, packed.images_together / 2);
  Compiled compiled = lower(packed, machine, options, schedule);
  compiled.program.batch = batch_of(graph).rows;
  return compiled;
}

}  // namespace systole::compiler
