// The host link's inward direction: deciding (rules in link.h).
#include "sim/unit/link.h"

#include <algorithm>

namespace systole::sim {

void LinkIn::Send::await_suspend(Kernel::Handle handle) {
  raised = trail.now();
  link.pending_.push_back(this);
  link.kernel_.resume_at(raised + CycleCount(1), handle);
}

LinkGrant LinkIn::Send::await_resume() {
  link.decide();
  trail.join({raised, Resource::kControl, CycleCount(1)});
  return grant;
}

void LinkIn::decide() {
  const CyclePoint now = kernel_.now();
  const auto due = std::partition(pending_.begin(), pending_.end(),
                                  [&](Send* send) { return send->raised >= now; });
  std::sort(due, pending_.end(),
            [](const Send* a, const Send* b) { return a->sender < b->sender; });
  for (auto it = due; it != pending_.end(); ++it) (*it)->grant = grant(**it);
  pending_.erase(due, pending_.end());
}

LinkGrant LinkIn::grant(const Send& send) {
  const CyclePoint begin = std::max<CyclePoint>(send.raised, bus_.free_in());
  const CyclePoint sent = bus_.send(send.raised, send.bytes);
  if (!send.trail.records()) {
    return {begin, Instant(sent), Instant(sent + latency_), Instant(bus_.free_in())};
  }
  Trail& trail = send.trail;
  const Cause asked{send.raised, Resource::kLinkIn, sent - send.raised};
  const Cause held{sent_, Resource::kLinkIn, sent - sent_};
  const bool waits = begin > send.raised;
  sent_ = trail.causes().granted(Rule::kLinkIn, asked, waits ? &held : nullptr,
                                 {.bytes = send.bytes.value}, trail.layer());
  const Cause next{sent_, Resource::kLinkIn, bus_.free_in() - sent};
  return {begin, sent_, trail.after({sent_, Resource::kLinkLatency, latency_}),
          trail.causes().follows(Rule::kLinkNext, next, nullptr, trail.layer())};
}

}  // namespace systole::sim
