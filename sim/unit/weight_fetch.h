// Weight fetch: tiles from weight memory into the weight FIFO (T5).
//
//   start       when the instruction is at the head, its syncs are passed and a FIFO slot is free;
//               the slot is reserved, the address is sent and the queue entry is freed in that
//               cycle; one address a cycle
//   occupies    the memory for R * C weights, as memory.h says
//   complete    the tile is whole dram.latency cycles after its last byte left the memory; the
//               planes and syncs see it one cycle later
//   busy        while bytes flow
// read_tile: its rows leave the unified buffer, array.shift_rows a cycle, through a port of its own
//   start       as above, once the memory has told of all reads before it
//   occupies    the unit while its rows leave: the next read starts with the cycle after them
//   complete    when its last row has left, not before the tile ahead of it
//
// A slot is free again when the tile's shift ends (weight_planes.h). Where the memory is read-only
// the packed form of a tile is kept for the next read of the same place; where it is not, the tile
// is copied when its address is sent.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>

#include "sim/kernel/ring.h"
#include "sim/unit/inbox.h"
#include "sim/unit/memory.h"
#include "sim/unit/param_memory.h"
#include "sim/unit/unified_buffer.h"
#include "sim/unit/weight_planes.h"

namespace systole::sim {

class WeightFetch : public MemoryClient {
 public:
  WeightFetch(const Board& board, isa::Unit unit, Completions& completions, Memory& memory,
              ParamMemory& params, UnifiedBuffer& buffer, WeightPlanes& planes);
  Process run();

  [[nodiscard]] Inbox& inbox() { return inbox_; }
  [[nodiscard]] UnitSheet& sheet() { return sheet_; }
  [[nodiscard]] const Timesheet& sheet() const { return sheet_; }

 private:
  // A tile whose address has been sent.
  struct Fetch {
    Tile tile;
    Inbox::Issued work;
    CyclePoint start;
    SliceLabel label;
  };
  void flows(CyclePoint begin, const Instant& sent) override;
  // The head, from memory and from the unified buffer.
  void fetch(const isa::ReadWeights& insn, CyclePoint start);
  void fetch(const isa::ReadTile& insn, CyclePoint start);
  void deliver(Tile tile, const Inbox::Issued& work, const Instant& whole);

  // The tile's values, where the run has any.
  [[nodiscard]] Tile read(const isa::ReadWeights& insn);
  [[nodiscard]] Tile read(const isa::ReadTile& insn);
  [[nodiscard]] static PackedTile pack(const isa::ReadWeights& insn, const Tile& tile);
  [[nodiscard]] std::shared_ptr<const PackedTile> packed(const isa::ReadWeights& insn,
                                                         const Tile& tile);

  const Board& board_;
  UnitSheet sheet_;
  Inbox inbox_;
  ParamMemory& params_;
  WeightPlanes& planes_;
  Memory& memory_;
  std::size_t requester_;
  Ring<Fetch> fetches_;  // of which the memory has not told, in order
  Instant next_address_;
  UnifiedBuffer& buffer_;
  Milestones told_;  // step n: the memory has told of the n-th fetch
  Instant whole_;    // the latest tile
  std::int64_t asked_ = 0;

  // By address, k, n, sign and type. Emptied when it has grown to several times the weight image.
  using Place = std::tuple<std::int64_t, std::int64_t, std::int64_t, bool, std::int64_t>;
  std::map<Place, std::shared_ptr<const PackedTile>> cache_;
  std::int64_t cached_bytes_ = 0;
};

}  // namespace systole::sim
