// The comparison as a whole: targets, kinds, rows and what is absent.
#include "compare/comparison/compare.h"

#include <fmt/core.h>
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>

#include "base/files.h"
#include "base/source.h"
#include "compare/comparison/summary.h"
#include "compiler/load.h"
#include "compiler/pipeline.h"
#include "compiler/zoo/networks.h"
#include "tests/compare/small_graphs.h"
#include "tests/support/scratch.h"

namespace systole::compare {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kRows = 12;

std::vector<Tensor> random_rows(const compiler::Graph& graph) {
  std::vector<Tensor> tensors;
  for (const compiler::ValueId id : graph.inputs) {
    const compiler::Value& v = graph.value(id);
    Shape shape = v.shape;
    shape[0] = kRows / shape[0] * shape[0];
    Tensor t(v.type, shape);
    std::mt19937_64 random(9);
    if (v.type == DType::kFloat32) {
      for (float& x : t.as<float>()) x = static_cast<float>(random() % 256) / 255.0F;
    } else {
      for (auto& x : t.data) x = static_cast<std::uint8_t>(random() >> 56);
    }
    tensors.push_back(std::move(t));
  }
  return tensors;
}

// A quantised chain of two layers, and the float chain of its shape with `with_float`.
CompareRequest small_request(bool with_float = false) {
  CompareRequest request;
  request.source.load = [with_float](std::int64_t batch) {
    Models models;
    models.integer = quantised_chain_graph(batch, 24, 10);
    if (with_float) models.floating = float_chain_graph(batch, 24, 10);
    return models;
  };
  request.source.inputs = random_rows;
  request.batches = {1, 4};
  request.machine = isa::load_machine("tiny_8");
  request.targets = {"tpu:tiny_8", "cpu:host", "gpu:h100", "gpu:k80"};
  request.precisions = {"int8"};
  request.measure = {.seconds = 0.0, .warm_ups = 1, .min_samples = 6};
  request.command = "test";
  return request;
}

std::vector<Row> rows_of(const Comparison& c, const std::string& scenario,
                         const std::string& target) {
  std::vector<Row> rows;
  for (const Row& row : c.rows) {
    if (row.scenario == scenario && row.target == target) rows.push_back(row);
  }
  return rows;
}

TEST(CompareModel, PutsTheKindsSideBySide) {
  const Comparison c = compare_model(small_request());
  const auto tpu = rows_of(c, kByBatch, "tpu:tiny_8");
  ASSERT_EQ(tpu.size(), 2U);
  EXPECT_EQ(tpu[0].kind, kSimulated);
  EXPECT_EQ(tpu[0].batch, 1);
  EXPECT_EQ(tpu[1].batch, 4);
  EXPECT_FALSE(tpu[0].low);  // nobody has validated tiny_8
  const auto host = rows_of(c, kByBatch, "cpu:host");
  ASSERT_GE(host.size(), 2U);
  EXPECT_EQ(host[0].kind, kMeasured);
  EXPECT_TRUE(host[0].quick);
  EXPECT_LE(*host[0].low, 1.0);
  EXPECT_GE(*host[0].high, 1.0);
  EXPECT_EQ(rows_of(c, kByBatch, "gpu:h100").at(0).kind, kModelled);
  EXPECT_TRUE(rows_of(c, kByBatch, "gpu:k80").empty());
  EXPECT_THAT(c.absent.at(0).reason, HasSubstr("no such arithmetic"));
  for (const Row& row : c.rows) {
    EXPECT_GT(row.latency, 0.0);
    EXPECT_GT(row.period, 0.0);
    EXPECT_GT(row.throughput, 0.0);
    const bool has_ratio = row.times_faster.has_value() || row.reference;
    EXPECT_EQ(has_ratio, row.scenario != std::string(kFirst)) << row.scenario;
  }
}

TEST(CompareModel, ChecksWhatWasComputed) {
  const Comparison c = compare_model(small_request());
  std::int64_t checked = 0;
  for (const Series& s : c.series) {
    if (s.kind == std::string(kModelled)) continue;
    const auto& check = s.points.front().check;
    ASSERT_TRUE(check) << s.target;
    EXPECT_GT(check->compared, 0);
    EXPECT_EQ(check->mismatches, 0) << s.target;
    ++checked;
  }
  EXPECT_GE(checked, 2);
}

TEST(CompareModel, MeasuresEveryPrecisionTheModelHas) {
  CompareRequest request = small_request(true);
  request.precisions.clear();
  request.targets = {"tpu:tiny_8", "cpu:host"};
  request.source.labels.assign(kRows, 3);
  const Comparison c = compare_model(request);
  for (const char* precision : {"int8", "fp32", "bf16"}) {
    const auto found = std::ranges::find_if(c.series, [&](const Series& s) {
      return s.target == "cpu:host" && s.precision == precision;
    });
    if (const auto reason = host_lacks(precision)) {
      EXPECT_EQ(found, c.series.end()) << precision;
      EXPECT_TRUE(std::ranges::any_of(c.absent, [&](const Absent& a) {
        return a.target == "cpu:host" && a.precision == precision && a.reason == *reason;
      })) << precision;
      continue;
    }
    ASSERT_NE(found, c.series.end()) << precision;
    EXPECT_TRUE(found->accuracy) << precision;
  }
  EXPECT_TRUE(c.float_accuracy);
  EXPECT_EQ(c.measurements.front().model, "quantised_chain");
  const std::string library = host_isa().exact_int8 ? onednn_text() : xnnpack_text();
  EXPECT_THAT(c.notes,
              testing::Contains(testing::AllOf(HasSubstr("cpu:host int8: "), HasSubstr(library))));
}

TEST(CompareModel, TakesFloatModelsForTimingAlone) {
  CompareRequest request = small_request();
  request.source.load = [](std::int64_t batch) {
    return Models{.integer = std::nullopt, .floating = float_chain_graph(batch, 24, 10)};
  };
  request.precisions.clear();
  const Comparison c = compare_model(request);
  EXPECT_FALSE(rows_of(c, kOffline, "tpu:tiny_8").empty());
  EXPECT_THAT(c.notes, testing::Contains(HasSubstr("tpu:tiny_8 int8: timing alone")));
  EXPECT_THAT(table_text(c, false), HasSubstr("tpu:tiny_8 int8: no output check"));
  for (const Row& row : rows_of(c, kByBatch, "cpu:host")) EXPECT_NE(row.precision, "int8");
  EXPECT_TRUE(std::ranges::any_of(c.absent, [](const Absent& a) {
    return a.target == "cpu:host" && a.reason.find("--calibrate") != std::string::npos;
  }));
}

TEST(CompareModel, FirstInferenceHasItsOwnRow) {
  const Comparison c = compare_model(small_request());
  const auto first = rows_of(c, kFirst, "tpu:tiny_8");
  ASSERT_EQ(first.size(), 1U);
  EXPECT_FALSE(first[0].times_faster);
  // Filling the machine is part of the first inference only.
  const Row by_batch = rows_of(c, kByBatch, "tpu:tiny_8").at(0);
  EXPECT_EQ(first[0].latency, by_batch.latency);
  EXPECT_EQ(first[0].period, by_batch.period);
  EXPECT_GT(first[0].latency, first[0].period);
  EXPECT_GT(first[0].device, by_batch.device);  // of one batch alone, without host and link
  EXPECT_LT(first[0].device, first[0].latency);
}

TEST(CompareModel, RefusesTargetsNobodyKnows) {
  CompareRequest request = small_request();
  request.targets = {"gpu:h1000"};
  EXPECT_THAT([&] { (void)compare_model(request); },
              testing::ThrowsMessage<InputError>(
                  testing::AllOf(HasSubstr("no target 'gpu:h1000'"), HasSubstr("gpu:h100"))));
}

TEST(CompareModel, RefusesInputsThatAreNotWholeBatches) {
  CompareRequest request = small_request();
  request.source.inputs = [](const compiler::Graph&) {
    return std::vector<Tensor>{Tensor(DType::kFloat32, {13, 24})};
  };
  request.batches = {4};
  EXPECT_THAT([&] { (void)compare_model(request); },
              testing::ThrowsMessage<InputError>(HasSubstr("whole batches of float32 [4, 24]")));
}

// A comparison whose measured row is kept, put through a file, and read by another comparison.
TEST(CompareModel, ReadsMeasurementFiles) {
  CompareRequest request = small_request();
  request.targets = {"cpu:host"};
  Comparison c = compare_model(request);
  Measurement m = c.measurements.at(0);
  m.target = "gpu:h100";
  m.threads = 0;
  m.samples.assign(200, {0.5, 0.25});
  m.warm_ups = 10;
  const testing_support::ScratchFolder folder;
  const std::string file = folder.file("h100.json");
  write_file(file, to_json(m).dump());

  request = small_request();
  request.targets = {"tpu:tiny_8", "gpu:h100"};
  request.measurements = {open_measurements(file)};
  c = compare_model(request);
  const auto rows = rows_of(c, kByBatch, "gpu:h100");
  const auto measured = std::ranges::count(rows, std::string(kMeasured), &Row::kind);
  EXPECT_EQ(measured, 1);
  EXPECT_EQ(std::ranges::count(rows, std::string(kModelled), &Row::kind), 4);  // graph or not
  for (const Row& row : rows) {
    if (row.kind == kMeasured) {
      EXPECT_EQ(row.latency, 0.5);
    }
  }

  m.batch = 3;
  write_file(file, to_json(m).dump());
  request.measurements = {open_measurements(file)};
  EXPECT_THAT([&] { (void)compare_model(request); },
              testing::ThrowsMessage<InputError>(
                  testing::AllOf(HasSubstr("h100.json"), HasSubstr("batch 3, not 1, 4"))));
  request.measurements = {open_measurements(folder.file("."))};
  c = compare_model(request);
  EXPECT_THAT(c.notes.at(0), HasSubstr("1 measurement of other"));
}

// A measurement of the small model at batch 4, as files of another computer hold it.
Measurement foreign_measurement() {
  CompareRequest request = small_request();
  request.batches = {4};
  request.targets = {"cpu:host"};
  Measurement m = compare_model(request).measurements.at(0);
  m.target = "gpu:h100";
  m.threads = 0;
  m.samples.assign(200, {0.5, 0.25});
  return m;
}

Comparison compare_files(const std::vector<Measurement>& measurements) {
  const testing_support::ScratchFolder folder;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Measurement& m : measurements) list.push_back(to_json(m));
  write_file(folder.file("all.json"), list.dump());
  CompareRequest request = small_request();
  request.targets = {"tpu:tiny_8"};
  request.measurements = {open_measurements(folder.file("all.json")),
                          open_measurements(folder.file("."))};
  return compare_model(request);
}

