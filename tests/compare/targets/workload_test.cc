// What the reference evaluator says of a workload: of a whole batch, and of its first row alone.
#include "compare/targets/workload.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "compiler/load.h"
#include "tests/compare/small_graphs.h"

namespace systole::compare {
namespace {

std::vector<Tensor> random_inputs(const compiler::Graph& graph) {
  std::vector<Tensor> tensors;
  std::mt19937_64 random(3);
  for (const compiler::ValueId id : graph.inputs) {
    Tensor t(graph.value(id).type, graph.value(id).shape);
    if (t.type == DType::kFloat32) {
      for (float& x : t.as<float>()) x = static_cast<float>(random() % 256) / 255.0F;
    } else {
      for (auto& x : t.data) x = static_cast<std::uint8_t>(random() >> 56);
    }
    tensors.push_back(std::move(t));
  }
  return tensors;
}

void expect_the_first_row(Workload& workload, const std::string& precision) {
  const compiler::ValueId id = workload.graph(precision)->outputs[0];
  const Tensor& all = workload.expected(precision, id);
  const std::optional<Tensor>& row = workload.expected_of_first_row(precision, id);
  ASSERT_TRUE(row) << precision;
  ASSERT_EQ(row->data.size() * static_cast<std::size_t>(workload.batch()), all.data.size());
  EXPECT_TRUE(std::ranges::equal(row->data, std::span(all.data).first(row->data.size())))
      << precision;
}

TEST(Workload, KnowsTheFirstRowByItself) {
  Workload quantised({.load =
                          [](std::int64_t batch) {
                            return Models{.integer = quantised_chain_graph(batch, 24, 10),
                                          .floating = float_chain_graph(batch, 24, 10)};
                          },
                      .inputs = random_inputs,
                      .labels = {}},
                     4);
  expect_the_first_row(quantised, "int8");
  expect_the_first_row(quantised, "fp32");
  Workload convolution({.load =
                            [](std::int64_t batch) {
                              return Models{.integer = compiler::load_model(
                                                fmt::format("conv:{},3,9,9,8,3,3,1,1", batch), {}),
                                            .floating = {}};
                            },
                        .inputs = random_inputs,
                        .labels = {}},
                       3);
  expect_the_first_row(convolution, "int8");
}

// A model that has its own batch gives no first row.
TEST(Workload, KnowsNoRowOfAFixedBatch) {
  Workload fixed({.load =
                      [](std::int64_t) {
                        return Models{.integer = quantised_chain_graph(4, 24, 10), .floating = {}};
                      },
                  .inputs = random_inputs,
                  .labels = {}},
                 4);
  EXPECT_FALSE(fixed.expected_of_first_row("int8", fixed.graph("int8")->outputs[0]));
}

}  // namespace
}  // namespace systole::compare
