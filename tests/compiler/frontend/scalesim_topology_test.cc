// SCALE-Sim topologies: both forms, the quirks of its reader, and what is refused.
#include "compiler/frontend/scalesim_topology.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "compiler/load.h"
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

TEST(ScaleSimTopology, SparsityIsReadWhereverItStands) {
  const std::vector<TopologyLayer> expected = {{"c", 4, 9, 5}};
  EXPECT_EQ(conv("c,4,4,3,3,1,5,1,4:4,\n"), expected);  // SCALE-Sim's own files do not name it
  EXPECT_EQ(conv("c,4,4,3,3,1,5,1,,,\n"), expected);
  const std::string header = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, ";
  EXPECT_EQ(parse_topology(header + "Channels, Num Filter, Strides, Sparsity,\nc,4,4,3,3,1,5,1\n"
                                    "c,4,4,3,3,1,5,1,2:2\n",
                           "t.csv"),
            (std::vector<TopologyLayer>{expected[0], expected[0]}));
  EXPECT_THAT(error_of(std::string(kConvHeader) + "c,4,4,3,3,1,5,1, 2:4,\n"),
              HasSubstr("t.csv:2: sparsity ratio 2:4; expected 1:1"));
  EXPECT_THAT(error_of("Layer,M,N,K,Sparsity,\ng,1,2,3,1,\n"),
              HasSubstr("t.csv:2: sparsity ratio 1; expected 1:1"));
}

// The right counts of pixels: ceil((32 - 3 + stride) / stride) along each axis.
TEST(ScaleSimTopology, TheHeaderSaysWhatEachColumnHolds) {
  const std::string start =
      "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, ";
  const auto rows = [&](const std::string& more, const std::string& values) {
    const auto layers = parse_topology(start + more + "\nc,32,32,3,3,8,16," + values, "t.csv");
    return layers.at(0).m;
  };
  EXPECT_EQ(rows("Strides", "2"), 16 * 16);
  EXPECT_EQ(rows("Stride height, Stride width,", "1, 2,"), 30 * 16);
  EXPECT_EQ(rows("stride_w,stride_h", "1,3"), 11 * 30);
  EXPECT_EQ(rows("Strides, Batch Size,", "1, 4,"), 4 * 30 * 30);
  EXPECT_EQ(rows("Batch,Stride H,Stride W,Sparsity", "2,1,3,1:1"), 2 * 30 * 11);
  EXPECT_THAT(parse_topology("Layer,K,M,N\na,3,1,2\n", "t.csv"),
              ElementsAre(TopologyLayer{"a", 1, 3, 2}));
}

TEST(ScaleSimTopology, HeadersOfScaleSimsOwnFiles) {
  const std::vector<TopologyLayer> expected = {{"c", 6, 9, 5}};  // 3 x 2 pixels
  for (const std::string header :
       {"\xEF\xBB\xBFLayer name,Ifmap height,ifmap width,filter height,filter width,channel,num "
        "filters,strides,",
        "Layer, IFMAP Width, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
        "Strides,",
        "Layer name\t IFMAP Height\t IFMAP Width\t Filter Height\t Filter Width\t Channels\t Num "
        "Filter\t Strides\t ",
        "my network", ""}) {
    EXPECT_EQ(parse_topology(header + "\r\nc, 5, 4, 3, 3, 1, 5, 1,", "t.csv"), expected) << header;
  }
  EXPECT_EQ(parse_topology("L,M,N,K\nc,6,5,9\n", "t.csv"), expected);
  EXPECT_EQ(parse_topology("\nc,6,5,9\n", "t.csv"), expected);
}

TEST(ScaleSimTopology, UnknownColumnsAreNamed) {
  const std::string header =
      "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, "
      "Channels, Num Filter, Strides";
  EXPECT_THAT(error_of(header + ",,,Eh,Ew\n"), HasSubstr("t.csv:1: column 9 is called ''"));
  EXPECT_THAT(
      error_of(header + ", Dilation,\n"),
      HasSubstr("t.csv:1: column 9 is called 'Dilation'; expected 'Layer name, M, N, K' or"));
  EXPECT_THAT(error_of(header + ", Strides,\n"), HasSubstr("column 9 is 'Strides' again"));
  EXPECT_THAT(error_of(header + ", Stride width,\n"), HasSubstr("no column 'Stride Height'"));
  EXPECT_THAT(error_of(header + ", Stride width, Stride height,\n"), HasSubstr("'Strides' beside"));
  EXPECT_THAT(error_of("Layer, M, N,\n"), HasSubstr("t.csv:1: no column 'K'"));
  EXPECT_THAT(error_of("Layer, M, N, K, Batch\n"), HasSubstr("M, N, K and 'Batch Size'"));
  EXPECT_THAT(error_of(header + ",\nc,4,4,3,3,1,5,1,2,\n"),
              HasSubstr("t.csv:2: '2' in column 9, which no header names"));
}

