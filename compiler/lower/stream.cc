// Stream: releasing instructions in order.
#include "compiler/lower/stream.h"

namespace systole::compiler {

void Stream::release() {
  for (; read_ahead_ < ahead_ && !unread_.empty(); ++read_ahead_) {
    emitter_.emit(unread_.front().insn, unread_.front().layer);
    unread_.pop_front();
  }
  const Item& front = waiting_.front();
  if (const auto* sync = std::get_if<isa::Sync>(&front.insn)) {
    emitter_.await(static_cast<isa::Unit>(sync->unit), static_cast<isa::Unit>(sync->wait_for),
                   sync->why);
  } else {
    emitter_.emit(front.insn, front.layer);
  }
  if (front.switches) {
    --waiting_tiles_;
    --read_ahead_;
  }
  waiting_.pop_front();
}

}  // namespace systole::compiler
