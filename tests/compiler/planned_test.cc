// What the compiler does not read of a machine does not change its programs.
#include "compiler/planned.h"

#include <gtest/gtest.h>

#include "base/diag.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "isa/program.h"

namespace systole::compiler {
namespace {

isa::Program program_of(const std::string& model, const isa::Machine& machine) {
  LoadOptions load;
  load.batch = 4;
  load.structure_only = true;
  return compile(load_model(model, load), machine, {.batches = 3, .timing_only = true});
}

// Every parameter that is left out of `planned`, at a value that is allowed beside the others.
std::vector<std::string> unread_keys(const isa::Machine& machine) {
  std::vector<std::string> keys;
  for (const isa::ParameterView& view : isa::parameters(machine)) {
    isa::Machine changed = machine;
    const std::string value = view.value == "0" ? "1" : "2x";
    try {
      isa::set_parameter(changed, view.key + "=" + value);
    } catch (const InputError&) {
      continue;  // a choice, or at its largest
    }
    if (planned(changed) == planned(machine)) keys.push_back(view.key);
  }
  return keys;
}

TEST(Planned, LeavesOutWhatChangesNoProgram) {
  for (const char* name : {"tpu_v1", "tiny_8", "edge_64"}) {
    const isa::Machine machine = isa::load_machine(name);
    const std::vector<std::string> keys = unread_keys(machine);
    EXPECT_EQ(keys.size(), 12U) << name;
    for (const char* model : {"gemm:64,96,80", "mlp:40,30,20", "conv:4,8,6,6,8,3,3,1,1"}) {
      const isa::Program before = program_of(model, machine);
      for (const std::string& key : keys) {
        isa::Machine changed = machine;
        const bool none = key == "host.call_nanoseconds" || key == "unified_buffer.operand_bytes";
        isa::set_parameter(changed, key + (none ? "=7" : "=2x"));
        isa::Program after = program_of(model, changed);
        EXPECT_NE(changed, machine);
        after.machine = before.machine;
        EXPECT_EQ(before, after) << model << " on " << changed.name;
      }
    }
  }
}

// The rest is read: twice the memory's rate makes another program of the same model.
TEST(Planned, KeepsWhatIsRead) {
  const isa::Machine machine = isa::load_machine("tpu_v1");
  for (const char* change : {"array.rows=128", "dram.bytes_per_second=2x", "link.latency=2x",
                             "unified_buffer.read_ports=2", "clock.hertz=2x"}) {
    isa::Machine changed = machine;
    isa::set_parameter(changed, change);
    EXPECT_NE(planned(changed), planned(machine)) << change;
  }
}

}  // namespace
}  // namespace systole::compiler
