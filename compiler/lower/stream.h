// Stream: instructions on their way to the emitter, with weight tiles read ahead.
//
// A pass that switches to a tile carries the read of that tile. Reads go out as early as FIFO and
// shadow plane have room: that of tile t before the instructions behind the switch to tile
// t - (FIFO + 1), and never earlier, so that in-order dispatch cannot deadlock (T10).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "compiler/lower/emitter.h"
#include "isa/program.h"

namespace systole::compiler {

class Stream {
 public:
  Stream(const isa::Machine& machine, Emitter& emitter)
      : emitter_(emitter), ahead_(machine.weight_fifo_tiles + 1) {}

  void push(const isa::Insn& insn, std::int64_t layer) { waiting_.push_back({insn, layer, false}); }
  // `queue` waits until all that comes before in the stream and goes to `of` is done.
  void await(isa::Unit queue, isa::Unit of, std::int64_t why) {
    push(isa::Sync{.unit = static_cast<std::int64_t>(isa::index(queue)),
                   .wait_for = static_cast<std::int64_t>(isa::index(of)),
                   .why = why},
         0);
  }
  // A pass that switches to the tile that `read` brings.
  void push_switch(const isa::Insn& pass, const isa::ReadWeights& read, std::int64_t layer) {
    waiting_.push_back({pass, layer, true});
    unread_.push_back({read, layer});
    ++waiting_tiles_;
    while (waiting_tiles_ > ahead_) release();
  }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  // Emits what is left.
  void finish() {
    while (!waiting_.empty()) release();
  }

 private:
  // A sync stands for await(), whatever its distance.
  struct Item {
    isa::Insn insn;
    std::int64_t layer = 0;
    bool switches = false;
  };
  struct Read {
    isa::ReadWeights insn;
    std::int64_t layer = 0;
  };

  // Emits the front, after the reads that may stand before it.
  void release();

  Emitter& emitter_;
  std::int64_t ahead_;
  std::deque<Item> waiting_;
  std::deque<Read> unread_;         // of tiles in waiting_
  std::int64_t waiting_tiles_ = 0;  // in waiting_
  std::int64_t read_ahead_ = 0;     // of them, those whose read is out
};

}  // namespace systole::compiler