// Each separator alone, and one row of each in a file.
TEST(ScaleSimTopology, SeparatorsAreReadOrRefusedAndNeverMakeATitle) {
  const std::vector<TopologyLayer> expected = {
      {"A", 16, 1, 2}, {"B", 16, 3, 4}, {"C", 16, 5, 6}, {"D", 16, 7, 8}};
  EXPECT_EQ(parse_topology("Layer, M, N, K,\nA, 16, 2, 1,\nB\t16\t4\t3\nC; 16; 6; 5;\nD 16 8 7\n",
                           "t.csv"),
            expected);
  for (const char* separator : {",", ";", "\t", " "}) {
    std::string text = "Layer,M,N,K\nA,16,2,1\nB,16,4,3\nC,16,6,5\nD,16,8,7\n";
    for (std::size_t at = 0; (at = text.find(',', at)) != std::string::npos; ++at) {
      text.replace(at, 1, separator);
    }
    EXPECT_EQ(parse_topology(text, "t.csv"), expected) << separator;
  }
  EXPECT_THAT(error_of("Layer,M,N,K\nA,16;2,1\n"), HasSubstr("t.csv:2: 3 fields; expected 4"));
  EXPECT_THAT(error_of("Layer,M,N,K\nA 16 2\n"), HasSubstr("t.csv:2: 3 fields; expected 4"));
  EXPECT_THAT(error_of("Layer,M,N,K\nA,16 2,1,1\n"),
              HasSubstr("t.csv:2: '16 2' in column 2 (M); expected a whole number"));
}

// Wherever the field is missing.
TEST(ScaleSimTopology, AnEmptyFieldIsAnErrorWithItsColumn) {
  EXPECT_THAT(error_of(std::string(kConvHeader) + "FC, 1, 1, 1, ,1 2, 2, 1,\n"),
              HasSubstr("t.csv:2: column 5 (Filter Width) is empty"));
  for (const std::string header : {kConvHeader, kGemmHeader}) {
    const std::size_t columns = header == kGemmHeader ? 4 : 8;
    for (std::size_t empty = 0; empty < columns; ++empty) {
      std::string row;
      for (std::size_t at = 0; at < columns; ++at) row += at == empty ? " ," : "1,";
      EXPECT_THAT(error_of(header + row),
                  HasSubstr(fmt::format("t.csv:2: column {} (", empty + 1)));
    }
  }
  EXPECT_THAT(error_of(std::string(kGemmHeader) + "FC,,,,\n"), HasSubstr("column 2 (M) is empty"));
}

TEST(ScaleSimTopology, DepthwiseLayersAreOneLayerAChannel) {
  EXPECT_THAT(conv("DP2,5,5,3,3,2,1,1,\n"), ElementsAre(TopologyLayer{"DP2Channel_0", 9, 9, 1},
                                                        TopologyLayer{"DP2Channel_1", 9, 9, 1}));
}

TEST(ScaleSimTopology, WhatIsWrongIsOneLineWithItsPlace) {
  const std::string conv_header = kConvHeader, gemm_header = kGemmHeader;
  EXPECT_THAT(error_of(""), HasSubstr("t.csv: no layer; expected 'Layer name, "));
  EXPECT_THAT(error_of(gemm_header), HasSubstr("no layer"));
  EXPECT_THAT(error_of("a,1,1,1,\nb,1,1,1,\n"),
              HasSubstr("t.csv:1: a layer where SCALE-Sim skips"));
  EXPECT_THAT(error_of(gemm_header + "\na,1,1,\n"),
              HasSubstr("t.csv:3: 3 fields; expected 4, as there is no column 4 (K)"));
  EXPECT_THAT(error_of(gemm_header + "a,1,x,1,\n"),
              HasSubstr("t.csv:2: 'x' in column 3 (N); expected a whole"));
  EXPECT_THAT(error_of(gemm_header + "a,1,0,1,\n"), HasSubstr("t.csv:2: '0' in column 3 (N)"));
  EXPECT_THAT(error_of(gemm_header + "a,1,-4,1,\n"), HasSubstr("t.csv:2: '-4' in column 3 (N)"));
  EXPECT_THAT(error_of(conv_header + "c,2,9,3,3,1,1,1,\n"),
              HasSubstr("t.csv:2: a filter of 3 on a map of 2"));
  EXPECT_THAT(error_of(gemm_header + "a,1,1,1,\nc,4,4,3,3,1,5,1,\n"),
              HasSubstr("t.csv:3: '3' in column 5, which no header"));
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
