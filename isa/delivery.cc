// Delivery: which bodies stay in the instruction buffer.
#include "isa/delivery.h"

#include "isa/program.h"

namespace systole::isa {

std::vector<SentAgain> bodies_sent_again(const std::vector<Insn>& code, const Machine& machine) {
  std::vector<SentAgain> bodies;
  if (machine.sequencer_delivery != Delivery::kLink) return bodies;
  const std::int64_t places = machine.sequencer_buffer_bytes / kPacketBytes;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const auto* repeat = std::get_if<Repeat>(&code[i]);
    if (repeat == nullptr || repeat->count < 2) continue;
    const std::size_t end = i + 1 + static_cast<std::size_t>(repeat->length);
    std::int64_t bytes = 0;
    for (std::size_t j = i + 1; j < end; ++j) bytes += encoded_bytes(code[j]);
    if (packets_around(bytes) > places) bodies.push_back({i + 1, end, repeat->count});
  }
  return bodies;
}

}  // namespace systole::isa
