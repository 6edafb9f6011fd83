// SCALE-Sim: its law on a grid of arrays and products, its own published reports, its topologies.
//
// The figures marked [G] are SCALE-Sim's expected results for AlexNet's first layer on a 32x32
// weight-stationary array whose memory never limits: test/general/golden_trace_calc of
// https://github.com/scalesim-project/SCALE-Sim (COMPUTE, BANDWIDTH and DETAILED_ACCESS reports).
#include "traces/sinks/scalesim.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "base/files.h"
#include "base/source.h"
#include "compiler/compile.h"
#include "compiler/frontend/scalesim_topology.h"
#include "compiler/load.h"
#include "isa/scalesim_config.h"
#include "sim/run.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace systole {
namespace {

using testing::HasSubstr;

// What T4 says a layer of these sizes takes on a "single" array, from the shift of its first tile.
std::int64_t law(std::int64_t m, std::int64_t k, std::int64_t n, std::int64_t r, std::int64_t c) {
  const std::int64_t folds = ((k + r - 1) / r) * ((n + c - 1) / c);
  const std::int64_t load = r, stream = m, drain = r + c - 2;
  return folds * (load + stream + drain) + 1;
}
constexpr std::int64_t kMoreThanScaleSim = 2;

isa::Machine machine_of(std::int64_t r, std::int64_t c) {
  const std::string text = fmt::format(
      "[architecture_presets]\nArrayHeight: {}\nArrayWidth: {}\nIfmapSramSzkB: 64\n"
      "FilterSramSzkB: 64\nOfmapSramSzkB: 64\nDataflow: ws\n",
      r, c);
  return isa::machine_from_scalesim(text, "grid.cfg", isa::load_machine("scale_sim_ws"));
}

std::vector<traces::ScaleSimLayer> simulate(const std::string& csv, const isa::Machine& machine) {
  const testing_support::ScratchFolder scratch;
  write_file(scratch.file("t.csv"), csv);
  const compiler::Graph graph = compiler::load_model(scratch.file("t.csv"), {});
  const isa::Program program = compiler::compile(graph, machine, {.timing_only = true});
  EXPECT_FALSE(program.has_values);
  traces::ScaleSimLayers layers(program);
  static_cast<void>(
      sim::run(program, machine, {}, {.timing_only = true, .probe = &layers, .progress = {}}));
  return layers.layers();
}

std::string csv_of(const std::vector<compiler::TopologyLayer>& layers) {
  std::string csv = "Layer, M, N, K,\n";
  for (const auto& l : layers) csv += fmt::format("{}, {}, {}, {},\n", l.name, l.m, l.n, l.k);
  return csv;
}

TEST(ScaleSim, LawHoldsOnEveryArrayAndProductOfAGrid) {
  std::vector<compiler::TopologyLayer> products;
  for (const std::int64_t m : {1, 7, 64, 300}) {
    for (const std::int64_t k : {1, 12, 40, 129}) {
      for (const std::int64_t n : {1, 14, 65}) {
        products.push_back({fmt::format("{}x{}x{}", m, k, n), m, k, n});
      }
    }
  }
  for (const auto& [r, c] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {4, 4},
           {8, 16},
           {16, 8},
           {12, 14},
           {32, 32},
           {128, 128},
           // no block of whole heights and widths fits a row of the unified buffer
           {255, 256},
           {127, 128},
           {12, 1021},
           {1021, 12},
           {1023, 1024}}) {
    const auto layers = simulate(csv_of(products), machine_of(r, c));
    ASSERT_EQ(layers.size(), products.size());
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const compiler::TopologyLayer& p = products[i];
      EXPECT_EQ(layers[i].name, p.name);
      EXPECT_EQ(layers[i].cycles().value, law(p.m, p.k, p.n, r, c)) << p.name << " on " << r << c;
      EXPECT_EQ(layers[i].stalls().value, 0) << p.name;
      EXPECT_EQ(layers[i].macs, p.m * p.k * p.n) << p.name;
    }
  }
}

// Where a fold is shorter than its instructions take to decode, the sequencer's cycles come on top,
// and the stall table has every one of them.
TEST(ScaleSim, FoldsShorterThanTheirInstructionsWaitForTheSequencer) {
  const auto layers = simulate(csv_of({{"narrow", 1, 1, 65}}), machine_of(2, 1));
  ASSERT_EQ(layers.size(), 1U);
  EXPECT_GT(layers[0].stalls().value, 0);
  EXPECT_EQ(layers[0].cycles().value, law(1, 1, 65, 2, 1) + layers[0].stalls().value);
}

