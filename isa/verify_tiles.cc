// Verifier: weight tiles. Tiles come into use in the order they are read, so the k-th switch must
// follow the k-th read; a pass uses no more than the valid part of its tile, of weights of its
// type; and tiles read ahead must have room, or in-order dispatch deadlocks: the sequencer would
// wait for the weights queue, whose head waits for a switch still to be dispatched.
//
// A tile that is read and not yet switched to is in the shadow plane, in the FIFO, or still an
// entry of the weights queue. The read that finds shadow and FIFO taken stays in the queue, and
// with it every entry behind it. Each matrix unit has a FIFO and a stream of tiles of its own
// (T11).
#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "isa/expand.h"
#include "isa/operand.h"
#include "isa/precisions.h"
#include "isa/verify_parts.h"

namespace systole::isa {
namespace {

// What a pass must fit, of either read.
struct TileRead {
  std::int64_t k, n, weights;
};
TileRead tile_read(const Insn& insn) {
  if (const auto* tile = std::get_if<ReadTile>(&insn))
    return {tile->k, tile->n, weight_type::kBf16};
  const auto& read = std::get<ReadWeights>(insn);
  return {read.k, read.n, read.weights};
}

class TileChecker {
 public:
  // Of matrix unit `instance`.
  TileChecker(const Program& program, const Machine& machine, std::int64_t instance,
              Findings& findings)
      : program_(program),
        machine_(machine),
        weights_(unit_at(Unit::kWeights, instance)),
        matrix_(unit_at(Unit::kMatrix, instance)),
        findings_(findings) {}

  void run() {
    const auto visit = [this](std::size_t pc, const Insn& insn) {
      const Unit queue = queue_of(insn);
      if (queue != weights_ && queue != matrix_) return true;
      const bool reads =
          std::holds_alternative<ReadWeights>(insn) || std::holds_alternative<ReadTile>(insn);
      if (reads) tiles_.push_back({entries_, pc});
      if (queue == weights_) add_entry(pc);
      if (const auto* matmul = std::get_if<Matmul>(&insn)) use(pc, *matmul);
      if (const auto* convolve = std::get_if<Convolve>(&insn)) use(pc, *convolve);
      return !findings_.full() && sound_;
    };
    const auto settled = [this](const Body&, std::int64_t) { return is_settled(); };
    if (!for_each_unsettled(program_.code, kMostVisited, visit, settled)) {
      return add_too_long(findings_);
    }
    if (!sound_ || switches_ == reads()) return;
    findings_.add_general(
        FindingKind::kTileOrder,
        fmt::format("{} of {} weight tiles read{} are never switched to; expected "
                    "a switch for each",
                    reads() - switches_, reads(), whose()));
  }

 private:
  // Of a tile read and not switched to: where it was read, how many entries came since.
  struct Ahead {
    std::size_t pc;
    std::int64_t entries;
    bool operator==(const Ahead&) const = default;
  };

  // Whether the tiles ahead and the one in use are those of the repetition before.
  [[nodiscard]] bool is_settled() {
    std::vector<Ahead> ahead;
    for (std::int64_t t = std::max<std::int64_t>(0, switches_ - 1); t < reads(); ++t) {
      const Tile& tile = tiles_[static_cast<std::size_t>(t)];
      ahead.push_back({tile.pc, t < switches_ ? 0 : entries_ - tile.entries_before});
    }
    const bool same = ahead == ahead_;
    ahead_ = std::move(ahead);
    return same;
  }

  // Which unit's tiles, where there are several.
  [[nodiscard]] std::string whose() const {
    return machine_.array_units > 1 ? fmt::format(" for {}", unit_name(matrix_)) : "";
  }
  [[nodiscard]] std::int64_t reads() const { return std::ssize(tiles_); }

  // Tiles that fit outside the queue. With weight_load "single" the shadow plane is not free before
  // the next switch is known, so it does not count.
  [[nodiscard]] std::int64_t room() const {
    const bool shadow = machine_.array_weight_load != WeightLoad::kSingle;
    return machine_.weight_fifo_tiles + (shadow ? 1 : 0);
  }

  void add_entry(std::size_t pc) {
    ++entries_;
    const std::int64_t blocked = switches_ + room();  // the first read without room
    if (blocked >= reads()) return;
    const std::int64_t waiting =
        entries_ - tiles_[static_cast<std::size_t>(blocked)].entries_before;
    if (waiting <= machine_.sequencer_queue) return;
    sound_ = false;
    findings_.add(FindingKind::kTilesAhead, pc,
                  fmt::format("is {} tiles{} ahead of the switches, which deadlocks; expected at "
                              "most {} tiles in FIFO and shadow plane and {} entries queued",
                              reads() - switches_, whose(), room(), machine_.sequencer_queue));
  }

  template <typename Pass>
  void use(std::size_t pc, const Pass& pass) {
    if (pass.switch_tile != 0) ++switches_;
    if (switches_ > reads()) {
      sound_ = false;
      findings_.add(FindingKind::kTileOrder, pc,
                    fmt::format("is switch {} and only {} tiles{} are read before it; expected a "
                                "read_weights first",
                                switches_, reads(), whose()));
    } else if (switches_ == 0) {
      sound_ = false;
      findings_.add(FindingKind::kTileOrder, pc,
                    "has no weight tile; expected switch_tile=1 on the first pass" + whose());
    } else {
      check_tile(pc, pass, tiles_[static_cast<std::size_t>(switches_ - 1)].pc);
    }
  }

  // A pass uses no more than the valid part of its tile, whose weights are of its precision's type.
  template <typename Pass>
  void check_tile(std::size_t pc, const Pass& pass, std::size_t read_pc) {
    const TileRead read = tile_read(program_.code[read_pc]);
    const std::int64_t weights = weight_type_of(precision_info(pass.precision));
    if (pass.k > read.k || pass.n > read.n) {
      findings_.add_pair(FindingKind::kRange, pc, read_pc,
                         fmt::format("uses {} rows and {} columns of the tile of", pass.k, pass.n),
                         fmt::format("k at most {} and n at most {}", read.k, read.n));
    } else if (read.weights != weights) {
      const std::string type = operand_text(Operand::WeightType, read.weights);
      findings_.add_pair(FindingKind::kRange, pc, read_pc,
                         fmt::format("multiplies by {} weights of the tile of", type),
                         "weights of type " + operand_text(Operand::WeightType, weights));
    }
  }

  struct Tile {
    std::int64_t entries_before;  // entries of the weights queue before its read
    std::size_t pc;               // of its read
  };

  const Program& program_;
  const Machine& machine_;
  Unit weights_, matrix_;
  Findings& findings_;
  std::vector<Tile> tiles_;   // in the order of their reads
  std::int64_t entries_ = 0;  // of the weights queue so far
  std::int64_t switches_ = 0;
  std::vector<Ahead> ahead_;  // at the end of the latest repetition
  bool sound_ = true;
};

}  // namespace

void check_tiles(const Program& program, const Machine& machine, Findings& findings) {
  for (std::int64_t i = 0; i < machine.array_units; ++i) {
    TileChecker(program, machine, i, findings).run();
  }
}

}  // namespace systole::isa