TEST(CompareModel, CountsAMeasurementOnce) {
  const Measurement m = foreign_measurement();
  Comparison c = compare_files({m, m});
  EXPECT_EQ(c.measurements.size(), 1U);
  EXPECT_EQ(rows_of(c, kByBatch, "gpu:h100").size(), 1U);
  Measurement later = m;
  later.date = "2026-11-22T00:00:00Z";
  later.samples.assign(200, {0.25, 0.125});
  c = compare_files({m, later});
  EXPECT_EQ(c.measurements.size(), 2U);
  const auto rows = rows_of(c, kByBatch, "gpu:h100");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].latency, 0.25);
  EXPECT_THAT(c.notes.at(0), HasSubstr("measured twice at batch 4"));
}

TEST(CompareModel, KnowsNoErrorOfAFewSamples) {
  Measurement m = foreign_measurement();
  m.samples.assign(5, {0.5, 0.25});
  EXPECT_FALSE(rows_of(compare_files({m}), kByBatch, "gpu:h100").at(0).low);
  m.samples.assign(6, {0.5, 0.25});
  EXPECT_EQ(rows_of(compare_files({m}), kByBatch, "gpu:h100").at(0).low, 1.0);
}

TEST(CompareModel, LeavesOutWhatComputedSomethingElse) {
  Measurement m = foreign_measurement();
  m.check = {"reference evaluator", "bytes", 640, 600, 90.0};
  const Comparison c = compare_files({m});
  EXPECT_TRUE(rows_of(c, kByBatch, "gpu:h100").empty());
  ASSERT_EQ(c.absent.size(), 1U);
  EXPECT_EQ(c.absent[0].reason, "batch 4: 600 of 640 outputs are wrong, by up to 90");
}

