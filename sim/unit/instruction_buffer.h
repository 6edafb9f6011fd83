// Instruction buffer: the program comes over the host link; the machine does not fetch.
//
//   delivery    the encoded program (isa/codec.cc) flows in packets of 256 bytes, in program order,
//               from cycle 0 on, over the link's inward direction (link.h); a packet can be decoded
//               from link.latency cycles after its last byte was sent
//   room        a packet is sent when one of buffer_bytes / 256 places is free, and its place is
//               free one cycle after its last byte was decoded for the last time. The body of a
//               repeat stays until its last repetition: it comes over the link once, and must fit
//               (the verifier counts the packets it may lie in, wherever it begins)
//
// `preloaded`: all instructions are there from the start and nothing crosses the link.
#pragma once

#include <cstddef>
#include <cstdint>

#include "isa/delivery.h"
#include "sim/kernel/milestones.h"
#include "sim/unit/inbox.h"
#include "sim/unit/link.h"

namespace systole::sim {

class InstructionBuffer {
 public:
  InstructionBuffer(const Board& board, LinkIn& link);
  // The host's end: sends packets as there is room.
  Process run();

  // The sequencer's end: co_await buffer.delivered(trail, pc) goes on once all of instruction pc is
  // there.
  [[nodiscard]] auto delivered(Trail& sequencer, std::size_t pc) {
    return sequencer.reach(arrived_, packets_of(pc));
  }
  // All instructions before `keep` have been decoded for the last time. Told in each decode.
  void release(const Instant& decoded, std::size_t keep);

  [[nodiscard]] std::string state() const;

 private:
  // A place in the code and how many bytes come before it.
  struct Mark {
    std::size_t pc = 0;
    std::int64_t bytes = 0;
    std::int64_t layer = 0;  // of the last tag before
  };
  // Moves the mark on to instruction pc; never back.
  void advance(Mark& mark, std::size_t pc) const;
  // Packets that hold the code up to the end of instruction pc; 0 if that was asked for before.
  [[nodiscard]] std::int64_t packets_of(std::size_t pc);

  const Board& board_;
  LinkIn& link_;
  bool delivers_;
  Trail trail_;
  Milestones arrived_;   // step n: packet n is there
  Milestones released_;  // step n: the place of packet n is free
  Mark wanted_, kept_;
};

}  // namespace systole::sim
