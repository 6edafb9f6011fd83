// DMA: the host link, one engine per direction.
//
//   start       when the instruction is at the head, its syncs are passed and the link's data
//               channel is free; the link carries one transfer at a time each way
//   occupies    bytes * clock / bytes_per_second cycles of the channel, exactly on average
//   complete    link.latency cycles after its last byte was sent; the next transfer's bytes flow
//               meanwhile, so completions stay in order
//   busy        while bytes flow
//
// read_params shares the inward direction. Unified buffer ports are not arbitrated.
#pragma once

#include <cstdint>
#include <span>

#include "sim/kernel/rate_meter.h"
#include "sim/unit/inbox.h"
#include "sim/unit/param_memory.h"
#include "sim/unit/unified_buffer.h"

namespace systole::sim {

// What both directions share: the channel and the instruction queue.
class DmaEngine {
 public:
  [[nodiscard]] Inbox& inbox() { return inbox_; }
  [[nodiscard]] const Timesheet& sheet() const { return sheet_; }

 protected:
  DmaEngine(const Board& board, isa::Unit unit, Completions& completions,
            std::int64_t bytes_per_second);
  // Sends the head's bytes, starting now.
  void transfer(Bytes bytes);

  const Board& board_;
  UnitSheet sheet_;
  Inbox inbox_;
  RateMeter link_;
};

class DmaIn : public DmaEngine {
 public:
  // `host` is empty without values.
  DmaIn(const Board& board, Completions& completions, std::span<std::uint8_t> host,
        UnifiedBuffer& buffer, ParamMemory& params);
  Process run();

 private:
  void read_host(const isa::ReadHost& insn);
  void read_params(const isa::ReadParams& insn);

  std::span<std::uint8_t> host_;
  UnifiedBuffer& buffer_;
  ParamMemory& params_;
};

class DmaOut : public DmaEngine {
 public:
  DmaOut(const Board& board, Completions& completions, std::span<std::uint8_t> host,
         UnifiedBuffer& buffer);
  Process run();

 private:
  void write_host(const isa::WriteHost& insn);

  std::span<std::uint8_t> host_;
  UnifiedBuffer& buffer_;
};

}  // namespace systole::sim
