// schedule_bound: how close the compiler's schedules come to the lower bound (lower_bound.h).
//
// Shapes: square MatMuls of 256 to 8192 with 1 to 4096 rows, and every convolution of ResNet-50
// with at least 64 input channels at batch 8. Each is compiled and simulated for timing alone, with
// its input in the unified buffer and its result left there (resident.h); the simulated figure is
// the span from the first weight fetch to the last activation. The transfers are reported apart.
// Shapes that do not fit the unified buffer as a whole come in a second list, simulated as they are
// with all transfers.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/diag.h"
#include "bench/lower_bound.h"
#include "bench/resident.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "compiler/zoo/networks.h"
#include "sim/run.h"

namespace systole::bench {
namespace {

constexpr std::int64_t kBatch = 8;         // of the convolutions
constexpr std::int64_t kMinChannels = 64;  // of the convolutions
constexpr double kMatmulGoal = 1.05;       // geometric mean
constexpr double kConvGoal = 1.15;         // each

struct Case {
  std::string model;  // inline shape
  ProductShape shape;
  bool is_conv = false;
  bool fits = true;
};

struct Row {
  Case what;
  LowerBound bound;
  std::int64_t simulated = 0;
  std::int64_t link_in = 0, link_out = 0;      // cycles of the transfers left out
  std::map<std::string, std::int64_t> matrix;  // the matrix unit's cycles by class
  [[nodiscard]] double ratio() const {
    return static_cast<double>(simulated) / static_cast<double>(bound.total());
  }
};

std::vector<Case> matmuls() {
  std::vector<Case> cases;
  for (std::int64_t size = 256; size <= 8192; size *= 2) {
    for (std::int64_t rows = 1; rows <= 4096; rows *= 2) {
      ProductShape shape;
      shape.images = rows;
      shape.channels = shape.filters = size;
      cases.push_back({fmt::format("gemm:{},{},{}", rows, size, size), shape});
    }
  }
  return cases;
}

std::set<ProductShape> convolutions_of(const compiler::Graph& graph) {
  std::set<ProductShape> shapes;
  for (const compiler::Node& node : graph.nodes) {
    const auto* conv = std::get_if<compiler::ConvAttrs>(&node.attrs);
    if (conv == nullptr) continue;
    const Shape& in = graph.value(node.inputs[0]).shape;
    ProductShape shape;
    shape.images = kBatch;
    shape.channels = in[1];
    shape.height = in[2];
    shape.width = in[3];
    shape.filters = graph.value(node.outputs[0]).shape[1];
    shape.kernel = conv->window.kernel[0];
    shape.stride = conv->window.strides[0];
    shape.pad = conv->window.pads[0];
    if (shape.channels >= kMinChannels) shapes.insert(shape);
  }
  return shapes;
}

std::vector<Case> convolutions() {
  std::vector<Case> cases;
  for (const ProductShape& s : convolutions_of(compiler::make_network("resnet50"))) {
    cases.push_back({fmt::format("conv:{},{},{},{},{},{},{},{},{}", s.images, s.channels, s.height,
                                 s.width, s.filters, s.kernel, s.kernel, s.stride, s.pad),
                     s, true});
  }
  return cases;
}

std::int64_t link_cycles(std::int64_t bytes, std::int64_t bytes_per_second,
                         const isa::Machine& machine) {
  return std::llround(static_cast<double>(bytes) * static_cast<double>(machine.clock_hertz) /
                      static_cast<double>(bytes_per_second));
}

// Where the matrix unit's cycles between the first weight fetch and the last activation go.
class Span : public sim::Probe {
 public:
  [[nodiscard]] bool wants_counter() const override { return false; }
  void slice(const sim::Slice& slice) override {
    if (slice.track == "weights") first_ = std::min(first_, slice.begin);
    if (slice.track == "activation") last_ = std::max(last_, slice.end);
    if (slice.track == "matrix") waits_.push_back({std::string(slice.cls), slice.begin, slice.end});
  }
  void counter(std::string_view, CyclePoint, std::int64_t) override {}
  [[nodiscard]] std::int64_t cycles() const { return (last_ - first_).value; }
  [[nodiscard]] std::map<std::string, std::int64_t> shares() const {
    std::map<std::string, std::int64_t> shares;
    for (const auto& [cls, begin, end] : waits_) {
      const CyclePoint from = std::max(begin, first_), to = std::min(end, last_);
      if (from < to) shares[cls] += (to - from).value;
    }
    return shares;
  }

