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
// Planes, array, accumulators, weight fetch and activation unit are there once for each matrix unit
// (MatrixCore, T11). The weight memory is the device's memory; where it holds everything, load and
// store move rows between it and the unified buffer (T12). All but the matrix units share the
// unified buffer's ports. The sequencer feeds an in-order queue per unit; completions go back to
// every queue's syncs.
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
#include "sim/unit/load_store.h"
#include "sim/unit/matrix_unit.h"
#include "sim/unit/memory.h"
#include "sim/unit/param_memory.h"
#include "sim/unit/sequencer.h"
#include "sim/unit/unified_buffer.h"
#include "sim/unit/vector_unit.h"
#include "sim/unit/weight_fetch.h"
#include "sim/unit/weight_planes.h"

namespace systole::sim {

// One matrix unit and what is its own.
struct MatrixCore {
  // What all cores share.
  struct Shared {
    const Board& board;
    const RunOptions& options;
    Completions& completions;
    const std::optional<isa::Footprint>& touched;
    Memory& memory;
    UnifiedBuffer& buffer;
    ParamMemory& params;
  };
  MatrixCore(const Shared& shared, std::int64_t instance);
  // Starts its processes.
  void spawn(Kernel& kernel);

  Accumulators accumulators;
  WeightPlanes planes;
  std::unique_ptr<ArrayModel> array;  // the engine's
  WeightFetch fetch;
  MatrixUnit matrix;
  ActivationUnit activation;
};

// The units between the device's memory and the unified buffer.
struct MemoryDma {
  MemoryDma(const Board& board, Completions& completions, Memory& memory, UnifiedBuffer& buffer);

  LoadUnit load;
  StoreUnit store;
};

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
  [[nodiscard]] std::vector<std::unique_ptr<MatrixCore>> make_cores(const RunOptions& options);
  [[nodiscard]] std::unique_ptr<MemoryDma> make_memory_dma();
  // A unit of the machine; the sequencer has no queue.
  [[nodiscard]] Inbox* inbox_of(isa::Unit unit);
  [[nodiscard]] const Timesheet& sheet_of(isa::Unit unit) const;
  [[nodiscard]] std::vector<Inbox*> inboxes();
  [[nodiscard]] std::string deadlock();

  Kernel kernel_;
  Ledger ledger_;
  std::optional<Occupancy> occupancy_;  // only when somebody listens
  Board board_;
  Completions completions_;

  std::optional<isa::Footprint> touched_;  // only when there are values
  UnifiedBuffer buffer_;
  ParamMemory params_;
  Memory memory_;
  std::vector<std::unique_ptr<MatrixCore>> cores_;

  LinkIn link_in_;
  InstructionBuffer instructions_;
  DmaIn dma_in_;
  DmaOut dma_out_;
  VectorUnit vector_;
  std::unique_ptr<MemoryDma> memory_dma_;  // where the memory holds everything
  Sequencer sequencer_;
};

}  // namespace systole::sim
