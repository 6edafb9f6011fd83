// Instruction buffer (data sheet in instruction_buffer.h).
#include "sim/unit/instruction_buffer.h"

#include <algorithm>

namespace systole::sim {

InstructionBuffer::InstructionBuffer(const Board& board, LinkIn& link)
    : board_(board),
      link_(link),
      delivers_(board.machine.sequencer_delivery == isa::Delivery::kLink),
      again_(isa::bodies_sent_again(board.program.code, board.machine)),
      trail_(board.kernel, board.causes),
      arrived_(board.kernel, board.causes),
      released_(board.kernel, board.causes) {}

Process InstructionBuffer::run() {
  const std::int64_t places = board_.machine.sequencer_buffer_bytes / isa::kPacketBytes;
  Mark sent;
  for (std::int64_t packet = 1; delivers_; ++packet) {
    const std::int64_t begin = (packet - 1) * isa::kPacketBytes;
    while (sent.at.pc < board_.program.code.size() && sent.bytes < begin + isa::kPacketBytes) {
      step(sent);
    }
    const Bytes bytes(std::min(sent.bytes - begin, isa::kPacketBytes));
    if (bytes <= Bytes(0)) break;
    trail_.of_layer(sent.layer);
    co_await trail_.room(released_, packet, places, Resource::kInstructionBuffer);
    const LinkGrant grant = co_await link_.send(trail_, LinkSender::kInstructions, bytes);
    arrived_.post({grant.arrived});
    co_await trail_.at({grant.next});
  }
}

void InstructionBuffer::release(const Instant& decoded, const Place& keep) {
  if (!delivers_) return;
  const std::int64_t before = kept_.bytes / isa::kPacketBytes;
  advance(kept_, keep);
  for (std::int64_t n = before; n < kept_.bytes / isa::kPacketBytes; ++n) {
    released_.post({decoded, Resource::kControl, CycleCount(1)});
  }
}

bool InstructionBuffer::sends_again(std::size_t body_begin) const {
  return std::ranges::any_of(again_,
                             [&](const isa::SentAgain& body) { return body.begin == body_begin; });
}

void InstructionBuffer::step(Mark& mark) const {
  const isa::Insn& insn = board_.program.code[mark.at.pc];
  mark.bytes += isa::encoded_bytes(insn);
  if (const auto* tag = std::get_if<isa::Tag>(&insn)) mark.layer = tag->layer;
  ++mark.at.pc;
  if (mark.body == again_.size() || mark.at.pc != again_[mark.body].end) return;
  if (mark.at.repetition + 1 < again_[mark.body].count) {
    mark.at = {again_[mark.body].begin, mark.at.repetition + 1};
  } else {
    mark.at.repetition = 0;
    ++mark.body;
  }
}

// Of places in one repetition the later one is further on in the code.
void InstructionBuffer::advance(Mark& mark, const Place& to) const {
  while (mark.at.repetition != to.repetition || mark.at.pc < to.pc) step(mark);
}

std::int64_t InstructionBuffer::packets_of(const Place& at) {
  const bool before = at.repetition == wanted_.at.repetition && at.pc < wanted_.at.pc;
  if (!delivers_ || before) return 0;
  advance(wanted_, at);
  step(wanted_);
  return ceil_div(wanted_.bytes, isa::kPacketBytes);
}

std::string InstructionBuffer::state() const {
  if (!delivers_) return "all instructions are in their buffer";
  return fmt::format("{} instruction packets sent, {} released", arrived_.posted(),
                     released_.posted());
}

}  // namespace systole::sim