 private:
  struct Wait {
    std::string cls;
    CyclePoint begin, end;
  };
  CyclePoint first_ = kNever, last_;
  std::vector<Wait> waits_;
};

Row measure(const Case& c, const isa::Machine& machine) {
  compiler::LoadOptions load;
  load.structure_only = true;
  const isa::Program program =
      compiler::compile(compiler::load_model(c.model, load), machine, {.timing_only = true});
  const Resident resident = make_resident(program);
  sim::RunOptions options;
  options.timing_only = true;
  Span span;
  options.probe = &span;
  static_cast<void>(sim::run(c.fits ? resident.program : program, machine, {}, options));
  Row row{c, lower_bound(c.shape, machine), span.cycles(), 0, 0, span.shares()};
  row.link_in = link_cycles(resident.bytes_in, machine.link_in_bytes_per_second, machine);
  row.link_out = link_cycles(resident.bytes_out, machine.link_out_bytes_per_second, machine);
  return row;
}

double geometric_mean(const std::vector<Row>& rows) {
  double sum = 0;
  for (const Row& row : rows) sum += std::log(row.ratio());
  return rows.empty() ? 1.0 : std::exp(sum / static_cast<double>(rows.size()));
}

std::string matrix_text(const Row& row) {
  std::string text;
  for (const auto& [cls, cycles] : row.matrix) text += fmt::format(" {} {}", cls, cycles);
  return text;
}

void print_rows(const std::string& title, const std::vector<Row>& rows) {
  if (rows.empty()) return;
  fmt::print("{}\n{:<30} {:>10} {:>10} {:>6}  {:<10} {:>10} {:>10} {:>10} {:>10} {:>9} {:>9} {}\n",
             title, "shape", "simulated", "bound", "ratio", "binds", "matrix", "weights", "shift",
             "activation", "link in", "link out", "matrix unit");
  for (const Row& row : rows) {
    const LowerBound& b = row.bound;
    fmt::print("{:<30} {:>10} {:>10} {:>6.3f}  {:<10} {:>10} {:>10} {:>10} {:>10} {:>9} {:>9} {}\n",
               row.what.model, row.simulated, b.total(), row.ratio(),
               kResources[static_cast<std::size_t>(b.binding())], b.of(Resource::kMatrix),
               b.of(Resource::kWeights), b.of(Resource::kShift), b.of(Resource::kActivation),
               row.link_in, row.link_out, matrix_text(row));
  }
}

nlohmann::json json_of(const Row& row) {
  nlohmann::json terms;
  for (std::size_t i = 0; i < kResources.size(); ++i)
    terms[std::string(kResources[i])] = row.bound.cycles[i];
  return {{"shape", row.what.model},
          {"fits", row.what.fits},
          {"simulated", row.simulated},
          {"bound", row.bound.total()},
          {"binds", kResources[static_cast<std::size_t>(row.bound.binding())]},
          {"terms", terms},
          {"ratio", row.ratio()},
          {"link_in_cycles", row.link_in},
          {"link_out_cycles", row.link_out},
          {"matrix_unit", row.matrix}};
}

struct Sweep {
  std::vector<Row> matmuls, convs, too_large;

  void add(const Row& row) {
    if (!row.what.fits) return too_large.push_back(row);
    (row.what.is_conv ? convs : matmuls).push_back(row);
  }
  void sort() {
    for (auto* rows : {&matmuls, &convs, &too_large}) {
      std::ranges::stable_sort(*rows,
                               [](const Row& a, const Row& b) { return a.ratio() > b.ratio(); });
    }
  }
  [[nodiscard]] std::int64_t missed() const {
    return std::ranges::count_if(convs, [](const Row& row) { return row.ratio() > kConvGoal; });
  }
};

void print(const Sweep& sweep, bool json) {
  const double mean = geometric_mean(sweep.matmuls);
  if (json) {
    nlohmann::json rows = nlohmann::json::array();
    for (const auto* list : {&sweep.matmuls, &sweep.convs, &sweep.too_large}) {
      for (const Row& row : *list) rows.push_back(json_of(row));
    }
    const nlohmann::json out = {{"matmul_geometric_mean", mean},
                                {"convolutions_over_goal", sweep.missed()},
                                {"rows", rows}};
    fmt::print("{}\n", out.dump(2));
    return;
  }
  print_rows("square MatMuls", sweep.matmuls);
  print_rows(fmt::format("convolutions of ResNet-50, batch {}", kBatch), sweep.convs);
  print_rows("larger than the unified buffer, with all transfers", sweep.too_large);
  if (!sweep.matmuls.empty())
    fmt::print("MatMuls: geometric mean {:.4f} (goal {})\n", mean, kMatmulGoal);
  if (!sweep.convs.empty())
    fmt::print("convolutions: {} of {} above {}\n", sweep.missed(), sweep.convs.size(), kConvGoal);
}

int main_with(int argc, char** argv) {
  CLI::App app("simulated cycles against a lower bound", "schedule_bound");
  std::string machine_name = "tpu_v1", only;
  std::vector<std::string> changes;
  bool json = false;
  app.add_option("--machine", machine_name, "preset or file");
  app.add_option("--set", changes, "key=value, a parameter of the machine");
  app.add_option("--only", only, "only shapes that begin with this, such as conv:");
  app.add_flag("--json", json, "prints JSON");
  CLI11_PARSE(app, argc, argv);

  isa::Machine machine = isa::load_machine(machine_name);
  for (const std::string& change : changes) isa::set_parameter(machine, change);
  isa::validate(machine);
  std::vector<Case> cases = matmuls();
  std::ranges::copy(convolutions(), std::back_inserter(cases));
  Sweep sweep;
  for (Case& c : cases) {
    if (!c.model.starts_with(only)) continue;
    c.fits = buffer_rows(c.shape, machine) <= machine.ub_rows();
    sweep.add(measure(c, machine));
  }
  sweep.sort();
  print(sweep, json);
  return 0;
}

}  // namespace
}  // namespace systole::bench

int main(int argc, char** argv) {
  try {
    return systole::bench::main_with(argc, argv);
  } catch (const systole::InputError& error) {
    fmt::print(stderr, "schedule_bound: {}\n", error.what());
    return 1;
  }
}