TEST(CompareModel, SimulatesEveryMachineNamedOnce) {
  CompareRequest request = small_request();
  request.more_machines = {isa::load_machine("edge_64")};
  request.targets = {"tpu:tiny_8", "tpu:edge_64", "tpu:tiny_8", "gpu:h100", "gpu:h100"};
  const Comparison c = compare_model(request);
  for (const char* target : {"tpu:tiny_8", "tpu:edge_64", "gpu:h100"}) {
    const bool gpu = std::string(target) == "gpu:h100";  // with a graph and without
    EXPECT_EQ(rows_of(c, kByBatch, target).size(), gpu ? 4U : 2U) << target;
  }
  for (const Mean& mean : c.means) EXPECT_EQ(mean.batches, 2);
  EXPECT_EQ(c.machine, "tiny_8, edge_64");
}

TEST(PerceptronText, IsOfProductsOneBehindTheOther) {
  const auto text_of = [](const std::string& model) {
    compiler::LoadOptions load;
    load.batch = 3;
    load.structure_only = true;
    return perceptron_text(model_work(compiler::load_model(model, load)));
  };
  EXPECT_EQ(text_of("mlp:24,16,10"), "mlp:24,16,10");
  EXPECT_EQ(text_of("vadd:64"), std::nullopt);
  EXPECT_EQ(text_of("conv:1,3,8,8,4,3,3,1,1"), std::nullopt);
  const compiler::Graph mlp0 = compiler::make_network("mlp0", {.batch = 1, .structure_only = true});
  EXPECT_EQ(perceptron_text(model_work(compiler::fuse_quantised(mlp0))),
            "mlp:2000,2048,2000,2048,2000,2048");
}

