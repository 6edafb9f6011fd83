// DMA: the host link, one engine per direction, in chunks of at most 32 rows.
//
// dma_in, link to buffer
//   start       when the instruction is at the head, its syncs are passed and the engine has sent
//               the instruction before
//   link        a chunk asks for the link (link.h) as soon as one of link.buffer_chunks places is
//               free and the chunk before has been sent; its bytes are whole in the device
//               link.latency cycles after the last was sent
//   port        a chunk asks for a write port when it is whole, or in the last cycle of the chunk
//               before if that is later, and is written at one buffer row a cycle; its place is
//               free again after its last row. read_params needs no port: parameter memory has its
//               own
//   complete    after the last chunk's last row: readable
// dma_out, buffer to link
//   start       when the instruction is at the head, its syncs are passed, the chunk before is in
//               its last cycle of being read and one of two places is free; a chunk's place is
//               free when its bytes have been sent
//   port        a chunk asks for a read port at once and is read at one buffer row a cycle
//   link        its bytes flow once its last row has been read and the link is free
//   complete    link.latency cycles after the last byte was sent
//
// busy: dma_in while bytes flow, dma_out while rows or bytes do. Waits: syncs; `port`, dma_in for a
// place and dma_out for its port; `link`, dma_in while instructions occupy it.
//
// Bytes of a chunk: buffer rows are filled in order, the first of a logical row from its lane on.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "sim/kernel/channel.h"
#include "sim/kernel/rate_meter.h"
#include "sim/unit/inbox.h"
#include "sim/unit/link.h"
#include "sim/unit/param_memory.h"
#include "sim/unit/unified_buffer.h"

namespace systole::sim {

// What an instruction moves: `rows` logical rows of `bytes` bytes, each `each` port rows.
struct Transfer {
  std::int64_t rows, bytes, lane, each;
  std::int64_t row_bytes;  // of the unified buffer

  [[nodiscard]] std::int64_t port_rows() const { return rows * each; }
  // Bytes in the first `n` port rows.
  [[nodiscard]] Bytes bytes_before(std::int64_t n) const;
};

class DmaIn {
 public:
  DmaIn(const Board& board, Completions& completions, LinkIn& link, UnifiedBuffer& buffer,
        ParamMemory& params);
  Process run();    // the link's end
  Process write();  // the buffer's end

  [[nodiscard]] Inbox& inbox() { return inbox_; }
  [[nodiscard]] const Timesheet& sheet() const { return sheet_; }

 private:
  // A chunk between link and buffer.
  struct Chunk {
    Instant pushed, whole;
    std::int64_t rows = 0;  // of the write port; 0: needs none
    bool last = false;      // of its instruction
    Inbox::Issued work;
  };
  // Moves the head's values and says what it moves.
  [[nodiscard]] Transfer read(const isa::ReadHost& insn);
  [[nodiscard]] Transfer read(const isa::ReadParams& insn);

  const Board& board_;
  UnitSheet sheet_;
  Inbox inbox_;
  LinkIn& link_;
  Instant next_;  // the next request to the link may be raised
  Channel<Chunk> chunks_;
  Trail write_trail_;
  Steps freed_;  // step n: the n-th chunk's place
  UnifiedBuffer& buffer_;
  ParamMemory& params_;
};

class DmaOut {
 public:
  // `host` is empty without values.
  DmaOut(const Board& board, Completions& completions, std::span<std::uint8_t> host,
         UnifiedBuffer& buffer);
  Process run();

  [[nodiscard]] Inbox& inbox() { return inbox_; }
  [[nodiscard]] const Timesheet& sheet() const { return sheet_; }

 private:
  [[nodiscard]] Transfer write(const isa::WriteHost& insn);
  // Sends bytes that have been read when cycle `read` starts.
  [[nodiscard]] Instant send(const Instant& read, Bytes bytes);

  const Board& board_;
  UnitSheet sheet_;
  Inbox inbox_;
  RateMeter link_;
  std::span<std::uint8_t> host_;
  UnifiedBuffer& buffer_;
  Instant next_;                   // the next request may be raised
  Instant sent_;                   // what was sent last
  std::array<Instant, 2> places_;  // from when on each is free, the older first
};

}  // namespace systole::sim
