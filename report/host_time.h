// Host time: what other prices of the host's own steps gain, of the run's time with these steps.
// The device does not wait for a price, so a step's bytes tell all.
#pragma once

#include <string>
#include <vector>

#include "report/record.h"

namespace systole::report {

// Whether machines differ in what the host's steps cost.
[[nodiscard]] bool other_host(const isa::Machine& a, const isa::Machine& b);

// The share of the run's time, the device's and the host's, that a machine saves which gains so
// much of the device's time. Needs record.why.
[[nodiscard]] double total_gain(const Record& record, double device_gain,
                                const isa::Machine& changed);

// A cheaper host, by one of its parameters.
struct HostChange {
  std::string key, change;  // "host.bytes_per_second", "host.bytes_per_second=2x"
  isa::Machine machine;
  double gain = 0;  // of the run's time
};
// Of a run that the host bounds, the largest gain first; of any other none. Needs record.why.
[[nodiscard]] std::vector<HostChange> host_changes(const Record& record);

}  // namespace systole::report
