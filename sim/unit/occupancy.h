// Occupancy: how many unified buffer rows hold data that somebody will still read, over time.
//
// A row is in use from the start of the instruction that writes it to the completion of the last
// instruction that reads what was written. Which reader is the last follows from program order
// alone (a program without races cannot disagree), so it is found from the program, ahead of the
// run; the run only says when each instruction started and completed. Only built when somebody
// listens.
//
// Memory does not grow with the run, or hardly: the program is looked at in blocks of instructions,
// one or two at a time. Before the run one sweep notes of each block what happens first to each
// row, two bits a row, so that at a block's end it is known what comes next. Blocks are so long
// that these notes and a block take the same room, which grows by the square root of the run.
#pragma once

#include <cstdint>
#include <deque>
#include <queue>
#include <utility>
#include <vector>

#include "isa/access.h"
#include "isa/executed.h"
#include "isa/machine.h"
#include "isa/program.h"
#include "sim/kernel/probe.h"

namespace systole::sim {

// What is done next to each row of a space: nothing, a read or a write; two bits each.
class NextAccesses {
 public:
  enum class Next : std::uint8_t { kNone = 0, kRead = 1, kWrite = 3 };  // bit 0: anything

  explicit NextAccesses(std::int64_t rows) : words_(static_cast<std::size_t>(ceil_div(rows, 32))) {}
  [[nodiscard]] Next of(std::int64_t row) const {
    return static_cast<Next>(words_[word(row)] >> shift(row) & 3);
  }
  // Unless something is done to it before.
  void add(std::int64_t row, Next next) {
    if (of(row) == Next::kNone) words_[word(row)] |= static_cast<std::uint64_t>(next) << shift(row);
  }
  // What is done in a stretch of the program before these.
  void put_before(const NextAccesses& earlier) {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      const std::uint64_t any = earlier.words_[i] & 0x5555'5555'5555'5555;
      words_[i] = earlier.words_[i] | (words_[i] & ~(any * 3));
    }
  }

 private:
  static std::size_t word(std::int64_t row) { return static_cast<std::size_t>(row) / 32; }
  static int shift(std::int64_t row) { return static_cast<int>(row % 32) * 2; }
  std::vector<std::uint64_t> words_;
};

class Occupancy {
 public:
  // Tells the probe's counter "unified_buffer.rows_in_use", in order of time. A block has at least
  // `block` instructions. All arguments outlive this.
  Occupancy(const isa::Program& program, const isa::Machine& machine, Probe& probe,
            std::int64_t block = kBlock);

  // The unit's next instruction starts, now.
  void starts(isa::Unit unit, CyclePoint now);
  // It is known now that the first of those of the unit that have started completes at `at`, which
  // is not before `now`.
  void completes(isa::Unit unit, CyclePoint now, CyclePoint at);
  // All have completed.
  void finish() { tell(kNever); }

 private:
  static constexpr std::int64_t kBlock = 1 << 16;

  // Rows that come into use when an instruction starts and go out of use when it completes.
  struct Change {
    std::int32_t taken = 0, released = 0;
  };
  // Instructions of a unit that have been looked at and have not completed.
  struct Unit {
    std::deque<Change> changes;
    std::size_t started = 0;
  };
  struct Row {
    bool in_use = false, read = false;
    Change* last = nullptr;  // of who touched its present data last; null: before this block
  };
  using Event = std::pair<CyclePoint, std::int64_t>;  // when, by how many rows

  void note_blocks();
  // Calls visit(row, whether it is written) for what an instruction does to the buffer.
  template <typename Visit>
  void for_each_row(const isa::Insn& insn, Visit&& visit);
  void next_block();
  void touch(Row& row, bool write, Change& by);
  void settle_block();
  void tell(CyclePoint before);

  const isa::Program& program_;
  const isa::Machine& machine_;
  Probe& probe_;
  std::int64_t block_;
  isa::Executed executed_;
  std::vector<isa::Access> accesses_;
  std::vector<Row> rows_;
  std::deque<NextAccesses> next_;  // behind each block that has not been looked at
  std::vector<Unit> units_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  CyclePoint told_;
  std::int64_t in_use_ = 0;
};

}  // namespace systole::sim
