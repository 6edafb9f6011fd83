// Retime: one sweep over the moments (story in retime.h).
#include "sim/retime.h"

#include <algorithm>
#include <memory>

#include "base/diag.h"
#include "isa/delivery.h"
#include "sim/kernel/rate_meter.h"
#include "sim/unit/dram.h"
#include "sim/unit/port_banks.h"

namespace systole::sim {
namespace {

// Uses of a room before one has to wait for the first to be freed.
std::int64_t places_of(const isa::Machine& machine, Resource capacity) {
  const std::int64_t size = machine.*info(capacity).parameter;
  return capacity == Resource::kInstructionBuffer ? size / isa::kPacketBytes : size;
}

class Retimer {
 public:
  Retimer(const Causes& causes, const isa::Machine& recorded, const isa::Machine& machine)
      : causes_(causes),
        recorded_(recorded),
        machine_(machine),
        link_in_(machine.clock_hertz, machine.link_in_bytes_per_second),
        link_out_(machine.clock_hertz, machine.link_out_bytes_per_second),
        memory_(make_dram(machine, 1)),
        ports_(machine) {
    at_.reserve(causes.nodes().size());
  }

  std::vector<CyclePoint> sweep() {
    for (const Causes::Node& node : causes_.nodes())
      at_.push_back(at_.empty() ? kOrigin : time(node));
    return std::move(at_);
  }

 private:
  static constexpr CyclePoint kOrigin{};

  CyclePoint time(const Causes::Node& node) {
    switch (node.rule) {
      case Rule::kLatest:
        return std::max(cause(node, 0), cause(node, 1));
      case Rule::kRoom:
        return std::max(cause(node, 0), freed());
      case Rule::kLinkIn:
        return link_in_.send(at(node.from[0]), Bytes(grant().bytes));
      case Rule::kLinkOut:
        return link_out_.send(at(node.from[0]), Bytes(grant().bytes));
      case Rule::kLinkNext:
        return link_in_.free_in();
      case Rule::kMemory:
        return memory(at(node.from[0]));
      case Rule::kPorts:
        return begin_ports(cause(node, 0));
      case Rule::kPortsDone:
        return end_ports_;
    }
    SYSTOLE_CHECK(false, "rule {}", static_cast<int>(node.rule));
  }

  [[nodiscard]] CyclePoint at(Moment moment) const { return at_[static_cast<std::size_t>(moment)]; }
  [[nodiscard]] const Causes::Grant& grant() { return causes_.grants()[grants_++]; }

  [[nodiscard]] CyclePoint cause(const Causes::Node& node, std::size_t i) const {
    if (node.cycles[i] == Causes::kNone) return kOrigin;
    return at(node.from[i]) + cycles(node.resource[i], CycleCount(node.cycles[i]));
  }
  // What `recorded` cycles of a resource are now.
  [[nodiscard]] CycleCount cycles(Resource resource, CycleCount recorded) const {
    const ResourceInfo& of = info(resource);
    switch (of.kind) {
      case ResourceKind::kLatency:
        return recorded + CycleCount(machine_.*of.parameter - recorded_.*of.parameter);
      case ResourceKind::kPace:
        return paced(of, resource == Resource::kDecode ? decode(recorded) : recorded);
      default:
        return recorded;
    }
  }

  // What were `recorded` cycles at the recorded pace.
  [[nodiscard]] CycleCount paced(const ResourceInfo& of, CycleCount recorded) const {
    return CycleCount(ceil_div(recorded.value * (recorded_.*of.parameter), machine_.*of.parameter));
  }
  // An instruction's decoding. One that waits for all units before takes a cycle on any machine;
  // where all take one, the recording does not tell it from others: some cycles too many each.
  [[nodiscard]] CycleCount decode(CycleCount recorded) const {
    const std::int64_t before = recorded_.sequencer_decode_cycles;
    return recorded == CycleCount(ceil_div(before, recorded_.what_if_decode))
               ? CycleCount(ceil_div(machine_.sequencer_decode_cycles, recorded_.what_if_decode))
               : recorded;
  }

