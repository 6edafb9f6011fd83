// SCALE-Sim topologies: both forms, the quirks of its reader, and what is refused.
#include "compiler/frontend/scalesim_topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/support/scratch.h"

namespace systole::compiler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kConvHeader =
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
    "Strides,\n";
constexpr const char* kGemmHeader = "Layer,M,N,K,\n";

std::vector<TopologyLayer> conv(const std::string& rows) {
  return parse_topology(kConvHeader + rows, "t.csv");
}
std::vector<TopologyLayer> gemm(const std::string& rows) {
  return parse_topology(kGemmHeader + rows, "t.csv");
}
std::string error_of(const std::string& text) {
  try {
    static_cast<void>(parse_topology(text, "t.csv"));
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ScaleSimTopology, ConvolutionIsTheGemmOfItsIm2colMatrix) {
  EXPECT_THAT(conv("c,7,9,3,2,192,384,1,\n"),
              ElementsAre(TopologyLayer{"c", (7 - 3 + 1) * (9 - 2 + 1), 3 * 2 * 192, 384}));
}

TEST(ScaleSimTopology, OutputExtentsAreRoundedUp) {
  // (224 - 11 + 4) / 4 = 54.25
  EXPECT_THAT(conv("Conv1 ,224 ,224 ,11 ,11 ,3 ,96 ,4 ,\n"),
              ElementsAre(TopologyLayer{"Conv1", 55 * 55, 11 * 11 * 3, 96}));
}

TEST(ScaleSimTopology, GemmColumnsAreMNK) {
  EXPECT_THAT(gemm("1,2048,4096,32,\nlast, 2, 3, 4,"),
              ElementsAre(TopologyLayer{"1", 2048, 32, 4096}, TopologyLayer{"last", 2, 4, 3}));
}

TEST(ScaleSimTopology, BlanksEmptyRowsAndLineEndingsAreIgnored) {
  const std::vector<TopologyLayer> expected = {{"a", 1, 1, 1}, {"b", 1, 2, 3}};
  EXPECT_EQ(gemm("a,1,1,1,\nb,1,3,2,\n"), expected);
  EXPECT_EQ(gemm("\r\n a ,\t1, 1 ,1 , \r\n\r\n,,,,,,\r\nb,1,3,2,\r\n"), expected);
  EXPECT_EQ(gemm("Title,\na,1,1,1,\nAnother title\nb,1,3,2,\n"), expected);
  EXPECT_EQ(gemm("a,1,1,1\nb,1,3,2"), expected);  // a last field without a comma counts
}

TEST(ScaleSimTopology, ColumnsAfterTheStrideAreIgnoredUnlessTheyAreSparsity) {
  const std::vector<TopologyLayer> expected = {{"c", 4, 9, 5}};
  EXPECT_EQ(conv("c,4,4,3,3,1,5,1,,,2,2,4\n"), expected);
  EXPECT_EQ(conv("c,4,4,3,3,1,5,1,4:4,\n"), expected);
  EXPECT_THAT(error_of(std::string(kConvHeader) + "c,4,4,3,3,1,5,1, 2:4,\n"),
              HasSubstr("t.csv:2: sparsity ratio 2:4; expected 1:1"));
}

TEST(ScaleSimTopology, DepthwiseLayersAreOneLayerAChannel) {
  EXPECT_THAT(conv("DP2,5,5,3,3,2,1,1,\n"), ElementsAre(TopologyLayer{"DP2Channel_0", 9, 9, 1},
                                                        TopologyLayer{"DP2Channel_1", 9, 9, 1}));
}

TEST(ScaleSimTopology, WhatIsWrongIsOneLineWithItsPlace) {
  const std::string conv_header = kConvHeader, gemm_header = kGemmHeader;
  EXPECT_THAT(error_of(""), HasSubstr("t.csv: no layer; expected 'name, "));
  EXPECT_THAT(error_of(gemm_header), HasSubstr("no layer"));
  EXPECT_THAT(error_of("a,1,1,1,\nb,1,1,1,\n"),
              HasSubstr("t.csv:1: a layer where SCALE-Sim skips"));
  EXPECT_THAT(error_of(gemm_header + "\na,1,1,\n"), HasSubstr("t.csv:3: 2 numbers after the name"));
  EXPECT_THAT(error_of(gemm_header + "a,1,x,1,\n"),
              HasSubstr("t.csv:2: 'x' as number 2; expected"));
  EXPECT_THAT(error_of(gemm_header + "a,1,0,1,\n"), HasSubstr("t.csv:2: 0 as number 2"));
  EXPECT_THAT(error_of(gemm_header + "a,1,-4,1,\n"), HasSubstr("t.csv:2: -4 as number 2"));
  EXPECT_THAT(error_of(conv_header + "c,2,9,3,3,1,1,1,\n"),
              HasSubstr("t.csv:2: a filter of 3 on a map of 2"));
  EXPECT_THAT(error_of(gemm_header + "a,1,1,1,\nc,4,4,3,3,1,5,1,\n"), HasSubstr("t.csv:3: a GEMM"));
  EXPECT_THAT(error_of(gemm_header + "a,2000000000,2000000000,2000000000,\n"),
              HasSubstr("t.csv:2"));
  EXPECT_THAT(error_of(conv_header + "DP,9,9,1,1,2000000000,1,1,\n"),
              HasSubstr("t.csv:2: more than 10000 layers"));
}

TEST(ScaleSimTopology, GraphHasSeparateLayersWithoutWeights) {
  const testing_support::ScratchFolder scratch;
  const std::string path = scratch.file("two.csv");
  write_file(path, std::string(kGemmHeader) + "a,2,3,4,\nb,5,6,7,\n");
  const Graph graph = load_model(path, {});
  EXPECT_TRUE(graph.structure_only);
  EXPECT_TRUE(graph.separate_layers);
  ASSERT_EQ(graph.nodes.size(), 2U);
  EXPECT_EQ(graph.value(graph.inputs[1]).shape, (Shape{1, 5, 7}));
  EXPECT_EQ(graph.value(graph.outputs[1]).shape, (Shape{1, 5, 6}));
  for (const Value& value : graph.values) {
    EXPECT_TRUE(!value.constant || value.constant->data.empty()) << value.name;
  }
  LoadOptions batch;
  batch.batch = 2;
  EXPECT_THROW(static_cast<void>(load_model(path, batch)), InputError);
}

}  // namespace
}  // namespace systole::compiler
