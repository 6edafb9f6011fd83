// See data_flow.h.
#include "compare/targets/data_flow.h"

#include <fmt/core.h>

namespace systole::compare {
namespace {

double ratio(double of, double by) { return by > 0.0 ? of / by : 0.0; }

// Levels that nothing crosses are left out.
void add(DataFlow& flow, const char* name, double bytes) {
  if (bytes > 0.0) flow.levels.push_back({name, bytes});
}

}  // namespace

DataFlow machine_flow(const isa::Machine& machine, const sim::Counters& counters,
                      std::int64_t batches) {
  const auto each = [&](Bytes bytes) {
    return static_cast<double>(bytes.value) / static_cast<double>(batches);
  };
  DataFlow flow;
  add(flow, "host link in", each(counters.host_in));
  add(flow, "host link out", each(counters.host_out));
  add(flow, "weight memory read", each(counters.weights_read));
  add(flow, "memory read into the unified buffer", each(counters.memory_read));
  add(flow, "memory written from the unified buffer", each(counters.memory_written));
  add(flow, "unified buffer read", each(counters.ub_read));
  add(flow, "unified buffer written", each(counters.ub_written));
  const auto macs = static_cast<double>(counters.macs_useful);
  const auto tile = static_cast<double>(machine.pe_count());
  const double rows = (macs + static_cast<double>(counters.macs_padded)) / tile;
  flow.weight_reuse = ratio(macs, static_cast<double>(counters.tiles) * tile);
  flow.activation_reuse = ratio(macs, rows * static_cast<double>(machine.r()));
  flow.sum_reuse = ratio(macs, rows * static_cast<double>(machine.c()));
  flow.how = fmt::format(
      "weights stay in the array of {} x {}, activations pass along its rows, sums down its "
      "columns "
      "into accumulators",
      machine.r(), machine.c());
  return flow;
}

DataFlow model_flow(const Device& device, std::string_view precision, const ModelWork& work,
                    const ModelTime& time) {
  DataFlow flow;
  double memory = 0.0, macs = 0.0, weights = 0.0, activations = 0.0, sums = 0.0;
  for (std::size_t i = 0; i < work.layers.size(); ++i) {
    const DeviceTime& layer = time.layers[i];
    memory += layer.bytes;
    if (layer.blocking.m <= 0.0) continue;
    const auto of_layer = static_cast<double>(work.layers[i].macs());
    macs += of_layer;
    weights += of_layer / layer.blocking.m;
    activations += of_layer / layer.blocking.n;
    sums += of_layer / layer.blocking.k;
  }
  add(flow, "host link in", time.bytes_in);
  add(flow, "host link out", time.bytes_out);
  add(flow, device.link > 0.0 ? "device memory" : "memory or cache", memory);
  add(flow, "operands into the registers", (weights + activations) * precision_bytes(precision));
  flow.weight_reuse = ratio(macs, weights);
  flow.activation_reuse = ratio(macs, activations);
  flow.sum_reuse = ratio(macs, sums);
  flow.how =
      device.family == Family::kGpu
          ? "a tile of results stays in an SM's registers, weights and activations pass it"
          : "a block of results stays in a core's registers, weights and activations pass it";
  return flow;
}

}  // namespace systole::compare
