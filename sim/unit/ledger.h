// Ledger: the run's counters, kept by layer. The run's totals are their sums, so layers add up to
// the run by construction.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/diag.h"
#include "base/units.h"
#include "isa/program.h"
#include "sim/kernel/report.h"

namespace systole::sim {

class Ledger {
 public:
  // The program's layers must outlive the ledger.
  explicit Ledger(const std::vector<isa::Layer>& layers) : layers_(layers) {
    rows_.resize(std::max<std::size_t>(1, layers.size()));
  }

  [[nodiscard]] Counters& layer(std::int64_t layer) { return row(layer).counters; }
  [[nodiscard]] std::string_view layer_name(std::int64_t layer) const {
    const auto i = static_cast<std::size_t>(layer);
    return i < layers_.size() ? std::string_view(layers_[i].name) : "(none)";
  }

  // One of the layer's instructions is at work from `begin` to `end` (exclusive).
  void at_work(std::int64_t layer, CyclePoint begin, CyclePoint end) {
    Row& r = row(layer);
    r.first = std::min(r.first, begin);
    r.end = std::max(r.end, end);
    end_ = std::max(end_, end);
  }
  // The first cycle at whose start everything so far is complete.
  [[nodiscard]] CyclePoint end() const { return end_; }

  [[nodiscard]] Counters total() const;
  // One per layer of the program.
  [[nodiscard]] std::vector<LayerReport> report() const;

 private:
  struct Row {
    Counters counters;
    CyclePoint first = kNever;
    CyclePoint end;
  };
  Row& row(std::int64_t layer) {
    const auto i = static_cast<std::size_t>(layer);
    SYSTOLE_CHECK(i < rows_.size(), "layer {} of {}", layer, rows_.size());
    return rows_[i];
  }

  const std::vector<isa::Layer>& layers_;
  std::vector<Row> rows_;
  CyclePoint end_;
};

}  // namespace systole::sim
