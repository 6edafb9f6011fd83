// Rung `paper`: TPU v1's workloads against the paper's counters (cli/paper_workloads.def).
//
// One global policy, --schedule paper2015, on machine tpu_v1, and the default schedule beside it;
// nothing is set per workload. Figures are of the steady state: what one more batch adds, averaged
// over kMeasured batches after kWarm, so that biases, scales and the first fill do not count.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "cli/terminal.h"
#include "cli/validate.h"
#include "compiler/compile.h"
#include "compiler/frontend/networks.h"
#include "isa/expand.h"
#include "sim/run.h"

namespace systole::cli {
namespace {

constexpr std::int64_t kWarm = 2, kMeasured = 2;

enum Row { kActive, kUseful, kUnused, kWeightStall, kWeightShift, kNonMatrix, kRaw, kInput, kTops };
constexpr std::size_t kRows = kTops + 1;
using Rows = std::array<double, kRows>;

constexpr std::array<const char*, kRows> kRowNames = {
    "array active", "- useful MACs", "- unused MACs", "weight stall", "weight shift",
    "non-matrix",   "RAW stalls",    "input stalls",  "TOPS"};

struct Workload {
  const char *name, *model;
  std::int64_t batch;
  std::int64_t cycles;  // a batch, derived from the counters
  Rows published;
};
constexpr auto kWorkloads = std::to_array<Workload>({
#define SYSTOLE_PAPER_WORKLOAD(name, model, batch, cycles, ...) \
  {name, model, batch, cycles, {__VA_ARGS__}},
#include "cli/paper_workloads.def"
});

// What one batch takes in the steady state.
struct Steady {
  double cycles = 0;
  Rows rows{};
};

// Cycles of all PEs in which they multiply what the model asks for: a 16-bit activation keeps its
// PE for two cycles, which the paper's rows 2 and 3 count as used (its LSTMs have next to no unused
// ones).
std::int64_t useful_pe_cycles(const isa::Program& program) {
  std::int64_t sum = 0;
  const auto add = [&sum](const auto& pass, std::int64_t rows) {
    sum += rows * pass.k * pass.n * (pass.precision == isa::precision::kInt8 ? 1 : 2);
  };
  isa::for_each_executed(program.code, [&](std::size_t, const isa::Insn& insn) {
    if (const auto* matmul = std::get_if<isa::Matmul>(&insn)) add(*matmul, matmul->rows);
    if (const auto* convolve = std::get_if<isa::Convolve>(&insn))
      add(*convolve, convolve->out_height * convolve->out_width);
    return true;
  });
  return sum;
}

struct Measured {
  sim::Counters counters;
  std::int64_t useful = 0;  // PE cycles
};

Measured measure(const compiler::Graph& graph, const isa::Machine& machine,
                 const std::string& schedule, std::int64_t batches) {
  const isa::Program program = compiler::compile(
      graph, machine, {.batches = batches, .timing_only = true, .schedule = schedule});
  sim::RunOptions options;
  options.timing_only = true;
  return {sim::run(program, machine, {}, options).report.total, useful_pe_cycles(program)};
}

Steady steady_state(const compiler::Graph& graph, const isa::Machine& machine,
                    const std::string& schedule) {
  const auto [before, useful_before] = measure(graph, machine, schedule, kWarm);
  const auto [after, useful_after] = measure(graph, machine, schedule, kWarm + kMeasured);
  const auto added = [](std::int64_t a, std::int64_t b) { return static_cast<double>(b - a); };
  const double cycles = added(before.cycles.value, after.cycles.value);
  const auto share = [&](CycleCount a, CycleCount b) {
    return 100.0 * added(a.value, b.value) / cycles;
  };
  const std::array stalls = {before.matrix, after.matrix};
  const auto stall = [&](sim::Stall s) {
    const auto i = static_cast<std::size_t>(s);
    return share(stalls[0].at(i), stalls[1].at(i));
  };
  const double macs = added(before.macs_useful, after.macs_useful);
  const double seconds = cycles / static_cast<double>(machine.clock_hertz);
  Steady steady;
  steady.cycles = cycles / static_cast<double>(kMeasured);
  Rows& rows = steady.rows;
  rows[kActive] = stall(sim::Stall::kActive);
  rows[kUseful] = 100.0 * added(useful_before, useful_after) /
                  (cycles * static_cast<double>(machine.tile_bytes()));
  rows[kUnused] = rows[kActive] - rows[kUseful];
  rows[kWeightStall] = stall(sim::Stall::kWeightStall);
  rows[kWeightShift] = stall(sim::Stall::kWeightShift);
  for (std::size_t i = 0; i < sim::kStallCount; ++i) {
    const auto s = static_cast<sim::Stall>(i);
    if (s > sim::Stall::kWeightStall) rows[kNonMatrix] += stall(s);
  }
  rows[kRaw] = share(before.raw_any, after.raw_any);
  rows[kInput] = share(before.input_any, after.input_any);
  rows[kTops] = 2.0 * macs / seconds / 1e12;
  return steady;
}

double percent_off(double value, double reference) {
  return 100.0 * (value - reference) / reference;
}

// Cycles a batch that the paper's row 9 gives for the model's MACs.
double cycles_from_tops(const Workload& w, const compiler::Graph& graph,
                        const isa::Machine& machine) {
  const isa::Program program = compiler::compile(graph, machine, {.timing_only = true});
  double macs = 0;
  for (const isa::Layer& layer : program.layers) macs += static_cast<double>(layer.macs);
  return 2.0 * macs / (w.published[kTops] * 1e12) * static_cast<double>(machine.clock_hertz);
}

ValidationTable new_cases() {
  return {"cases",
          "Cycles a batch",
          {{"name", "workload"},
           {"batch", "batch"},
           {"reference_cycles", "paper, from counters"},
           {"simulated_cycles", "paper2015"},
           {"error_percent", "error %", 1},
           {"row9_cycles", "paper, from TOPS"},
           {"row9_gap_percent", "its gap %", 1},
           {"row9_error_percent", "error % to it", 1},
           {"overlap_cycles", "overlap"},
           {"overlap_error_percent", "error %", 1}},
          {}};
}

ValidationTable new_counters() {
  return {"counters",
          "Table 3, percent of cycles but for TOPS",
          {{"name", "workload"},
           {"row", "row"},
           {"published", "paper", 1},
           {"simulated", "paper2015", 1},
           {"difference", "difference", 1},
           {"overlap", "overlap", 1}},
          {}};
}

std::int64_t whole(double value) { return std::llround(value); }

}  // namespace

Validation validate_paper(const ValidateRequest& /*request*/) {
  const isa::Machine machine = isa::load_machine("tpu_v1");
  ValidationTable cases = new_cases(), counters = new_counters();
  double cycle_error = 0, difference = 0;
  Progress progress("validating");
  for (std::size_t i = 0; i < kWorkloads.size(); ++i) {
    progress.update(static_cast<double>(i) / static_cast<double>(kWorkloads.size()));
    const Workload& w = kWorkloads.at(i);
    const compiler::Graph graph =
        compiler::make_network(w.model, {.batch = w.batch, .structure_only = true});
    const Steady paper = steady_state(graph, machine, "paper2015");
    const Steady overlap = steady_state(graph, machine, "overlap");
    const auto reference = static_cast<double>(w.cycles);
    const double row9 = cycles_from_tops(w, graph, machine);
    cycle_error += std::abs(percent_off(paper.cycles, reference));
    cases.rows.push_back({{"name", w.name},
                          {"model", w.model},
                          {"batch", w.batch},
                          {"reference_cycles", w.cycles},
                          {"simulated_cycles", whole(paper.cycles)},
                          {"error_percent", percent_off(paper.cycles, reference)},
                          {"row9_cycles", whole(row9)},
                          {"row9_gap_percent", percent_off(row9, reference)},
                          {"row9_error_percent", percent_off(paper.cycles, row9)},
                          {"overlap_cycles", whole(overlap.cycles)},
                          {"overlap_error_percent", percent_off(overlap.cycles, reference)}});
    for (std::size_t row = 0; row < kRows; ++row) {
      const double off = paper.rows.at(row) - w.published.at(row);
      if (row != kTops) difference += std::abs(off);
      counters.rows.push_back({{"name", w.name},
                               {"row", kRowNames.at(row)},
                               {"published", w.published.at(row)},
                               {"simulated", paper.rows.at(row)},
                               {"difference", off},
                               {"overlap", overlap.rows.at(row)}});
    }
  }
  constexpr auto kCases = static_cast<double>(kWorkloads.size());
  Validation result;
  result.tables = {std::move(cases), std::move(counters)};
  result.figures = {
      {"mean_cycle_error_percent", cycle_error / kCases},
      {"mean_counter_difference_points", difference / (kCases * static_cast<double>(kRows - 1))}};
  result.notes = {
      "machine tpu_v1; one policy for all workloads (--schedule paper2015), nothing set per "
      "workload",
      fmt::format("steady state: what one more batch adds, over {} batches after {}", kMeasured,
                  kWarm),
      "the paper's own model is off by 8 % of cycles on average (its Table 7)",
      "the paper's rows do not quite agree with each other: the gap between its counters and its "
      "row 9 is the references' own uncertainty"};
  return result;
}

}  // namespace systole::cli
