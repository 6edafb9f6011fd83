// Tee: one probe that tells several.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "sim/kernel/probe.h"

namespace systole::traces {

class Tee : public sim::Probe {
 public:
  // Null pointers are left out; the probes outlive this.
  explicit Tee(std::vector<sim::Probe*> probes) : probes_(std::move(probes)) {
    std::erase(probes_, nullptr);
  }
  [[nodiscard]] bool empty() const { return probes_.empty(); }

  [[nodiscard]] bool wants_counters() const override {
    return std::any_of(probes_.begin(), probes_.end(),
                       [](const sim::Probe* probe) { return probe->wants_counters(); });
  }
  void slice(const sim::Slice& slice) override {
    for (sim::Probe* probe : probes_) probe->slice(slice);
  }
  void counter(std::string_view name, CyclePoint at, std::int64_t value) override {
    for (sim::Probe* probe : probes_) {
      if (probe->wants_counters()) probe->counter(name, at, value);
    }
  }

 private:
  std::vector<sim::Probe*> probes_;
};

}  // namespace systole::traces
