// See host_time.h.
#include "report/host_time.h"

#include <algorithm>
#include <functional>

#include "sim/host/host_memory.h"

namespace systole::report {
namespace {

struct Tried {
  const char *key, *change;
};
constexpr Tried kTried[] = {{"host.bytes_per_second", "host.bytes_per_second=2x"},
                            {"host.call_nanoseconds", "host.call_nanoseconds=0.5x"}};

double host_seconds(const Record& record, const isa::Machine& machine) {
  double seconds = 0;
  for (const sim::HostReport& step : record.report.host) {
    seconds += sim::host_price(machine, step.bytes);
  }
  return seconds;
}

}  // namespace

bool other_host(const isa::Machine& a, const isa::Machine& b) {
  return a.host_bytes_per_second != b.host_bytes_per_second ||
         a.host_call_nanoseconds != b.host_call_nanoseconds;
}

double total_gain(const Record& record, double device_gain, const isa::Machine& changed) {
  const double device = record.why->device_seconds;
  const double host = host_seconds(record, record.machine);
  if (device + host <= 0) return 0.0;
  return (device * device_gain + host - host_seconds(record, changed)) / (device + host);
}

std::vector<HostChange> host_changes(const Record& record) {
  std::vector<HostChange> changes;
  if (!record.why->by_host()) return changes;
  for (const Tried& tried : kTried) {
    HostChange change{tried.key, tried.change, record.machine};
    isa::set_parameter(change.machine, change.change);
    change.gain = total_gain(record, 0.0, change.machine);
    if (change.gain > 0) changes.push_back(std::move(change));
  }
  std::ranges::stable_sort(changes, std::greater<>(), &HostChange::gain);
  return changes;
}

}  // namespace systole::report
