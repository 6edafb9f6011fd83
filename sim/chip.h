// Chip: the machine's block diagram, the only place where units are wired together.
//
//   host link --> instruction buffer ---> sequencer
//       |
//       +-------> dma_in -----> unified buffer ---> matrix unit ---> accumulators
//                   \             ^       |         ^ switches           |
//                    \            |       v         |                    v
//                     params ---> activation unit   |            activation unit
//                        \                |         |
//   weight memory ------> weight fetch -- FIFO --> planes        unified buffer --> dma_out
//
// The vector unit takes rows of the unified buffer to rows of it; parameters hold its tables.
// All but the matrix unit share the unified buffer's ports. The sequencer feeds an in-order queue
// per unit; completions go back to every queue's syncs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "isa/program.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/report.h"
#include "sim/kernel/run_options.h"
#include "sim/unit/accumulators.h"
#include "sim/unit/activation_unit.h"
#include "sim/unit/array_model.h"
#include "sim/unit/dma.h"
#include "sim/unit/inbox.h"
#include "sim/unit/instruction_buffer.h"
#include "sim/unit/ledger.h"
#include "sim/unit/link.h"
#include "sim/unit/matrix_unit.h"
#include "sim/unit/param_memory.h"
#include "sim/unit/sequencer.h"
#include "sim/unit/unified_buffer.h"
#include "sim/unit/vector_unit.h"
#include "sim/unit/weight_fetch.h"
#include "sim/unit/weight_planes.h"

namespace systole::sim {

class Chip {
 public:
  // `host` is the host memory, empty for timing only; `run_stage(n)` is host stage n. Program and
  // machine outlive the chip.
  Chip(const isa::Program& program, const isa::Machine& machine, const RunOptions& options,
       std::span<std::uint8_t> host, std::function<void(std::int64_t)> run_stage);

  // Runs the program to its halt. Throws InputError, naming what each unit waits for, if it cannot
  // get there. Call once.
  void run();

  // Fills everything but host and wall time. Every cycle of every unit is accounted for, or this
  // throws InternalError.
  void report(Report& report) const;

 private:
  [[nodiscard]] std::unique_ptr<ArrayModel> make_array(const RunOptions& options);
  [[nodiscard]] std::string deadlock();
  [[nodiscard]] UnitReport matrix_report(const Counters& total) const;
  [[nodiscard]] UnitReport unit_report(const Timesheet& sheet, CycleCount cycles) const;

  Kernel kernel_;
  Ledger ledger_;
  std::optional<Occupancy> occupancy_;  // only when somebody listens
  Board board_;
  Completions completions_;

  std::optional<isa::Footprint> touched_;  // only when there are values
  UnifiedBuffer buffer_;
  ParamMemory params_;
  Accumulators accumulators_;
  WeightPlanes planes_;
  std::unique_ptr<ArrayModel> array_;  // the engine's

  LinkIn link_in_;
  InstructionBuffer instructions_;
  DmaIn dma_in_;
  DmaOut dma_out_;
  WeightFetch fetch_;
  MatrixUnit matrix_;
  ActivationUnit activation_;
  VectorUnit vector_;
  Sequencer sequencer_;
};

}  // namespace systole::sim
