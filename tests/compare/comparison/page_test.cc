// What the page of a comparison is told: the report's JSON and nothing else, layers that add up,
// data flow, and responses against load.
#include "report/page.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "compare/comparison/compare.h"
#include "compare/comparison/server.h"
#include "compare/comparison/summary.h"
#include "compare/targets/data_flow.h"
#include "tests/compare/small_graphs.h"

namespace systole::compare {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kDataBegin = "<script type=\"application/json\" id=\"systole-data\">";

std::string data_text(const std::string& page) {
  const std::size_t begin = page.find(kDataBegin) + kDataBegin.size();
  return page.substr(begin, page.find("</script", begin) - begin);
}

// A quantised chain of two layers on a simulated machine, a GPU and a CPU; nothing is measured.
const Comparison& small_comparison() {
  static const Comparison kOnce = [] {
    CompareRequest request;
    request.source.load = [](std::int64_t batch) {
      Models models;
      models.integer = quantised_chain_graph(batch, 24, 10);
      return models;
    };
    request.source.inputs = [](const compiler::Graph& graph) {
      const compiler::Value& value = graph.value(graph.inputs[0]);
      Shape shape = value.shape;
      shape[0] = 4;
      return std::vector<Tensor>{Tensor(value.type, shape)};
    };
    request.batches = {1, 4};
    request.machine = isa::load_machine("tiny_8");
    request.targets = {"tpu:tiny_8", "gpu:h100", "cpu:haswell"};
    request.precisions = {"int8"};
    request.command = "systole compare </script><b>";
    request.what_if = false;
    return compare_model(request);
  }();
  return kOnce;
}

Measurement measurement() {
  Measurement m;
  m.target = "cpu:host";
  m.precision = "int8";
  m.samples = {{2e-3, 1e-3}, {2e-3, 1e-3}};
  m.layers = {{"fc1", "matmul", "kernel", "device", 1e-3}};
  return m;
}

TEST(ComparisonPage, HoldsTheReportsJsonWithoutSamples) {
  Comparison c = small_comparison();
  c.measurements.push_back(measurement());
  const std::string page = page_html(c);
  Json expected = to_json(c);
  ASSERT_TRUE(expected["measurements"][0].contains("samples"));
  expected["measurements"][0].erase("samples");
  EXPECT_EQ(Json::parse(data_text(page)), expected);
  EXPECT_EQ(expected["headlines"].get<std::vector<std::string>>(), headlines(c.rows));
  EXPECT_EQ(expected["rules"].size(), rules().size());
  EXPECT_THAT(data_text(page), Not(HasSubstr("<")));
}

TEST(ComparisonPage, IsAmongTheReportsFiles) {
  const Comparison& c = small_comparison();
  const Report files = report(c);
  EXPECT_EQ(files.files.at("report.html"), page_html(c));
  EXPECT_THAT(kReportFiles, testing::Contains(std::string("report.html")));
}

TEST(ComparisonPage, IsOneDocumentThatAsksForNothing) {
  const std::string page = report::page_text(report::kComparisonPage);
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr(" src=")));
  EXPECT_LT(page.size(), 700'000U);
  EXPECT_TRUE(
      std::ranges::all_of(page, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
}

double sum(const std::vector<TimePart>& parts) {
  double seconds = 0.0;
  for (const TimePart& part : parts) seconds += part.seconds;
  return seconds;
}

TEST(Layers, AddUpAndKnowTheirWork) {
  const Comparison& c = small_comparison();
  ASSERT_EQ(c.series.size(), 4U);  // the GPU with a graph of its kernels and without
  for (const Series& s : c.series) {
    for (const Point& p : s.points) {
      double operations = 0.0, seconds = 0.0;
      for (const PointLayer& layer : p.layers) {
        EXPECT_NEAR(sum(layer.parts), layer.seconds, 1e-9 * layer.seconds) << s.target;
        EXPECT_EQ(layer.stalls.empty(), s.kind != std::string(kSimulated)) << s.target;
        operations += layer.operations;
        seconds += layer.seconds;
        if (layer.operations > 0.0) {
          EXPECT_GT(layer.bytes, 0.0) << layer.name;
        }
      }
      EXPECT_EQ(operations, static_cast<double>(c.operations * p.batch)) << s.target;
      EXPECT_GT(seconds, 0.0);
      if (s.kind == std::string(kModelled)) {
        EXPECT_NEAR(seconds, p.period.device, 1e-9 * seconds);
      }
      if (s.kind == std::string(kSimulated) && !p.layers_alone) {
        EXPECT_NEAR(seconds + p.period.host, p.period.total, 0.05 * seconds);
      }
    }
  }
}

TEST(Layers, OfMeasurementsAreMedians) {
  const Point point = point_of(measurement());
  ASSERT_EQ(point.layers.size(), 1U);
  EXPECT_EQ(point.layers[0].name, "fc1");
  EXPECT_EQ(point.layers[0].seconds, 1e-3);
  EXPECT_EQ(point.layers[0].parts.at(0).name, "device");
  EXPECT_FALSE(point.flow);  // how a library cuts is not known
}

TEST(DataFlow, OfAMachineIsItsCounters) {
  const isa::Machine machine = isa::load_machine("tiny_8");
  sim::Counters counters;  // of two batches: each a tile of 8 x 8, 4 rows of 6 x 5 of it
  counters.macs_useful = 2 * 4 * 6 * 5;
  counters.macs_padded = 2 * 4 * 64 - counters.macs_useful;
  counters.tiles = 2;
  counters.weights_read = Bytes(128);
  counters.ub_read = Bytes(48);
  const DataFlow flow = machine_flow(machine, counters, 2);
  EXPECT_DOUBLE_EQ(flow.weight_reuse, 4.0 * 30 / 64);
  EXPECT_DOUBLE_EQ(flow.activation_reuse, 30.0 / 8);
  EXPECT_DOUBLE_EQ(flow.sum_reuse, 30.0 / 8);
  ASSERT_EQ(flow.levels.size(), 2U);  // nothing crossed the others
  EXPECT_EQ(flow.levels[0].name, "weight memory read");
  EXPECT_EQ(flow.levels[0].bytes, 64.0);
  EXPECT_EQ(flow.levels[1].bytes, 24.0);
}

TEST(DataFlow, OfAModelIsThatOfItsTiles) {
  const Comparison& c = small_comparison();
  for (const Series& s : c.series) {
    if (s.kind != std::string(kModelled)) continue;
    for (const Point& p : s.points) {
      ASSERT_TRUE(p.flow) << s.target;
      EXPECT_GE(p.flow->weight_reuse, 1.0);
      EXPECT_LE(p.flow->weight_reuse, static_cast<double>(p.batch));  // a tile has no more rows
      EXPECT_GE(p.flow->sum_reuse, 1.0);
      EXPECT_EQ(p.flow->levels.front().name,
                s.target == "cpu:haswell" ? "memory or cache" : "host link in");
    }
  }
}

TEST(ServerCurve, RisesWithTheLoadToTheLimit) {
  const std::vector<Point> points = {{.batch = 1, .latency = {.total = 1.0}}};
  const Served served{.rate = 0.5, .p99 = 4.3, .points = points};
  const ServerCurve curve = server_curve(served, 10.0);
  EXPECT_EQ(curve.batches, std::vector<std::int64_t>{1});
  EXPECT_EQ(curve.capacity, 1.0);
  EXPECT_EQ(curve.rate, 0.5);
  double before = 0.0;
  for (const Response& r : curve.responses) {
    EXPECT_DOUBLE_EQ(r.rate, r.load * curve.capacity);
    EXPECT_GE(r.p50, 1.0);  // a service
    EXPECT_LE(r.p50, r.p90);
    EXPECT_LE(r.p90, r.p99);
    EXPECT_GT(r.p99, before);
    before = r.p99;
    if (r.load == 0.5) {
      EXPECT_NEAR(r.p99, 4.336, 0.05);  // M/D/1, as Server.OfOneAtATime...
    }
  }
  EXPECT_EQ(curve.responses.back().load, kMostLoad);
  EXPECT_TRUE(server_curve({}, 10.0).responses.empty());
}

}  // namespace
}  // namespace systole::compare
