// Emitter: dependencies by interval maps, syncs pruned by vector clocks (design rule T10).
#include "compiler/lower/emitter.h"

#include <algorithm>

namespace systole::compiler {

using isa::Unit;

Emitter::Ranges::iterator Emitter::boundary(Ranges& ranges, std::int64_t at) {
  auto next = ranges.lower_bound(at);
  if (next == ranges.begin()) return next;
  const auto before = std::prev(next);
  if (before->second.first <= at) return next;
  const auto tail = before->second;
  before->second.first = at;
  return ranges.emplace_hint(next, at, tail);
}

void Emitter::cover(Ranges& ranges, std::int64_t begin, std::int64_t end) {
  boundary(ranges, end);
  auto it = boundary(ranges, begin);
  while (begin < end) {
    if (it != ranges.end() && it->first == begin) {
      begin = it->second.first;
      ++it;
      continue;
    }
    const std::int64_t gap_end = it == ranges.end() ? end : std::min(end, it->first);
    it = std::next(ranges.emplace_hint(it, begin, std::make_pair(gap_end, Touch{})));
    begin = gap_end;
  }
}

// Rows of other blocks lie between those of one block. So a read may wait for the writes of blocks
// beside its own, which are made together; a write waits for nobody, as nothing was there.
void Emitter::add_host_access(const isa::Insn& insn) {
  if (again_.empty()) return;
  const isa::HostRows host = isa::host_rows(insn, machine_);
  if (host.rows == 0) return;
  const std::int64_t end = host.address + (host.rows - 1) * host.stride + host.bytes;
  const auto range = again_.upper_bound(host.address);
  if (range == again_.end() || range->second >= end) return;
  scratch_.push_back({isa::Space::kHost, host.address, end, host.write, 0, 1, 0});
}

void Emitter::collect(const isa::Access& access, Needs& needs) {
  if (access.space == isa::Space::kHost && access.write) return;
  Ranges& ranges = spaces_[access.space];
  auto it = ranges.upper_bound(access.begin);
  if (it != ranges.begin() && std::prev(it)->second.first > access.begin) --it;
  for (; it != ranges.end() && it->first < access.end; ++it) {
    const Touch& touch = it->second.second;
    for (std::size_t u = 0; u < isa::kUnitKinds; ++u) {
      auto& room = access.write ? needs.war[u] : needs.raw[u];
      room = std::max(room, touch.wrote[u]);
      if (access.write) needs.war[u] = std::max(needs.war[u], touch.read[u]);
    }
  }
}

void Emitter::record(const isa::Access& access, std::size_t unit, std::int64_t number) {
  Ranges& ranges = spaces_[access.space];
  cover(ranges, access.begin, access.end);
  auto it = ranges.find(access.begin);
  for (; it != ranges.end() && it->first < access.end; ++it) {
    Touch& touch = it->second.second;
    // A write makes all earlier touches known to be done, so it replaces them.
    if (access.write) touch = Touch{};
    (access.write ? touch.wrote : touch.read)[unit] = number;
  }
  if (!access.write) return;
  // Written as a whole: one range again, so that the map stays as small as the layout.
  auto first = ranges.find(access.begin);
  first->second.first = access.end;
  ranges.erase(std::next(first), ranges.lower_bound(access.end));
}

void Emitter::wait(Unit queue, const Needs& needs) {
  const std::size_t q = isa::index(queue);
  Counts open{};  // what this queue does not know yet, by unit
  for (std::size_t v = 0; v < isa::kUnitKinds; ++v) {
    const std::int64_t need = std::max(needs.raw[v], needs.war[v]);
    const bool in_order = v == q && queue == Unit::kMatrix;  // T2: rows of one matrix unit hold
    open[v] = in_order || need <= known_[q][v] ? 0 : need;
  }
  for (std::size_t v = 0; v < isa::kUnitKinds; ++v) {
    if (open[v] == 0 || implied(open, v)) continue;
    code_.push_back(isa::Sync{.unit = static_cast<std::int64_t>(q),
                              .wait_for = static_cast<std::int64_t>(v),
                              .distance = sent_[v] - open[v],
                              .why = needs.raw[v] == open[v] ? isa::why::kRaw : isa::why::kWar});
    const Counts also = knowledge(v, open[v]);
    for (std::size_t u = 0; u < isa::kUnitKinds; ++u) {
      known_[q][u] = std::max(known_[q][u], also[u]);
    }
  }
}

void Emitter::await(Unit queue, Unit of, std::int64_t why) {
  Needs needs;
  (why == isa::why::kRaw ? needs.raw : needs.war)[isa::index(of)] = sent_[isa::index(of)];
  wait(queue, needs);
}

bool Emitter::implied(const Counts& open, std::size_t v) const {
  for (std::size_t u = 0; u < isa::kUnitKinds; ++u) {
    if (u != v && open[u] != 0 && knowledge(u, open[u])[v] >= open[v]) return true;
  }
  return false;
}

Emitter::Counts Emitter::knowledge(std::size_t unit, std::int64_t number) const {
  const auto later =
      std::upper_bound(moments_[unit].begin(), moments_[unit].end(), number,
                       [](std::int64_t n, const Moment& moment) { return n < moment.number; });
  Counts known = std::prev(later)->known;
  known[unit] = std::max(known[unit], number);
  return known;
}

void Emitter::emit(const isa::Insn& insn, std::int64_t layer) {
  if (layer != layer_) code_.push_back(isa::Tag{.layer = layer});
  layer_ = layer;
  if (!isa::counts(insn)) return code_.push_back(insn);
  const Unit queue = isa::queue_of(insn);
  const std::size_t q = isa::index(queue);
  isa::device_accesses(insn, machine_, scratch_);
  std::erase_if(scratch_, [this](const isa::Access& a) {
    return !isa::is_tracked(a.space, machine_) || a.begin >= a.end;
  });
  add_host_access(insn);
  Needs needs;
  for (const isa::Access& access : scratch_) collect(access, needs);
  wait(queue, needs);
  code_.push_back(insn);
  ++sent_[q];
  if (moments_[q].empty() || moments_[q].back().known != known_[q]) {
    moments_[q].push_back({sent_[q], known_[q]});
  }
  for (const isa::Access& access : scratch_) record(access, q, sent_[q]);
}

void Emitter::barrier(const isa::Insn& insn) {
  code_.push_back(insn);
  known_.fill(sent_);
}

}  // namespace systole::compiler