TEST(ModelWork, CountsAdditionsWhereThereAreNoProducts) {
  compiler::LoadOptions load;
  load.structure_only = true;
  const ModelWork work = model_work(compiler::load_model("vadd:64", load));
  EXPECT_EQ(work.macs(), 0);
  EXPECT_EQ(work.operations(), 64);
  EXPECT_DOUBLE_EQ(work.intensity(1.0), 64.0 / (3 * 64));
}

TEST(CompareModel, ShowsPublishedFiguresOfTheModelTheyAreOf) {
  CompareRequest request = small_request();
  request.source.load = [](std::int64_t) {
    compiler::LoadOptions structure;
    structure.batch = 1;
    Models models;
    models.integer = compiler::load_model("mlp:24,10", structure);
    models.integer->name = "mlp:2000,2048,2000,2048,2000,2048";
    return models;
  };
  request.batches = {1};
  request.targets = {"tpu:tiny_8", "paper:k80"};
  Comparison c = compare_model(request);
  const auto rows = rows_of(c, kServer, "paper:k80");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].kind, kPublished);
  EXPECT_DOUBLE_EQ(rows[1].throughput, 36465.0);
  EXPECT_FALSE(rows[1].times_faster);  // not this model, not these inputs
  EXPECT_EQ(rows[1].p99, 8.3e-3);
  for (const char* scenario : {kByBatch, kOffline, kSingleStream}) {
    EXPECT_TRUE(rows_of(c, scenario, "paper:k80").empty());
  }
  EXPECT_THAT(c.summary.back(), HasSubstr("in no ratio: paper:k80 fp32"));
  request = small_request();
  request.targets = {"tpu:tiny_8", "paper:k80"};
  c = compare_model(request);
  EXPECT_THAT(c.absent.at(0).reason, HasSubstr("no figures were published"));
}

