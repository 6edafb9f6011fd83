// Causes: recording (story in causes.h).
#include "sim/kernel/causes.h"

#include <algorithm>

#include "base/diag.h"

namespace systole::sim {
namespace {

std::int32_t narrow(CycleCount cycles) {
  SYSTOLE_CHECK(
      cycles.value > Causes::kNone && cycles.value <= std::numeric_limits<std::int32_t>::max(),
      "{} cycles between two moments", cycles.value);
  return static_cast<std::int32_t>(cycles.value);
}

}  // namespace

Causes::Causes(std::size_t most_moments) : most_(std::max<std::size_t>(most_moments, 1)) {
  nodes_.emplace_back();
}

Instant Causes::add(Rule rule, CyclePoint at, const Cause& a, const Cause* b, std::int64_t layer) {
  Node node;
  node.at = at;
  node.rule = rule;
  node.layer = static_cast<std::int32_t>(layer);
  node.from[0] = a.from.moment;
  node.resource[0] = a.resource;
  node.cycles[0] = narrow(a.cycles);
  if (b != nullptr) {
    node.from[1] = b->from.moment;
    node.resource[1] = b->resource;
    node.cycles[1] = narrow(b->cycles);
  }
  nodes_.push_back(node);
  return Instant(at, static_cast<Moment>(nodes_.size() - 1));
}

Instant Causes::after(const Cause& cause, std::int64_t layer) {
  return add(Rule::kLatest, cause.at(), cause, nullptr, layer);
}

Instant Causes::latest(const Cause& a, const Cause& b, std::int64_t layer) {
  return add(Rule::kLatest, std::max(a.at(), b.at()), a, &b, layer);
}

Instant Causes::room(const Cause& here, const Cause& freed, const Room& room, std::int64_t layer) {
  const Instant instant = latest(here, freed, layer);
  nodes_.back().rule = Rule::kRoom;
  rooms_.push_back(room);
  return instant;
}

Instant Causes::granted(Rule rule, const Cause& asked, const Cause* held, const Grant& grant,
                        std::int64_t layer) {
  grants_.push_back(grant);
  return add(rule, held == nullptr ? asked.at() : held->at(), asked, held, layer);
}

Instant Causes::follows(Rule rule, const Cause& a, const Cause* b, std::int64_t layer) {
  return add(rule, b == nullptr ? a.at() : std::max(a.at(), b->at()), a, b, layer);
}

void Causes::completes(const Instant& instant) {
  if (full()) return;
  nodes_[static_cast<std::size_t>(instant.moment)].completes = true;
  if (instant >= nodes_[static_cast<std::size_t>(end_)].at) end_ = instant.moment;
}

std::int32_t Causes::new_series() {
  series_.emplace_back();
  return static_cast<std::int32_t>(series_.size() - 1);
}

void Causes::step(std::int32_t series, const Cause& cause) {
  series_[static_cast<std::size_t>(series)].push_back({cause.from.moment, narrow(cause.cycles)});
}

}  // namespace systole::sim
