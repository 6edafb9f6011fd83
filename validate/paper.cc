// Rung `paper`: TPU v1's workloads against the paper's counters (validate/paper_workloads.def).
//
// One global policy, --schedule paper2015, on machine tpu_v1, and the default schedule beside it;
// nothing is set per workload. Figures are of the steady state: what one more batch adds, averaged
// over kMeasured batches after kWarm, so that biases, scales and the first fill do not count. With
// --data FILE the rows of a CSV file take the place of the paper's.
#include <fmt/core.h>

#include <array>
#include <cmath>

#include "base/csv.h"
#include "base/terminal.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "compiler/zoo/networks.h"
#include "isa/expand.h"
#include "isa/precisions.h"
#include "sim/run.h"
#include "validate/validation.h"

namespace systole::validate {
namespace {

constexpr std::int64_t kWarm = 2, kMeasured = 2;

enum Row { kActive, kUseful, kUnused, kWeightStall, kWeightShift, kNonMatrix, kRaw, kInput, kTops };
constexpr std::size_t kRows = kTops + 1;
using Rows = std::array<double, kRows>;

constexpr std::array<const char*, kRows> kRowNames = {
    "array active", "- useful MACs", "- unused MACs", "weight stall", "weight shift",
    "non-matrix",   "RAW stalls",    "input stalls",  "TOPS"};

struct Workload {
  std::string name, model;
  std::int64_t batch;
  std::int64_t cycles;            // a batch; of the paper's derived from the counters
  double model_error;             // percent, of the paper's own model; of the paper's
  std::optional<Rows> published;  // of the paper's
};

std::vector<Workload> paper_workloads() {
  return {
#define SYSTOLE_PAPER_WORKLOAD(name, model, batch, cycles, model_error, ...) \
  {name, model, batch, cycles, model_error, Rows{__VA_ARGS__}},
#include "validate/paper_workloads.def"
  };
}

// Rows of name, model (of `systole models make`, or any MODEL), batch, reference_cycles (a batch).
std::vector<Workload> workloads_in(const std::string& path) {
  constexpr std::int64_t kMaxBatch = std::int64_t{1} << 20, kMaxCycles = std::int64_t{1} << 50;
  const CsvTable table = read_csv(path);
  const std::size_t name = table.column("name"), model = table.column("model");
  std::vector<Workload> rows;
  for (const CsvRow& row : table.rows) {
    rows.push_back(
        {row.cells[name], row.cells[model], whole_number(table, row, "batch", 1, kMaxBatch),
         whole_number(table, row, "reference_cycles", 1, kMaxCycles), 0.0, std::nullopt});
  }
  return rows;
}

compiler::Graph graph_of(const Workload& w) {
  for (const compiler::Network& network : compiler::networks()) {
    if (network.name == w.model)
      return compiler::make_network(w.model, {.batch = w.batch, .structure_only = true});
  }
  compiler::LoadOptions options;
  options.batch = w.batch;
  options.structure_only = true;
  return compiler::load_model(w.model, options);
}

// What one batch takes in the steady state.
struct Steady {
  double cycles = 0;
  double macs = 0;  // of the model
  Rows rows{};
};

// Cycles of all PEs in which they multiply what the model asks for: a 16-bit activation keeps its
// PE for two cycles, which the paper's rows 2 and 3 count as used (its LSTMs have next to no unused
// ones).
std::int64_t useful_pe_cycles(const isa::Program& program) {
  std::int64_t sum = 0;
  const auto add = [&sum](const auto& pass, std::int64_t rows) {
    sum += rows * pass.k * pass.n * isa::precision_info(pass.precision).row_cycles;
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
  double macs = 0;          // a batch
};

Measured measure(const compiler::Graph& graph, const isa::Machine& machine,
                 const std::string& schedule, std::int64_t batches) {
  const isa::Program program = compiler::compile(
      graph, machine, {.batches = batches, .timing_only = true, .schedule = schedule});
  sim::RunOptions options;
  options.timing_only = true;
  double macs = 0;
  for (const isa::Layer& layer : program.layers) macs += static_cast<double>(layer.macs);
  return {sim::run(program, machine, {}, options).report.total, useful_pe_cycles(program),
          macs / static_cast<double>(batches)};
}

Steady steady_state(const compiler::Graph& graph, const isa::Machine& machine,
                    const std::string& schedule) {
  const Measured first = measure(graph, machine, schedule, kWarm);
  const Measured all = measure(graph, machine, schedule, kWarm + kMeasured);
  const sim::Counters& before = first.counters;
  const sim::Counters& after = all.counters;
  const auto added = [](std::int64_t a, std::int64_t b) { return static_cast<double>(b - a); };
  const double cycles = added(before.cycles.value, after.cycles.value);
  const auto share = [&](CycleCount a, CycleCount b) {
    return 100.0 * added(a.value, b.value) / cycles;
  };
  const auto stall = [&](sim::Stall s) {
    const auto i = static_cast<std::size_t>(s);
    return share(before.matrix.at(i), after.matrix.at(i));
  };
  Steady steady;
  steady.cycles = cycles / static_cast<double>(kMeasured);
  steady.macs = all.macs;
  Rows& rows = steady.rows;
  rows[kActive] = stall(sim::Stall::kActive);
  rows[kUseful] =
      100.0 * added(first.useful, all.useful) / (cycles * static_cast<double>(machine.pe_count()));
  rows[kUnused] = rows[kActive] - rows[kUseful];
  rows[kWeightStall] = stall(sim::Stall::kWeightStall);
  rows[kWeightShift] = stall(sim::Stall::kWeightShift);
  for (std::size_t i = 0; i < sim::kStallCount; ++i) {
    const auto s = static_cast<sim::Stall>(i);
    if (s > sim::Stall::kWeightStall) rows[kNonMatrix] += stall(s);
  }
  rows[kRaw] = share(before.raw_any, after.raw_any);
  rows[kInput] = share(before.input_any, after.input_any);
  rows[kTops] = 2.0 * steady.macs * static_cast<double>(machine.clock_hertz) / steady.cycles / 1e12;
  return steady;
}

double percent_off(double value, double reference) {
  return 100.0 * (value - reference) / reference;
}

// The columns of the paper's own figures are there if the rows are the paper's.
ValidationTable new_cases(bool papers) {
  ValidationTable table{"cases",
                        "Cycles a batch",
                        {{"name", "model"},
                         {"batch", "batch"},
                         {"reference_cycles", papers ? "paper, from counters" : "reference"},
                         {"simulated_cycles", "paper2015"},
                         {"error_percent", "error %", 1},
                         {"overlap_cycles", "overlap"},
                         {"overlap_error_percent", "error %", 1}},
                        {}};
  if (papers) {
    table.columns.insert(table.columns.end() - 2, {{"row9_cycles", "paper, from TOPS"},
                                                   {"row9_gap_percent", "its gap %", 1},
                                                   {"row9_error_percent", "error % to it", 1}});
  }
  return table;
}

ValidationTable new_counters(bool papers) {
  ValidationTable table{
      "counters",
      papers ? "Table 3, percent of cycles but for TOPS" : "Percent of cycles but for TOPS",
      {{"name", "workload"}, {"row", "row"}, {"simulated", "paper2015", 1}},
      {}};
  if (papers) {
    table.columns.insert(table.columns.end() - 1, {"published", "paper", 1});
    table.columns.push_back({"difference", "difference", 1});
  }
  table.columns.push_back({"overlap", "overlap", 1});
  return table;
}

ValidationTable new_models() {
  return {"models",
          "Table 7, percent of clocks that a model is off by",
          {{"name", "workload"},
           {"published", "paper's own model", 1},
           {"simulated", "paper2015", 1},
           {"difference", "difference", 1}},
          {}};
}

using Json = nlohmann::ordered_json;

std::int64_t whole(double value) { return std::llround(value); }

// The row of `cases`.
Json case_row(const Workload& w, const Steady& paper, const Steady& overlap, double hertz) {
  const auto reference = static_cast<double>(w.cycles);
  Json row = {{"name", w.name},
              {"model", w.model},
              {"batch", w.batch},
              {"reference_cycles", w.cycles},
              {"simulated_cycles", whole(paper.cycles)},
              {"error_percent", percent_off(paper.cycles, reference)},
              {"row9_cycles", nullptr},
              {"row9_gap_percent", nullptr},
              {"row9_error_percent", nullptr},
              {"overlap_cycles", whole(overlap.cycles)},
              {"overlap_error_percent", percent_off(overlap.cycles, reference)}};
  if (w.published) {
    const double row9 = 2.0 * paper.macs / (w.published->at(kTops) * 1e12) * hertz;
    row["row9_cycles"] = whole(row9);
    row["row9_gap_percent"] = percent_off(row9, reference);
    row["row9_error_percent"] = percent_off(paper.cycles, row9);
  }
  return row;
}

// The row of `models`.
Json model_row(const Workload& w, const Steady& paper) {
  const double off = std::abs(percent_off(paper.cycles, static_cast<double>(w.cycles)));
  return {{"name", w.name},
          {"published", w.model_error},
          {"simulated", off},
          {"difference", off - w.model_error}};
}

// The rows of `counters`.
std::vector<Json> counter_rows(const Workload& w, const Steady& paper, const Steady& overlap) {
  std::vector<Json> rows;
  for (std::size_t row = 0; row < kRows; ++row) {
    rows.push_back({{"name", w.name},
                    {"row", kRowNames.at(row)},
                    {"published", nullptr},
                    {"simulated", paper.rows.at(row)},
                    {"difference", nullptr},
                    {"overlap", overlap.rows.at(row)}});
    if (!w.published) continue;
    rows.back()["published"] = w.published->at(row);
    rows.back()["difference"] = paper.rows.at(row) - w.published->at(row);
  }
  return rows;
}

// Mean of the absolute values under `key`, where there are any.
std::optional<double> mean_of(const std::vector<Json>& rows, const std::string& key) {
  double sum = 0, count = 0;
  for (const Json& row : rows) {
    const bool counts = row.value("row", "") != kRowNames[kTops] && !row.at(key).is_null();
    if (!counts) continue;
    sum += std::abs(row.at(key).get<double>());
    count += 1;
  }
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

std::string steady_note() {
  return fmt::format("steady state: what one more batch adds, over {} batches after {}", kMeasured,
                     kWarm);
}

// Of rows that a user brought.
std::vector<std::string> notes_of(const std::string& path) {
  return {"references: " + path,
          "machine tpu_v1; --schedule paper2015 and the default one, nothing set per workload",
          steady_note()};
}

// What was chosen for all of the paper's workloads together, and why.
std::vector<std::string> notes() {
  return {
      "machine tpu_v1; one policy for all workloads (--schedule paper2015), nothing set per "
      "workload and no figure fitted to the references",
      "global choice: one batch in flight, each layer behind the one before, only weights read "
      "ahead; the paper's section 2 has the matrix unit wait for an explicit synchronisation",
      "global choice: all rows of a layer are in the accumulators together if they fit, else half "
      "the accumulators at a time; Table 1's operations a weight byte (CNN0: 2888, its rows) say "
      "that weights are read once a batch, section 2 that accumulators are double-buffered",
      "global choice: an LSTM's program is one time step, whose states come from the host and "
      "return to it; Table 1's operations a weight byte are the batch, Table 3 has input stalls",
      steady_note(),
      "CNN1: the paper names no way in which it fills the array with shallow layers; ours is in "
      "docs/compiler.md",
      "the paper's own model is off by 8 % of cycles on average (its Table 7)",
      "the paper's rows do not quite agree with each other: the gap between its counters and its "
      "row 9 is the references' own uncertainty"};
}

}  // namespace

Validation validate_paper(const ValidateRequest& request) {
  const isa::Machine machine = isa::load_machine("tpu_v1");
  const bool papers = request.data.empty();
  const std::vector<Workload> workloads = papers ? paper_workloads() : workloads_in(request.data);
  ValidationTable cases = new_cases(papers), counters = new_counters(papers), models = new_models();
  Progress progress("validating");
  for (std::size_t i = 0; i < workloads.size(); ++i) {
    progress.update(static_cast<double>(i) / static_cast<double>(workloads.size()));
    const compiler::Graph graph = graph_of(workloads[i]);
    const Steady paper = steady_state(graph, machine, "paper2015");
    const Steady overlap = steady_state(graph, machine, "overlap");
    cases.rows.push_back(
        case_row(workloads[i], paper, overlap, static_cast<double>(machine.clock_hertz)));
    if (papers) models.rows.push_back(model_row(workloads[i], paper));
    for (Json& row : counter_rows(workloads[i], paper, overlap))
      counters.rows.push_back(std::move(row));
  }
  Validation result;
  result.figures = {
      {"mean_cycle_error_percent", *mean_of(cases.rows, "error_percent")},
      {"mean_cycle_error_percent_overlap", *mean_of(cases.rows, "overlap_error_percent")}};
  if (const auto points = mean_of(counters.rows, "difference"))
    result.figures.emplace_back("mean_counter_difference_points", *points);
  result.tables = {std::move(cases), std::move(counters)};
  if (papers) result.tables.push_back(std::move(models));
  result.notes = papers ? notes() : notes_of(request.data);
  return result;
}

}  // namespace systole::validate
