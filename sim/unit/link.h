// The host link's inward direction, which data and instructions share (T9).
//
//   request     some bytes, raised in cycle t; they flow from max(t, the link is free) on and
//   occupy
//               bytes * clock / bytes_per_second cycles, exactly on average
//   order       oldest first; of one cycle, instructions first. Each sender has one request at a
//               time, so two that always want the link take turns: one chunk, one packet
//
// As with ports (ub_ports.h) a sender resumes at t + 1, and the first one decides for all of cycle
// t. That is early enough: what is sent arrives link.latency >= 1 cycles after its last byte.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "isa/machine.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/rate_meter.h"
#include "sim/kernel/trail.h"

namespace systole::sim {

enum class LinkSender : std::uint8_t { kInstructions, kData };  // in order of precedence

// Bytes flow in cycles [begin, sent) and are whole in the device at `arrived`; the sender may ask
// again in cycle `next`, so that the link does not run dry.
struct LinkGrant {
  CyclePoint begin;
  Instant sent, arrived, next;
};

class LinkIn {
 public:
  // `host` is the memory at its other end, empty without values.
  LinkIn(Kernel& kernel, const isa::Machine& machine, std::span<std::uint8_t> host)
      : kernel_(kernel),
        host_(host),
        latency_(machine.link_latency),
        bus_(machine.clock_hertz, machine.link_in_bytes_per_second) {}

  // const LinkGrant grant = co_await link.send(trail, sender, bytes): goes on one cycle later.
  [[nodiscard]] auto send(Trail& trail, LinkSender sender, Bytes bytes) {
    return Send{*this, trail, sender, bytes};
  }

  [[nodiscard]] std::span<std::uint8_t> host() const { return host_; }

 private:
  struct Send {
    LinkIn& link;
    Trail& trail;
    LinkSender sender;
    Bytes bytes;
    Instant raised{};
    LinkGrant grant{};
    [[nodiscard]] static bool await_ready() { return false; }
    void await_suspend(Kernel::Handle handle);
    [[nodiscard]] LinkGrant await_resume();
  };
  void decide();
  [[nodiscard]] LinkGrant grant(const Send& send);

  Kernel& kernel_;
  std::span<std::uint8_t> host_;
  CycleCount latency_;
  RateMeter bus_;
  Instant sent_;  // what was sent last
  std::vector<Send*> pending_;
};

}  // namespace systole::sim