TEST(ScaleSim, ReportsOfAlexNetsFirstLayerAreItsOwn) {
  const testing_support::ScratchFolder scratch;
  write_file(scratch.file("alexnet.csv"),
             std::string("Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, "
                         "Channels, Num Filter, Strides,\nConv1 ,224 ,224 ,11 ,11 ,3 ,96 ,4 ,\n"));
  write_file(
      scratch.file("scale.cfg"),
      std::string("[general]\nrun_name = scale_example_run_32x32_ws\n"
                  "[architecture_presets]\nArrayHeight:    32\nArrayWidth:     32\n"
                  "IfmapSramSzkB:   64\nFilterSramSzkB:  64\nOfmapSramSzkB:   64\n"
                  "Bandwidth : 10\nDataflow : ws\n[run_presets]\nInterfaceBandwidth: CALC\n"));
  const testing_support::Finished run = testing_support::systole(
      {"run", scratch.file("alexnet.csv"), "--machine", scratch.file("scale.cfg"),
       "--scalesim-reports", scratch.file("reports")});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("timing only"));

  const std::string compute = testing_support::text_of(scratch.file("reports/COMPUTE_REPORT.csv"));
  constexpr std::int64_t kCycles = 112'283;  // [G]
  EXPECT_THAT(compute, testing::StartsWith(
                           "LayerID, Total Cycles (incl. prefetch), Total Cycles, Stall Cycles, "
                           "Overall Util %, Mapping Efficiency %, Compute Util %,\n0, "));
  EXPECT_THAT(compute, HasSubstr(fmt::format(", {}, 0, ", kCycles + kMoreThanScaleSim)));
  EXPECT_THAT(compute, HasSubstr(", 94.53125, 90.7800099206"));  // [G]

  const std::string access =
      testing_support::text_of(scratch.file("reports/DETAILED_ACCESS_REPORT.csv"));
  EXPECT_THAT(access, HasSubstr(", 3294225, "));  // [G] IFMAP reads
  EXPECT_THAT(access, HasSubstr(", 34848, "));    // [G] filter reads
  EXPECT_THAT(access, HasSubstr(", 3484800, "));  // [G] OFMAP writes
  EXPECT_THAT(access, HasSubstr("\n0, 33.0, "));  // [G] IFMAP start: after 32 rows of weights
  const std::string bandwidth =
      testing_support::text_of(scratch.file("reports/BANDWIDTH_REPORT.csv"));
  EXPECT_THAT(bandwidth, HasSubstr(fmt::format("\n0, {}, ", 3'294'225.0 / (kCycles + 2))));
}

// Figures of one report by column, a list a layer.
std::vector<std::vector<double>> rows_of(const std::string& file) {
  std::vector<std::vector<double>> rows;
  std::istringstream lines(testing_support::text_of(file));
  std::string line, field;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    rows.emplace_back();
    while (std::getline(fields, field, ',')) rows.back().push_back(std::stod(field));
  }
  return rows;
}

std::string config_of(const std::string& mode) {
  return "[architecture_presets]\nArrayHeight: 32\nArrayWidth: 32\nIfmapSramSzkB: 64\n"
         "FilterSramSzkB: 64\nOfmapSramSzkB: 64\nBandwidth: 1\nDataflow: ws\n"
         "[run_presets]\nInterfaceBandwidth: " +
         mode + "\n";
}

// Two strides: 30 x 15 or 15 x 30 pixels of 72 inputs, three folds. SCALE-Sim's cycles for such a
// layer are 3 (2 * 32 + 32 + 480 - 2) - 1 = 1721, as ceil((32 - 3 + 2) / 2) is 16.
TEST(ScaleSim, TwoStridesTakeScaleSimsCyclesAndTwo) {
  const testing_support::ScratchFolder scratch;
  write_file(scratch.file("strides.csv"),
             std::string("Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, "
                         "Channels, Num Filter, Stride height, Stride width,\n"
                         "ConvA, 32, 32, 3, 3, 8, 16, 1, 2,\nConvB, 32, 32, 3, 3, 8, 16, 2, 1,\n"));
  write_file(scratch.file("a.cfg"), config_of("CALC"));
  const testing_support::Finished run = testing_support::systole(
      {"run", scratch.file("strides.csv"), "--machine", scratch.file("a.cfg"), "--scalesim-reports",
       scratch.file("reports")});
  EXPECT_EQ(run.code, 0) << run.err;
  constexpr std::size_t kTotal = 2;
  for (const auto& row : rows_of(scratch.file("reports/COMPUTE_REPORT.csv"))) {
    EXPECT_EQ(row.at(kTotal), 1721 + kMoreThanScaleSim);
  }
}

