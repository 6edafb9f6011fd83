// SCALE-Sim's reports: what each slice adds to its layer, and the rows in its formats.
#include "traces/sinks/scalesim.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/diag.h"

namespace systole::traces {
namespace {

// The layer of each instruction: that of the last tag before it.
std::vector<std::int64_t> layers_of(const std::vector<isa::Insn>& code) {
  std::vector<std::int64_t> layers;
  layers.reserve(code.size());
  std::int64_t layer = 0;
  for (const isa::Insn& insn : code) {
    if (const auto* tag = std::get_if<isa::Tag>(&insn)) layer = tag->layer;
    layers.push_back(layer);
  }
  return layers;
}

// A number as Python prints a float: the shortest text that reads back the same.
std::string real(double value) {
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

double per_cycle(std::int64_t words, CycleCount cycles) {
  return static_cast<double>(words) / static_cast<double>(std::max<std::int64_t>(1, cycles.value));
}

double percent(double part, double whole) { return 100.0 * part / whole; }

// First cycle, last cycle and words; cycles are counted from 1 at the layer's start.
std::string access_text(const Stream& stream, CyclePoint start) {
  if (stream.words == 0) return "0.0, 0.0, 0";
  const auto cycle = [&](CyclePoint at) { return real(static_cast<double>((at - start).value)); };
  return fmt::format("{}, {}, {}", cycle(stream.begin + CycleCount(1)), cycle(stream.end),
                     stream.words);
}

std::string compute_row(const ScaleSimLayer& layer, const isa::Machine& machine) {
  const auto array = static_cast<double>(machine.pe_count());
  const auto folds = static_cast<double>(layer.folds);
  CyclePoint fetched = layer.filter_dram.begin;
  if (layer.ifmap_dram.words > 0) fetched = std::min(fetched, layer.ifmap_dram.begin);
  const CyclePoint stored = layer.ofmap_dram.words > 0 ? layer.ofmap_dram.end : layer.ofmap.end;
  const auto mapped = static_cast<double>(layer.filter.words);
  return fmt::format("{}, {}, {}, {}, {}, {}", (stored - fetched).value, layer.cycles().value,
                     layer.stalls().value,
                     real(percent(static_cast<double>(layer.macs),
                                  static_cast<double>(layer.cycles().value) * array)),
                     real(percent(mapped, folds * array)), real(percent(layer.utilization, folds)));
}

std::string bandwidth_row(const ScaleSimLayer& layer) {
  const auto sram = [&](const Stream& s) { return real(per_cycle(s.words, layer.cycles())); };
  // What the layer needs; what it got, where memory took longer than the layer.
  const auto dram = [&](const Stream& s) {
    return real(per_cycle(s.words, std::max(s.end - s.begin, layer.cycles())));
  };
  return fmt::format("{}, {}, {}, {}, {}, {}", sram(layer.ifmap), sram(layer.filter),
                     sram(layer.ofmap), dram(layer.ifmap_dram), dram(layer.filter_dram),
                     dram(layer.ofmap_dram));
}

std::string access_row(const ScaleSimLayer& layer) {
  std::string row;
  for (const Stream* stream : {&layer.ifmap, &layer.filter, &layer.ofmap, &layer.ifmap_dram,
                               &layer.filter_dram, &layer.ofmap_dram}) {
    row += (row.empty() ? "" : ", ") + access_text(*stream, layer.start());
  }
  return row;
}

}  // namespace

void Stream::add(CyclePoint from, CyclePoint to, std::int64_t count) {
  begin = words == 0 ? from : std::min(begin, from);
  end = std::max(end, to);
  words += count;
}

ScaleSimLayers::ScaleSimLayers(const isa::Program& program)
    : program_(program), layer_of_(layers_of(program.code)), layers_(program.layers.size()) {
  for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i].name = program.layers[i].name;
}

void ScaleSimLayers::slice(const sim::Slice& slice) {
  if (slice.cls != "busy" || slice.insn < 0) return;
  const auto pc = static_cast<std::size_t>(slice.insn);
  ScaleSimLayer& layer = layers_.at(static_cast<std::size_t>(layer_of_.at(pc)));
  const isa::Insn& insn = program_.code[pc];
  if (slice.track == isa::unit_name(isa::queue_of(insn))) {
    if (const auto* matmul = std::get_if<isa::Matmul>(&insn)) pass(layer, *matmul, slice.begin);
    if (const auto* read = std::get_if<isa::ReadWeights>(&insn)) weights(layer, *read, slice);
    if (std::holds_alternative<isa::ReadHost>(insn))
      layer.ifmap_dram.add(slice.begin, slice.end, slice.bytes);
    if (std::holds_alternative<isa::WriteHost>(insn))
      layer.ofmap_dram.add(slice.begin, slice.end, slice.bytes);
  }
}

void ScaleSimLayers::pass(ScaleSimLayer& layer, const isa::Matmul& insn, CyclePoint begin) {
  const std::int64_t r = program_.machine.r(), c = program_.machine.c();
  const CycleCount rows(insn.rows);
  layer.ifmap.add(begin, begin + rows, insn.rows * insn.k);
  if (insn.switch_tile != 0) layer.filter.add(begin - CycleCount(r), begin, insn.k * insn.n);
  layer.ofmap.add(begin + CycleCount(r), begin + rows + CycleCount(r + c - 1), insn.rows * insn.n);
  // A fold is a tile's pass over all rows, in one instruction or several. F folds take
  // F (2R + C + M - 2) + 1 cycles (docs/machine.md, T4).
  if (insn.switch_tile != 0) {
    layer.unstalled += CycleCount(2 * r + c - 2) + CycleCount(layer.folds == 0 ? 1 : 0);
    layer.fold_rows = 0;
    ++layer.folds;
  }
  layer.unstalled += rows;
  const auto streamed = [&](std::int64_t fold_rows) {
    return static_cast<double>(fold_rows) / static_cast<double>(2 * r + 2 * c + fold_rows - 3);
  };
  const double more = streamed(layer.fold_rows + insn.rows) - streamed(layer.fold_rows);
  layer.fold_rows += insn.rows;
  layer.utilization += more * static_cast<double>(insn.k * insn.n) / static_cast<double>(r * c);
  layer.macs += insn.rows * insn.k * insn.n;
}

void ScaleSimLayers::weights(ScaleSimLayer& layer, const isa::ReadWeights& insn,
                             const sim::Slice& slice) const {
  layer.filter_dram.add(slice.begin, slice.end, insn.k * insn.n);
}

std::vector<ScaleSimLayer> ScaleSimLayers::layers() const {
  std::vector<ScaleSimLayer> worked;
  std::copy_if(layers_.begin(), layers_.end(), std::back_inserter(worked),
               [](const ScaleSimLayer& layer) { return layer.folds > 0; });
  return worked;
}

ScaleSimReports scalesim_reports(const std::vector<ScaleSimLayer>& layers,
                                 const isa::Machine& machine) {
  ScaleSimReports reports;
  reports.compute =
      "LayerID, Total Cycles (incl. prefetch), Total Cycles, Stall Cycles, "
      "Overall Util %, Mapping Efficiency %, Compute Util %,\n";
  reports.bandwidth =
      "LayerID, Avg IFMAP SRAM BW, Avg FILTER SRAM BW, Avg OFMAP SRAM BW, Avg "
      "IFMAP DRAM BW, Avg FILTER DRAM BW, Avg OFMAP DRAM BW,\n";
  std::string header = "LayerID";
  for (const char* memory : {"SRAM", "DRAM"}) {
    for (const char* operand : {"IFMAP", "Filter", "OFMAP"}) {
      const bool written = std::string_view(operand) == "OFMAP";
      header += fmt::format(", {0} {1} Start Cycle, {0} {1} Stop Cycle, {0} {1} {2}", memory,
                            operand, written ? "Writes" : "Reads");
    }
  }
  reports.access = header + ",\n";
  for (std::size_t id = 0; id < layers.size(); ++id) {
    reports.compute += fmt::format("{}, {},\n", id, compute_row(layers[id], machine));
    reports.bandwidth += fmt::format("{}, {},\n", id, bandwidth_row(layers[id]));
    reports.access += fmt::format("{}, {},\n", id, access_row(layers[id]));
  }
  return reports;
}

}  // namespace systole::traces
