// Tee: one probe that tells several, each what it wants: every row of probe_events.def.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "sim/kernel/probe.h"

namespace systole::traces {

using sim::ArrayView;
using sim::Life;
using sim::Slice;

class Tee : public sim::Probe {
 public:
  // Null pointers are left out; the probes outlive this.
  explicit Tee(std::vector<sim::Probe*> probes) : probes_(std::move(probes)) {
    std::erase(probes_, nullptr);
  }
  [[nodiscard]] bool empty() const { return probes_.empty(); }

#define SYSTOLE_PROBE_EVENT(name, wanted, parameters, arguments)                       \
  [[nodiscard]] bool wants_##name() const override {                                   \
    return std::any_of(probes_.begin(), probes_.end(),                                 \
                       [](const sim::Probe* probe) { return probe->wants_##name(); }); \
  }                                                                                    \
  void name parameters override {                                                      \
    for (sim::Probe * probe : probes_) {                                               \
      if (probe->wants_##name()) probe->name arguments;                                \
    }                                                                                  \
  }
#include "sim/kernel/probe_events.def"

 private:
  std::vector<sim::Probe*> probes_;
};

}  // namespace systole::traces
