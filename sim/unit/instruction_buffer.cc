// Instruction buffer (data sheet in instruction_buffer.h).
#include "sim/unit/instruction_buffer.h"

#include <algorithm>

namespace systole::sim {

InstructionBuffer::InstructionBuffer(const Board& board, LinkIn& link)
    : board_(board),
      link_(link),
      delivers_(board.machine.sequencer_delivery == isa::Delivery::kLink),
      trail_(board.kernel, board.causes),
      arrived_(board.kernel, board.causes),
      released_(board.kernel, board.causes) {}

Process InstructionBuffer::run() {
  const std::int64_t places = board_.machine.sequencer_buffer_bytes / isa::kPacketBytes;
  Mark sent;
  for (std::int64_t packet = 1; delivers_; ++packet) {
    const std::int64_t begin = (packet - 1) * isa::kPacketBytes;
    while (sent.pc < board_.program.code.size() && sent.bytes < begin + isa::kPacketBytes) {
      advance(sent, sent.pc + 1);
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

void InstructionBuffer::release(const Instant& decoded, std::size_t keep) {
  if (!delivers_) return;
  const std::int64_t before = kept_.bytes / isa::kPacketBytes;
  advance(kept_, keep);
  for (std::int64_t n = before; n < kept_.bytes / isa::kPacketBytes; ++n) {
    released_.post({decoded, Resource::kControl, CycleCount(1)});
  }
}

void InstructionBuffer::advance(Mark& mark, std::size_t pc) const {
  for (; mark.pc < pc; ++mark.pc) {
    const isa::Insn& insn = board_.program.code[mark.pc];
    mark.bytes += isa::encoded_bytes(insn);
    if (const auto* tag = std::get_if<isa::Tag>(&insn)) mark.layer = tag->layer;
  }
}

std::int64_t InstructionBuffer::packets_of(std::size_t pc) {
  if (!delivers_ || pc < wanted_.pc) return 0;
  advance(wanted_, pc + 1);
  return ceil_div(wanted_.bytes, isa::kPacketBytes);
}

std::string InstructionBuffer::state() const {
  if (!delivers_) return "all instructions are in their buffer";
  return fmt::format("{} instruction packets sent, {} released", arrived_.posted(),
                     released_.posted());
}

}  // namespace systole::sim
