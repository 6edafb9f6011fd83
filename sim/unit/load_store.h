// Load and store: the device's memory to unified buffer and back (T12), in chunks of at most 32
// rows as the host link's engines move them (dma.h).
//
// load, memory to buffer
//   start       when the instruction is at the head, its syncs are passed and the instruction
//   before
//               has asked for its last chunk
//   memory      a chunk asks for its bytes as soon as one of dram.buffer_chunks places is free, one
//               chunk a cycle: a request for each piece of consecutive bytes. It is whole
//               dram.latency cycles after its last byte left the memory
//   port        a chunk asks for a write port when it is whole, or in the last cycle of the chunk
//               before if that is later, and is written at one buffer row a cycle; its place is
//               free again after its last row
//   complete    after the last chunk's last row: readable
// store, buffer to memory
//   start       when the instruction is at the head, its syncs are passed and the chunk before is
//   in
//               its last cycle of being read
//   port        a chunk asks for a read port when one of dram.buffer_chunks places is free, and is
//               read at one buffer row a cycle
//   memory      its pieces ask when its last row has been read; its place is free when its bytes
//   are
//               in the memory
//   complete    dram.latency cycles after the last byte came there
//
// busy: while bytes flow. Waits: syncs; `port` for a place or a port.
#pragma once

#include <cstdint>
#include <deque>

#include "sim/kernel/channel.h"
#include "sim/kernel/milestones.h"
#include "sim/unit/dma.h"
#include "sim/unit/inbox.h"
#include "sim/unit/memory.h"
#include "sim/unit/unified_buffer.h"

namespace systole::sim {

// What load and store have in common: pieces of a chunk and when they flow.
class MemoryEngine : public MemoryClient {
 public:
  MemoryEngine(const Board& board, isa::Unit unit, Completions& completions, Memory& memory,
               UnifiedBuffer& buffer);

  [[nodiscard]] Inbox& inbox() { return inbox_; }
  [[nodiscard]] UnitSheet& sheet() { return sheet_; }
  [[nodiscard]] const Timesheet& sheet() const { return sheet_; }

 protected:
  // One chunk on its way through the memory.
  struct Flight {
    std::int64_t pieces = 0;  // that have not flowed
    std::int64_t rows = 0;
    bool last = false;
    Inbox::Issued work;
    SliceLabel label;
    Instant sent;
  };
  struct Move {  // an instruction
    Transfer transfer;
    std::int64_t address = 0, stride = 0;
  };
  template <typename Insn>
  [[nodiscard]] Move move_of(const Insn& insn) const;
  // Asks for the bytes of port rows [first, first + flight.rows) of `move`.
  void ask(const Trail& trail, const Move& move, std::int64_t first, Flight flight);
  // All bytes of a chunk have moved when cycle flight.sent starts.
  virtual void moved(const Flight& flight) = 0;

  const Board& board_;
  isa::Unit unit_;
  UnitSheet sheet_;
  Inbox inbox_;
  Memory& memory_;
  UnifiedBuffer& buffer_;
  Milestones places_;  // step n: the place of the n-th chunk is free
  std::int64_t chunks_begun_ = 0;

 private:
  void flows(CyclePoint begin, const Instant& sent) override;

  std::size_t requester_;
  std::deque<Flight> flights_;
};

class LoadUnit : public MemoryEngine {
 public:
  using MemoryEngine::MemoryEngine;
  Process run();    // the memory's end
  Process write();  // the buffer's end

 private:
  struct Whole {
    Instant at;
    std::int64_t rows = 0;
    bool last = false;
    Inbox::Issued work;
  };
  void move_values(const isa::Load& insn);
  void moved(const Flight& flight) override;

  Trail write_trail_{board_.kernel, board_.causes};
  Channel<Whole> whole_{board_.kernel, board_.machine.dram_buffer_chunks};
};

class StoreUnit : public MemoryEngine {
 public:
  using MemoryEngine::MemoryEngine;
  Process run();   // the buffer's end
  Process send();  // the memory's end

 private:
  struct Read {
    Instant pushed;
    Instant at;  // its last row has been read
    Move move;
    std::int64_t first = 0;
    Flight flight;
  };
  void move_values(const isa::Store& insn);
  void moved(const Flight& flight) override;

  Trail send_trail_{board_.kernel, board_.causes};
  Channel<Read> read_{board_.kernel, board_.machine.dram_buffer_chunks};
  Instant next_;  // the next request may be raised
};

}  // namespace systole::sim