  // When the next room that was waited for is free.
  [[nodiscard]] CyclePoint freed() {
    const Causes::Room& room = causes_.rooms()[rooms_++];
    const std::int64_t places = places_of(machine_, room.capacity);
    if (room.use <= places) return kOrigin;
    const StepCause& step =
        causes_.steps(room.series)[static_cast<std::size_t>(room.use - places - 1)];
    return at(step.from) + CycleCount(step.cycles);
  }

  [[nodiscard]] CyclePoint memory(CyclePoint asked) {
    const Causes::Grant& grant = this->grant();
    memory_->submit(0, std::max(asked, asked_), grant.address, Bytes(grant.bytes));
    asked_ = std::max(asked, asked_);
    memory_->serve(kNever, done_);
    const CyclePoint sent = done_.back().sent;
    done_.clear();
    return sent;
  }

  [[nodiscard]] CyclePoint begin_ports(CyclePoint ready) {
    const Causes::Grant& grant = this->grant();
    const PortUse use{grant.rows, grant.reads, grant.writes};
    const PortTimes times = ports_.find(ready, use);
    end_ports_ = times.end();
    ports_.take(use, Instant(times.begin), Instant(end_ports_));
    return times.begin;
  }

  const Causes& causes_;
  const isa::Machine &recorded_, &machine_;
  std::vector<CyclePoint> at_;
  std::size_t grants_ = 0, rooms_ = 0;
  RateMeter link_in_, link_out_;
  std::unique_ptr<Dram> memory_;
  CyclePoint asked_;  // the latest request to the memory: requests come in order of time
  std::vector<DramTransfer> done_;
  PortBanks ports_;
  CyclePoint end_ports_;
};

// Parameters beside those of resources.def that a retiming follows.
constexpr std::int64_t isa::Machine::*kFollowed[] = {
    &isa::Machine::clock_hertz,
    &isa::Machine::sequencer_decode_cycles,
    &isa::Machine::dram_channels,
    &isa::Machine::dram_banks,
    &isa::Machine::dram_row_bytes,
    &isa::Machine::dram_burst_bytes,
    &isa::Machine::dram_trcd,
    &isa::Machine::dram_trp,
    &isa::Machine::dram_tras,
    &isa::Machine::dram_trfc,
    &isa::Machine::dram_trefi,
    &isa::Machine::host_bytes_per_second,
    &isa::Machine::host_call_nanoseconds,
};

}  // namespace

bool follows(const isa::Machine& recorded, const isa::Machine& machine) {
  isa::Machine changed = recorded;
  for (const auto parameter : kFollowed) changed.*parameter = machine.*parameter;
  changed.dram_kind = machine.dram_kind;
  for (const ResourceInfo& resource : kResources) {
    const auto parameter = resource.parameter;
    if (parameter == nullptr) continue;
    // Without a limit nobody asks for ports, and what no port limits is of another resource.
    const bool rate = resource.kind == ResourceKind::kRate;
    const bool unlimited = rate && (recorded.*parameter == 0 || machine.*parameter == 0);
    if (!unlimited) changed.*parameter = machine.*parameter;
  }
  return changed == machine;
}

std::vector<CyclePoint> retime(const Causes& causes, const isa::Machine& recorded,
                               const isa::Machine& machine) {
  return Retimer(causes, recorded, machine).sweep();
}

CycleCount retimed_cycles(const Causes& causes, const std::vector<CyclePoint>& moments) {
  CyclePoint end;
  for (std::size_t i = 0; i < moments.size(); ++i) {
    if (causes.nodes()[i].completes) end = std::max(end, moments[i]);
  }
  return end - CyclePoint(0);
}

double time_gain(CycleCount before, const isa::Machine& on, CycleCount after,
                 const isa::Machine& changed) {
  if (before == CycleCount(0)) return 0.0;
  const double faster =
      static_cast<double>(on.clock_hertz) / static_cast<double>(changed.clock_hertz);
  const auto had = static_cast<double>(before.value);
  return (had - static_cast<double>(after.value) * faster) / had;
}

std::optional<double> predicted_gain(const Causes& causes, const isa::Machine& recorded,
                                     const isa::Machine& machine) {
  if (!follows(recorded, machine)) return std::nullopt;
  const auto cycles = [&](const isa::Machine& on) {
    return retimed_cycles(causes, retime(causes, recorded, on));
  };
  return time_gain(cycles(recorded), recorded, cycles(machine), machine);
}

}  // namespace systole::sim
