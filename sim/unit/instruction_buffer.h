// Instruction buffer: the program comes over the host link; the machine does not fetch.
//
//   delivery    the encoded program (isa/codec.cc) flows in packets of 256 bytes, in program order,
//               from cycle 0 on, over the link's inward direction (link.h); a packet can be decoded
//               from link.latency cycles after its last byte was sent
//   room        a packet is sent when one of buffer_bytes / 256 places is free, and its place is
//               free one cycle after its last byte was decoded for the last time. The body of a
//               repeat stays until its last repetition and comes over the link once, if it fits (by
//               the packets it may lie in, wherever it begins); else the host sends it again for
//               each repetition (isa/delivery.h)
//
// `preloaded`: all instructions are there from the start and nothing crosses the link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

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

  // An instruction as the host sends it: of which repetition, if its body is sent again; else of
  // number 0.
  struct Place {
    std::size_t pc = 0;
    std::int64_t repetition = 0;
    bool operator==(const Place&) const = default;
  };

  // The sequencer's end: co_await buffer.delivered(trail, at) goes on once all of the instruction
  // is there.
  [[nodiscard]] auto delivered(Trail& sequencer, const Place& at) {
    return sequencer.reach(arrived_, packets_of(at));
  }
  // All instructions before `keep` have been decoded for the last time. Told in each decode.
  void release(const Instant& decoded, const Place& keep);
  // Whether the host sends the body that begins there for each repetition.
  [[nodiscard]] bool sends_again(std::size_t body_begin) const;

  [[nodiscard]] std::string state() const;

 private:
  // A place in what is sent and how many bytes come before it.
  struct Mark {
    Place at;
    std::int64_t bytes = 0;
    std::int64_t layer = 0;  // of the last tag before
    std::size_t body = 0;    // of again_: the next one, or that it is in
  };
  // Moves the mark on, by one instruction, or to one; never back.
  void step(Mark& mark) const;
  void advance(Mark& mark, const Place& to) const;
  // Packets that hold the code up to the end of an instruction; 0 if that was asked for before.
  [[nodiscard]] std::int64_t packets_of(const Place& at);

  const Board& board_;
  LinkIn& link_;
  bool delivers_;
  std::vector<isa::SentAgain> again_;
  Trail trail_;
  Milestones arrived_;   // step n: packet n is there
  Milestones released_;  // step n: the place of packet n is free
  Mark wanted_, kept_;
};

}  // namespace systole::sim