// With CALC a DRAM bandwidth is the layer's bytes over its cycles; with USER none passes the
// memory's.
TEST(ScaleSim, BandwidthIsWhatTheLayersNeed) {
  const testing_support::ScratchFolder scratch;
  const std::string alexnet = source_path("models/scalesim/alexnet.csv");
  for (const std::string mode : {"CALC", "USER"}) {
    write_file(scratch.file("a.cfg"), config_of(mode));
    const testing_support::Finished run =
        testing_support::systole({"run", alexnet, "--machine", scratch.file("a.cfg"),
                                  "--scalesim-reports", scratch.file(mode)});
    ASSERT_EQ(run.code, 0) << run.err;
    const auto cycles = rows_of(scratch.file(mode + "/COMPUTE_REPORT.csv"));
    const auto bandwidths = rows_of(scratch.file(mode + "/BANDWIDTH_REPORT.csv"));
    const auto accesses = rows_of(scratch.file(mode + "/DETAILED_ACCESS_REPORT.csv"));
    ASSERT_EQ(bandwidths.size(), 8U);
    for (std::size_t layer = 0; layer < bandwidths.size(); ++layer) {
      for (std::size_t stream = 0; stream < 3; ++stream) {
        const double bandwidth = bandwidths[layer].at(4 + stream);
        const double words = accesses[layer].at(12 + 3 * stream);
        const double need = words / cycles[layer].at(2);
        const double most = mode == "USER" ? 1.0 : need;  // a byte a cycle
        EXPECT_LE(bandwidth, most * (1 + 1e-9)) << mode << layer << " " << stream;
        if (mode == "CALC") {
          EXPECT_NEAR(bandwidth, need, 1e-9 * need) << layer << " " << stream;
        }
        EXPECT_GT(bandwidth, 0);
      }
    }
  }
}

TEST(ScaleSim, KeysWithoutEffectAreSaidInOneNote) {
  const testing_support::ScratchFolder scratch;
  write_file(scratch.file("a.cfg"), config_of("CALC"));
  const testing_support::Finished run =
      testing_support::systole({"machines", scratch.file("a.cfg")});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.err, "systole: note: " + scratch.file("a.cfg") +
                         ": without effect: IfmapSramSzkB, OfmapSramSzkB, Bandwidth\n");
}

TEST(ScaleSim, WholeTopologiesHoldTheLaw) {
  const std::filesystem::path folder = source_path("models/scalesim");
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string csv = testing_support::text_of(entry.path().string());
    const auto expected = compiler::parse_topology(csv, entry.path().string());
    const auto layers = simulate(csv, machine_of(128, 128));
    ASSERT_EQ(layers.size(), expected.size()) << entry.path();
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const compiler::TopologyLayer& l = expected[i];
      EXPECT_EQ(layers[i].cycles().value, law(l.m, l.k, l.n, 128, 128)) << l.name;
    }
    ++files;
  }
  EXPECT_EQ(files, 5U);
}

TEST(ScaleSim, SlowMemoryStallsAndIsCounted) {
  isa::Machine machine = machine_of(8, 8);
  const std::string csv = csv_of({{"one", 16, 64, 8}});
  machine.dram_bytes_per_second = machine.clock_hertz / 2;  // 128 cycles a tile
  const auto slow = simulate(csv, machine);
  EXPECT_GT(slow[0].stalls().value, 0);
  EXPECT_EQ(slow[0].cycles(), slow[0].unstalled + slow[0].stalls());
  EXPECT_EQ(slow[0].unstalled.value, law(16, 64, 8, 8, 8));
}

TEST(ScaleSim, ReportsThatCannotBeMadeAreRefusedFirst) {
  const testing_support::Finished run = testing_support::systole(
      {"run", "gemm:8,8,8", "--machine", "scale_sim_ws", "--scalesim-reports", "/proc/nowhere"});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, HasSubstr("/proc/nowhere: cannot be made"));
  const testing_support::Finished other =
      testing_support::systole({"run", "gemm:8,8,8", "--scalesim-reports", "/proc/nowhere"});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err,
              HasSubstr("tpu_v1 overlaps shifts and passes; expected array.weight_load"));
}

}  // namespace
}  // namespace systole
