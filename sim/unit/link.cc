// The host link's inward direction: deciding (rules in link.h).
#include "sim/unit/link.h"

#include <algorithm>

namespace systole::sim {

void LinkIn::Send::await_suspend(Kernel::Handle handle) {
  raised = link.kernel_.now();
  link.pending_.push_back(this);
  link.kernel_.resume_at(raised + CycleCount(1), handle);
}

LinkGrant LinkIn::Send::await_resume() {
  link.decide();
  return grant;
}

void LinkIn::decide() {
  const CyclePoint now = kernel_.now();
  const auto due = std::partition(pending_.begin(), pending_.end(),
                                  [&](Send* send) { return send->raised >= now; });
  std::sort(due, pending_.end(),
            [](const Send* a, const Send* b) { return a->sender < b->sender; });
  for (auto it = due; it != pending_.end(); ++it) {
    Send& send = **it;
    const CyclePoint begin = std::max(send.raised, bus_.free_in());
    const CyclePoint sent = bus_.send(send.raised, send.bytes);
    send.grant = {begin, sent, sent + latency_, bus_.free_in()};
  }
  pending_.erase(due, pending_.end());
}

}  // namespace systole::sim
