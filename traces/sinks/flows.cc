// Holding slices of work until their flows are known (story in flows.h).
#include "traces/sinks/flows.h"

#include <algorithm>

namespace systole::traces {

void Flows::work(std::size_t unit, const Work& work) {
  Unit& of = units_[unit];
  of.work.push_back(work);
  ++of.insns[work.ordinal].held;
}

void Flows::life(std::size_t unit, const sim::Life& life, std::size_t awaited) {
  Insn& insn = units_[unit].insns[life.ordinal];
  insn.completed = life.completed;
  horizon_.dispatched(life.dispatched);
  if (life.awaited_ordinal > 0) {
    const auto producer = units_[awaited].insns.find(life.awaited_ordinal);
    if (producer != units_[awaited].insns.end() && producer->second.held > 0) {
      const std::uint64_t flow = next_flow_();
      producer->second.out.push_back({flow, unit, life.ordinal});
      insn.in.push_back({flow, awaited, life.awaited_ordinal});
    }
  }
  write_ready();
}

void Flows::finish() {
  finished_ = true;
  write_ready();
}

std::size_t Flows::held() const {
  std::size_t all = 0;
  for (const Unit& unit : units_) all += unit.work.size();
  return all;
}

const Flows::Insn* Flows::find(const End& end) const {
  const auto& insns = units_[end.unit].insns;
  const auto found = insns.find(end.ordinal);
  return found == insns.end() ? nullptr : &found->second;
}

bool Flows::ready(const Insn& insn) const {
  return settled(insn) && std::ranges::all_of(insn.out, [&](const End& end) {
           const Insn* consumer = find(end);
           return consumer == nullptr || consumer->held > 0 || consumer->begun ||
                  settled(*consumer);
         });
}

void Flows::write_ready() {
  for (std::size_t unit = 0; unit < units_.size(); ++unit) {
    Unit& of = units_[unit];
    while (!of.work.empty() && ready(of.insns.at(of.work.front().ordinal))) write_front(unit);
  }
}

// The flows that begin at the instruction's last slice; what has no slice to end at is left out.
std::vector<std::uint64_t> Flows::take_out(Insn& insn) {
  std::vector<std::uint64_t> flows;
  for (const End& end : insn.out) {
    auto& insns = units_[end.unit].insns;
    const auto consumer = insns.find(end.ordinal);
    if (consumer == insns.end() || consumer->second.begun || consumer->second.held > 0) {
      flows.push_back(end.flow);
    } else {
      std::erase_if(consumer->second.in, [&](const End& in) { return in.flow == end.flow; });
    }
  }
  insn.out.clear();
  return flows;
}

// Nothing more is known of the instruction. If it had no slice, nothing leads to it.
void Flows::forget(const Insn& insn) {
  if (insn.begun) return;
  for (const End& in : insn.in) {
    auto& insns = units_[in.unit].insns;
    const auto producer = insns.find(in.ordinal);
    if (producer == insns.end()) continue;
    std::erase_if(producer->second.out, [&](const End& out) { return out.flow == in.flow; });
  }
}

void Flows::write_front(std::size_t unit) {
  Unit& of = units_[unit];
  const Work work = of.work.front();
  of.work.pop_front();
  // Instructions before this one have all the slices that they will ever have.
  while (of.insns.begin()->first < work.ordinal) {
    forget(of.insns.begin()->second);
    of.insns.erase(of.insns.begin());
  }
  Insn& insn = of.insns.at(work.ordinal);
  WorkFlows flows;
  if (!insn.begun) {
    for (const End& end : insn.in) flows.in.push_back(end.flow);
  }
  insn.begun = true;
  if (--insn.held == 0) flows.out = take_out(insn);
  write_(unit, work, flows);
}

}  // namespace systole::traces