TEST(CompareModel, KnowsTheErrorOfAMachineAsItCame) {
  CompareRequest request = small_request();
  request.batches = {4};
  request.machine = isa::load_machine("tpu_v1");
  request.targets = {"tpu:tpu_v1"};
  const auto known = compare_model(request).series.at(0).error_percent;
  ASSERT_TRUE(known);
  // The figure that docs/validation.md keeps, to a tenth.
  const std::string results = testing_support::text_of(source_path("docs/validation.md"));
  const std::string key = "mean cycle error percent overlap: ";
  const auto at = results.find(key);
  ASSERT_NE(at, std::string::npos);
  EXPECT_NEAR(*known, std::stod(results.substr(at + key.size())), 0.05);
  isa::set_parameter(request.machine, "dram.bytes_per_second=2x");
  request.targets = {"tpu:" + request.machine.name};
  EXPECT_FALSE(compare_model(request).series.at(0).error_percent);
}

// The first screen: who wins by how much within which interval, why, and what to type next.
TEST(CompareModel, SaysTheWinnerFirst) {
  CompareRequest request = small_request();
  request.targets = {"gpu:h100", "gpu:p4"};
  request.precisions = {"fp32"};
  request.batches = {512};
  request.source.load = [](std::int64_t batch) {
    const auto text = fmt::format("gemm:{},2048,2048", batch);
    return Models{.integer = compiler::load_model(text, {}), .floating = std::nullopt};
  };
  request.source.inputs = [](const compiler::Graph& graph) {
    const compiler::Value& x = graph.value(graph.inputs.at(0));
    return std::vector<Tensor>{Tensor(x.type, x.shape)};
  };
  const std::string text = table_text(compare_model(request), false);
  const std::size_t table = text.find("target");
  const std::string screen = text.substr(0, table);
  EXPECT_THAT(screen, HasSubstr("offline: gpu:h100 wins, "));
  EXPECT_THAT(screen, HasSubstr("times faster than gpu:p4 ("));
  EXPECT_THAT(screen, HasSubstr("Next: the same with --rules"));
  EXPECT_LE(std::ranges::count(screen, '\n'), 20);
  EXPECT_THAT(text, testing::Not(HasSubstr("Scenarios as MLPerf")));
}

// By device, precision and kind of layer: nobody measured an H100's int8, or a K80.
TEST(CompareModel, KnowsTheErrorOfAModelWhereItWasFound) {
  CompareRequest request = small_request(true);
  request.precisions = {"int8", "bf16", "fp16", "fp32"};
  request.targets = {"gpu:h100", "gpu:k80"};
  request.source.load = [](std::int64_t) {
    return Models{.integer = compiler::load_model("gemm:4,256,32", {}), .floating = std::nullopt};
  };
  request.batches = {4};
  const Comparison c = compare_model(request);
  for (const Series& s : c.series) {
    EXPECT_EQ(s.error_percent.has_value(), s.target == "gpu:h100" && s.precision != "int8");
  }
  for (const Row& row : c.rows) {
    EXPECT_EQ(row.low.has_value(), row.target == "gpu:h100" && row.precision != "int8")
        << row.scenario;
  }
}

}  // namespace
}  // namespace systole::compare
