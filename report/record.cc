// Arithmetic over the counters; nothing here is measured or modelled anew.
#include "report/record.h"

#include <algorithm>
#include <numeric>

#include "traces/explain/alike.h"

namespace systole::report {
namespace {

using sim::Stall;

double ratio(double a, double b) { return b > 0 ? a / b : 0.0; }

std::int64_t cycles_in(const sim::Counters& counters, Stall stall) {
  return counters.matrix[static_cast<std::size_t>(stall)].value;
}

}  // namespace

void set_why(Record& record, traces::Explanation why) {
  const std::vector<CycleCount>& cycles = why.path.by_layer;
  const bool apart = !cycles.empty() && cycles.front() > CycleCount(0);
  // In a program without layers layer 0 is all there is.
  if (apart && record.report.layers.size() > 1) {
    record.report.layers.front().name = traces::kPlaceRow;
    record.report.layers.front().kind = "";
  }
  record.why = std::move(why);
}

Figures figures(const Record& record) {
  const sim::Counters& total = record.report.total;
  const auto array = static_cast<double>(record.machine.pe_count());
  // Of all matrix units.
  const auto cycles =
      static_cast<double>(total.cycles.value) * static_cast<double>(record.machine.array_units);
  const auto active = static_cast<double>(cycles_in(total, Stall::kActive));
  constexpr double kTera = 1e12;
  Figures f;
  f.macs = record.model_macs > 0 ? record.model_macs : total.macs_useful;
  const auto macs = static_cast<double>(f.macs);
  f.seconds = record.report.device_seconds;
  f.total_seconds = f.seconds + record.report.host_seconds;
  f.rows_per_second = f.seconds > 0 ? static_cast<double>(record.rows) / f.total_seconds : 0.0;
  f.tops = ratio(2.0 * macs / kTera, f.seconds);
  f.peak_tops = 2.0 * record.machine.peak_macs_per_second() / kTera;
  f.array_active = ratio(active, cycles);
  f.mapping_efficiency = ratio(macs, active * array);
  f.mac_utilization = ratio(macs, cycles * array);
  return f;
}

std::vector<CycleCount> layer_cycles(const Record& record) {
  const bool known = record.why && record.why->path.whole;
  if (known && record.why->path.by_layer.size() >= record.report.layers.size()) {
    return record.why->path.by_layer;
  }
  std::vector<CycleCount> cycles;
  for (const sim::LayerReport& layer : record.report.layers) {
    cycles.push_back(layer.counters.cycles);
  }
  return cycles;
}

std::vector<std::int64_t> tenths_of_percent(std::span<const std::int64_t> parts) {
  constexpr std::int64_t kWhole = 1000;
  __extension__ using Wide = __int128;
  const std::int64_t sum = std::accumulate(parts.begin(), parts.end(), std::int64_t{0});
  std::vector<std::int64_t> shares(parts.size(), 0);
  if (sum == 0) return shares;
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto remainder = [&](std::size_t i) {
    return static_cast<std::int64_t>(Wide{parts[i]} * kWhole % sum);
  };
  for (const std::size_t i : order) {
    shares[i] = static_cast<std::int64_t>(Wide{parts[i]} * kWhole / sum);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return remainder(a) > remainder(b); });
  std::int64_t missing = kWhole - std::accumulate(shares.begin(), shares.end(), std::int64_t{0});
  for (std::size_t i = 0; missing > 0; ++i, --missing) ++shares[order[i]];
  return shares;
}

}  // namespace systole::report
