// Verifier: for each kind of finding programs that must be found and programs that must not.
#include "isa/verify.h"

#include <gmock/gmock-more-matchers.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "isa/program.h"

namespace systole::isa {
namespace {

// One layer on an 8 x 8 machine: a batch of 4 rows in, one tile, requantised, out again.
constexpr const char* kHead = R"(
.machine array.rows = 8
.machine array.columns = 8
.machine unified_buffer.bytes = 1024
.machine unified_buffer.row_bytes = 8
.machine accumulators.rows = 16
.machine parameters.rows = 8
.machine weight_fifo.tiles = 2
.machine sequencer.queue = 4
.has_values 0
.weight_bytes 640
.host_bytes 4096
)";

const std::vector<std::string> kLayer = {
    "read_host host=0, stride=8, ub=0, rows=4, bytes=8",                    // 0
    "read_params host=512, param=0, rows=2",                                // 1
    "read_weights dram=0, k=8, n=8, zero=0",                                // 2
    "sync unit=matrix, wait_for=dma_in, distance=1, why=raw",               // 3
    "matmul ub=0, acc=0, rows=4, k=8, n=8, switch_tile=1, precision=int8",  // 4
    "sync unit=activation, wait_for=matrix, distance=0, why=raw",           // 5
    "sync unit=activation, wait_for=dma_in, distance=0, why=raw",           // 6
    "activate acc=0, ub=8, rows=4, n=8, function=identity, type=u8, lo=0, hi=255, bias=0, scale=1",
    "sync unit=dma_out, wait_for=activation, distance=0, why=raw",  // 8
    "write_host host=1024, stride=8, ub=8, rows=4, bytes=8",        // 9
    "halt"};                                                        // 10

// Where the text has the line-th line (from 1) after the head.
std::string line_of(std::int64_t line) {
  const std::string head = kHead;
  return "test:" + std::to_string(std::count(head.begin(), head.end(), '\n') + line);
}

Program program_of(const std::vector<std::string>& lines) {
  std::string text = kHead;
  for (const std::string& line : lines) text += line + "\n";
  return assemble(text, "test");
}

std::vector<Finding> findings_of(const std::vector<std::string>& lines) {
  const Program program = program_of(lines);
  return verify(program, program.machine);
}

// The layer with some lines replaced; an empty replacement takes the line out.
std::vector<std::string> changed(std::initializer_list<std::pair<std::size_t, std::string>> edits) {
  std::vector<std::string> lines = kLayer;
  for (const auto& [line, text] : edits) lines[line] = text;
  return lines;
}

testing::Matcher<Finding> is(FindingKind kind, const std::string& text) {
  return testing::AllOf(testing::Field(&Finding::kind, kind),
                        testing::Field(&Finding::text, testing::HasSubstr(text)));
}

#define EXPECT_SOUND(...)                                     \
  do {                                                        \
    for (const Finding& finding : findings_of(__VA_ARGS__)) { \
      ADD_FAILURE() << finding.text;                          \
    }                                                         \
  } while (false)

TEST(Verify, TheLayerItselfIsSound) { EXPECT_SOUND(kLayer); }

TEST(Verify, RaceNamesBothInstructionsAndTheMissingWait) {
  const auto found = findings_of(changed({{5, ""}}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, FindingKind::kRace);
  EXPECT_EQ(found[0].first, 6);
  EXPECT_EQ(found[0].second, 4);
  EXPECT_EQ(found[0].text,
            "instruction 7 at " + line_of(8) +
                " (activate acc=0, ub=8, rows=4, n=8, function=identity, type=u8, lo=0, "
                "hi=255, bias=0, scale=1) reads accumulator rows [0, 4) without waiting for the "
                "write by instruction 5 at " +
                line_of(5) +
                " (matmul ub=0, acc=0, rows=4, k=8, n=8, switch_tile=1, "
                "precision=int8); expected a sync that lets activation wait for matrix");
}

TEST(Verify, EachWaitOfTheLayerIsNeeded) {
  for (const std::size_t line : {3U, 5U, 6U, 8U}) {
    EXPECT_THAT(findings_of(changed({{line, ""}})),
                testing::ElementsAre(is(FindingKind::kRace, "without waiting for the write")))
        << kLayer[line];
  }
}

TEST(Verify, DistanceCountsFromTheLatestDispatch) {
  EXPECT_THAT(findings_of(changed({{3, "sync unit=matrix, wait_for=dma_in, distance=2, why=raw"}})),
              testing::ElementsAre(is(FindingKind::kRace, "")));
  EXPECT_THAT(
      findings_of(changed({{6, "sync unit=activation, wait_for=dma_in, distance=1, why=raw"}})),
      testing::ElementsAre(is(FindingKind::kRace, "parameter row")));
  EXPECT_SOUND(changed({{3, "sync unit=matrix, wait_for=dma_in, distance=0, why=raw"}}));
}

// dma_out waits for the activation, which waited for the matmul, which read rows 0..3.
TEST(Verify, KnowledgeIsPassedOn) {
  std::vector<std::string> lines = kLayer;
  lines.pop_back();
  const std::string reuse = "read_host host=64, stride=8, ub=0, rows=4, bytes=8";
  auto direct = lines;
  direct.insert(direct.end(), {reuse, "halt"});
  EXPECT_THAT(findings_of(direct),
              testing::Contains(is(FindingKind::kRace, "without waiting for the read")));
  lines.insert(lines.end(),
               {"sync unit=dma_in, wait_for=dma_out, distance=0, why=war", reuse, "halt"});
  EXPECT_SOUND(lines);
}

TEST(Verify, InterruptIsABarrier) {
  std::vector<std::string> lines = kLayer;
  for (const std::size_t line : {3U, 5U, 6U, 8U}) lines[line] = "interrupt stage=1";
  EXPECT_SOUND(lines);
}

// Two passes of the matrix unit on the same rows need no wait, two activations do.
TEST(Verify, SameUnitPairs) {
  auto twice = kLayer;
  twice.insert(twice.begin() + 5,
               "matmul ub=0, acc=0, rows=4, k=8, n=8, accumulate=1, precision=int8");
  EXPECT_SOUND(twice);
  auto activations = kLayer;
  activations.insert(activations.begin() + 8, kLayer[7]);
  EXPECT_THAT(findings_of(activations),
              testing::ElementsAre(is(FindingKind::kRace, "lets activation wait for activation")));
  activations.insert(activations.begin() + 8,
                     "sync unit=activation, wait_for=activation, distance=0, why=war");
  EXPECT_SOUND(activations);
}

TEST(Verify, LanesOfOneRowAreApart) {
  auto lines = kLayer;
  const std::string half =
      "activate acc=0, ub=8, rows=4, n=4, function=identity, type=u8, lo=0, "
      "hi=255, bias=0, scale=1";
  lines[7] = half;
  EXPECT_THAT(findings_of(lines),
              testing::ElementsAre(is(FindingKind::kNeverWritten, "lanes [4, 8)")));
  lines.insert(lines.begin() + 8, half + ", lane=4");
  EXPECT_SOUND(lines);
}

TEST(Verify, NeverWritten) {
  EXPECT_THAT(findings_of(changed({{0, ""}, {3, ""}})),
              testing::ElementsAre(is(FindingKind::kNeverWritten, "unified buffer rows [0, 4)")));
  EXPECT_THAT(findings_of(changed({{1, "read_params host=512, param=0, rows=1"}})),
              testing::ElementsAre(is(FindingKind::kNeverWritten, "parameter rows [1, 2)")));
  EXPECT_THAT(
      findings_of(changed({{4,
                            "matmul ub=0, acc=0, rows=4, k=8, n=8, accumulate=1, switch_tile=1, "
                            "precision=int8"}})),
      testing::ElementsAre(is(FindingKind::kNeverWritten, "accumulator rows [0, 4)")));
  EXPECT_THAT(findings_of(changed({{4,
                                    "matmul ub=0, acc=0, rows=4, k=8, n=7, switch_tile=1, "
                                    "precision=int8"}})),
              testing::ElementsAre(is(FindingKind::kNeverWritten, "lanes [7, 8)")));
}

TEST(Verify, Ranges) {
  const auto finds = [](std::size_t line, const std::string& text, const std::string& what) {
    EXPECT_THAT(findings_of(changed({{line, text}})),
                testing::Contains(is(FindingKind::kRange, what)));
  };
  const std::string sums = ", switch_tile=1, precision=int8";
  finds(0, "read_host host=0, stride=8, ub=125, rows=4, bytes=8", "within [0, 128)");
  finds(0, "read_host host=4065, stride=8, ub=0, rows=4, bytes=8", "within [0, 4096)");
  finds(0, "read_host host=0, stride=8, ub=0, rows=0, bytes=8", "rows = 0");
  finds(0, "read_host host=0, stride=8, ub=0, lane=8, rows=4, bytes=8", "lane = 8");
  finds(1, "read_params host=512, param=7, rows=2", "parameter rows [7, 9)");
  finds(2, "read_weights dram=577, k=8, n=8, zero=0", "within [0, 640)");
  finds(2, "read_weights dram=0, k=9, n=8, zero=0", "k = 9");
  finds(3, "sync unit=sequencer, wait_for=dma_in, distance=1, why=raw",
        "unit = sequencer; expected one of dma_in, ");
  finds(4, "matmul ub=0, acc=13, rows=4, k=8, n=8" + sums, "accumulator rows [13, 17)");
  finds(4, "matmul ub=0, acc=0, rows=4, k=8, n=9" + sums, "n = 9; expected 1 to 8");
  const std::string pass = "matmul ub=0, acc=0, rows=4, k=4, n=8, switch_tile=1, ";
  finds(4, pass + "precision=int8, zero_point=256", "zero_point = 256; expected 0 to 255");
  finds(4, pass + "precision=int8, zero_point=-1", "zero_point = -1");
  finds(4, pass + "precision=int8, is_signed=1, zero_point=128", "expected -128 to 127");
  finds(4, pass + "precision=int8x16, zero_point=32768", "zero_point = 32768");
  EXPECT_SOUND(changed({{4, kLayer[4] + ", zero_point=255"}}));
  EXPECT_SOUND(changed({{4, kLayer[4] + ", is_signed=1, zero_point=-128"}}));
  EXPECT_SOUND(changed({{4, pass + "precision=int8x16, is_signed=1, zero_point=-32768"}}));
  const std::string act = "activate acc=0, ub=8, rows=4, n=8, function=identity, bias=0, scale=1, ";
  finds(7, act + "type=u8, lo=-1, hi=255", "lo = -1; expected 0 to 255");
  finds(7, act + "type=u8, lo=9, hi=8", "hi = 8; expected 9 to 255");
  finds(7, act + "type=s8, lo=-128, hi=127, zero_point=128", "zero_point = 128");
  // The last host byte, the last unified buffer row and the last accumulator row are fine.
  EXPECT_SOUND(changed({{0, "read_host host=4064, stride=8, ub=0, rows=4, bytes=8"},
                        {4, "matmul ub=0, acc=12, rows=4, k=8, n=8" + sums},
                        {7,
                         "activate acc=12, ub=124, rows=4, n=8, function=identity, type=u8, "
                         "lo=0, hi=255, bias=0, scale=1"},
                        {9, "write_host host=1024, stride=8, ub=124, rows=4, bytes=8"}}));
}

TEST(Verify, HostConstantsAreNotWritten) {
  Program program =
      program_of(changed({{9, "write_host host=0, stride=8, ub=8, rows=4, bytes=8"}}));
  EXPECT_TRUE(verify(program, program.machine).empty());
  program.constants.resize(1);
  EXPECT_THAT(verify(program, program.machine), testing::Contains(is(FindingKind::kRange, "[1, ")));
}

TEST(Verify, TileOrder) {
  EXPECT_THAT(findings_of(changed({{2, ""}})),
              testing::ElementsAre(is(FindingKind::kTileOrder, "only 0 tiles are read before it")));
  EXPECT_THAT(findings_of(changed({{4, "matmul ub=0, acc=0, rows=4, k=8, n=8, precision=int8"}})),
              testing::ElementsAre(is(FindingKind::kTileOrder, "has no weight tile")));
  EXPECT_THAT(findings_of(changed({{1, kLayer[1] + "\n" + kLayer[2]}})),
              testing::ElementsAre(is(FindingKind::kTileOrder, "1 of 2 weight tiles")));
}

TEST(Verify, AMatmulStaysWithinItsTile) {
  const std::string small = "read_weights dram=0, k=4, n=8, zero=0";
  const auto found = findings_of(changed({{2, small}}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, FindingKind::kRange);
  EXPECT_EQ(found[0].first, 4);
  EXPECT_EQ(found[0].second, 2);
  EXPECT_THAT(
      found[0].text,
      testing::HasSubstr("uses 8 rows and 8 columns of the tile of instruction 3 at " + line_of(3) +
                         " (read_weights dram=0, k=4, n=8, zero=0); expected k at most 4 and n at "
                         "most 8"));
  EXPECT_THAT(findings_of(changed({{2, "read_weights dram=0, k=8, n=7, zero=0"}})),
              testing::ElementsAre(is(FindingKind::kRange, "n at most 7")));
  const std::string pass = "matmul ub=0, acc=0, rows=4, k=4, n=8, switch_tile=1, precision=int8";
  EXPECT_SOUND(changed({{2, small}, {4, pass}}));
  EXPECT_SOUND(changed({{4, pass}}));  // less than the tile holds
  // The tile that counts is the active one, not the latest read.
  EXPECT_SOUND(changed({{2, kLayer[2] + "\n" + small}, {4, kLayer[4] + "\n" + pass}}));
  EXPECT_THAT(findings_of(changed({{2, small + "\n" + kLayer[2]}, {4, pass + "\n" + kLayer[4]}})),
              testing::IsEmpty());
  EXPECT_THAT(findings_of(changed({{2, small + "\n" + kLayer[2]}, {4, kLayer[4] + "\n" + pass}})),
              testing::ElementsAre(is(FindingKind::kRange, "k at most 4")));
}

// The layer with a convolution for its matmul: 2 x 2 pixels in, 4 rows out.
std::vector<std::string> convolution(
    std::initializer_list<std::pair<std::string, std::string>> edits = {}) {
  std::string text =
      "convolve ub=0, acc=0, k=8, n=8, switch_tile=1, precision=int8, in_height=2, in_width=2, "
      "out_height=2, out_width=2, stride_y=1, stride_x=1, dilation_y=1, dilation_x=1, kernel_y=0, "
      "kernel_x=0, taps=1";
  for (const auto& [from, to] : edits) text.replace(text.find(from), from.size(), to);
  return changed({{4, text}});
}

TEST(Verify, Convolution) {
  EXPECT_SOUND(convolution());
  const auto finds = [](std::initializer_list<std::pair<std::string, std::string>> edits,
                        const std::string& what) {
    EXPECT_THAT(findings_of(convolution(edits)), testing::Contains(is(FindingKind::kRange, what)));
  };
  finds({{"in_height=2", "in_height=0"}}, "in_height = 0; expected 1 to");
  finds({{"in_width=2", "in_width=0"}}, "in_width = 0; expected 1 to");
  finds({{"out_height=2", "out_height=0"}}, "out_height = 0; expected 1 to");
  finds({{"out_width=2", "out_width=0"}}, "out_width = 0; expected 1 to");
  finds({{"stride_y=1", "stride_y=0"}}, "stride_y = 0; expected 1 to");
  finds({{"stride_x=1", "stride_x=0"}}, "stride_x = 0; expected 1 to");
  finds({{"dilation_y=1", "dilation_y=0"}}, "dilation_y = 0; expected 1 to");
  finds({{"dilation_x=1", "dilation_x=0"}}, "dilation_x = 0; expected 1 to");
  finds({{"taps=1", "taps=0"}}, "taps = 0; expected 1 to");
  finds({{"taps=1", "taps=9"}},
        "delay line of (taps - 1) * dilation_x + 1 = 9 pixels; expected at "
        "most array.taps = 8");
  finds({{"k=8", "k=9"}}, "k = 9; expected 1 to 8");
  finds({{"n=8", "n=9"}}, "n = 9; expected 1 to 8");
  finds({{"precision", "zero_point=256, precision"}}, "zero_point = 256; expected 0 to 255");
  finds({{"precision=int8", "zero_point=32768, precision=int8x16_high"}},
        "zero_point = 32768; expected -32768 to 32767");
  finds({{"stride_y=1", "stride_y=255"}, {"kernel_y=0", "kernel_y=2"}},
        "walks to row 257 of 2, where no padding reaches; expected at most 256");
  finds({{"stride_x=1", "stride_x=255"}, {"kernel_x=0", "kernel_x=2"}}, "walks to column 257 of 2");
  finds({{"acc=0", "acc=13"}}, "writes accumulator rows [13, 17)");
  finds({{"ub=0", "ub=126"}}, "reads unified buffer rows [126, 130)");
  EXPECT_SOUND(convolution({{"stride_y=1", "stride_y=255"}, {"kernel_y=0", "kernel_y=1"}}));
  EXPECT_SOUND(convolution({{"precision", "zero_point=255, precision"}}));
}

TEST(Verify, ConvolutionWithTaps) {
  const auto on_taps = [](std::initializer_list<std::pair<std::string, std::string>> edits) {
    Program program = program_of(convolution(edits));
    program.machine.array_taps = 5;
    return verify(program, program.machine);
  };
  EXPECT_THAT(on_taps({{"taps=1", "taps=4"}}), testing::IsEmpty());
  EXPECT_THAT(on_taps({{"k=8", "k=5"}, {"taps=1", "taps=5"}}), testing::IsEmpty());
  EXPECT_THAT(on_taps({{"k=8", "k=6"}, {"taps=1", "taps=3"}, {"dilation_x=1", "dilation_x=2"}}),
              testing::IsEmpty());
  EXPECT_THAT(on_taps({{"k=8", "k=6"}, {"taps=1", "taps=6"}}),
              testing::ElementsAre(is(FindingKind::kRange, "= 6 pixels")));
  EXPECT_THAT(on_taps({{"k=8", "k=8"}, {"taps=1", "taps=3"}}),
              testing::ElementsAre(is(FindingKind::kRange, "k = 8 lanes for 3 taps")));
  EXPECT_THAT(
      on_taps({{"taps=1", "taps=4"}, {"dilation_x=1", "dilation_x=2"}}),
      testing::ElementsAre(is(FindingKind::kRange, "= 7 pixels; expected at most array.taps")));
}

// What holds for a matmul's tile and waits holds for a convolution's.
TEST(Verify, ConvolutionUsesTilesAndWaits) {
  auto lines = convolution();
  lines[3].clear();
  EXPECT_THAT(findings_of(lines), testing::ElementsAre(is(FindingKind::kRace, "convolve")));
  lines = convolution();
  lines[5].clear();
  EXPECT_THAT(findings_of(lines), testing::ElementsAre(is(FindingKind::kRace, "convolve")));
  EXPECT_THAT(findings_of(convolution({{"switch_tile=1, ", ""}})),
              testing::ElementsAre(is(FindingKind::kTileOrder, "has no weight tile")));
  lines = convolution();
  lines[2] = "read_weights dram=0, k=4, n=8, zero=0";
  EXPECT_THAT(findings_of(lines), testing::ElementsAre(is(FindingKind::kRange, "k at most 4")));
}

// Room for tiles read ahead: FIFO 2 + shadow 1 + queue 4 = 7.
TEST(Verify, TilesAhead) {
  const auto with_tiles = [](int count, WeightLoad load) {
    std::vector<std::string> lines = {kLayer[0]};
    for (int i = 0; i < count; ++i) lines.push_back(kLayer[2]);
    lines.emplace_back("sync unit=matrix, wait_for=dma_in, distance=0, why=raw");
    for (int i = 0; i < count; ++i) lines.push_back(kLayer[4]);
    lines.emplace_back("halt");
    Program program = program_of(lines);
    program.machine.array_weight_load = load;
    return verify(program, program.machine);
  };
  EXPECT_THAT(with_tiles(7, WeightLoad::kThrough), testing::IsEmpty());
  EXPECT_THAT(with_tiles(8, WeightLoad::kThrough),
              testing::ElementsAre(is(FindingKind::kTilesAhead, "is 8 tiles ahead")));
  EXPECT_THAT(with_tiles(6, WeightLoad::kSingle), testing::IsEmpty());
  EXPECT_THAT(with_tiles(7, WeightLoad::kSingle),
              testing::ElementsAre(is(FindingKind::kTilesAhead, "is 7 tiles ahead")));
}

TEST(Verify, Structure) {
  const auto finds = [](const std::vector<std::string>& lines, const std::string& what) {
    EXPECT_THAT(findings_of(lines), testing::Contains(is(FindingKind::kStructure, what)));
  };
  finds({}, "does not end");
  finds({"nop"}, "does not end");
  const Finding of_all = findings_of({"nop"}).front();  // of no instruction
  EXPECT_EQ(of_all.first, -1);
  EXPECT_EQ(of_all.second, -1);
  finds({"halt", "nop", "halt"}, "instruction 1 at " + line_of(1) + " (halt) is not the last");
  finds({"repeat count=2, length=2", "halt"}, "leaves the program; expected at most 1");
  finds({"repeat count=0, length=1", "nop", "halt"}, "repeats nothing");
  finds({"repeat count=2, length=2", "repeat count=2, length=1", "nop", "halt"}, "no nesting");
  finds({"step ub=1", "halt"}, "outside a repeat body");
  finds({"repeat count=2, length=1", "step ub=1", "halt"}, "steps nothing");
  finds({"repeat count=2, length=1", "halt"}, "stands in a repeat body");
  finds({"tag layer=1", "halt"}, "names no layer");
  finds({"interrupt stage=0", "halt"}, "runs by itself");
  EXPECT_SOUND(
      {"repeat count=3, length=2", "nop", "nop", "tag layer=0", "interrupt stage=1", "halt"});
}

TEST(Verify, StagesAreRun) {
  Program program = program_of({"halt"});
  program.tensors = {{"x", DType::kFloat32, {1}, Role::kInput, 0}};
  program.host_steps = {{2, HostOp::kRelu, "r", {0}, {0}, {}, {}, 0}};
  EXPECT_THAT(
      verify(program, program.machine),
      testing::ElementsAre(is(FindingKind::kStructure, "stage 2, which no interrupt runs")));
}

TEST(Verify, Requirements) {
  const Program program = program_of(kLayer);
  Machine machine = program.machine;
  machine.dram_latency = 500;
  machine.dram_bytes_per_second *= 2;
  machine.weight_fifo_tiles = 1;
  EXPECT_THAT(verify(program, machine), testing::IsEmpty());
  machine.array_rows = 16;
  EXPECT_THAT(verify(program, machine),
              testing::ElementsAre(is(FindingKind::kRequirement, "array.rows = 16; expected 8")));
  machine = program.machine;
  machine.accumulators_rows = 3;
  EXPECT_THAT(verify(program, machine),
              testing::Contains(is(FindingKind::kRange, "within [0, 3)")));
  machine = program.machine;
  machine.dram_kind = DramKind::kBanked;
  EXPECT_THAT(verify(program, machine), testing::IsEmpty());
}

// A body whose third repetition leaves the accumulators, and one whose matmul races with the read
// that the former repetition ends with.
TEST(Verify, RepeatsAreExpanded) {
  const auto body = [](int count, const std::string& wait) {
    return std::vector<std::string>{
        kLayer[0],
        kLayer[2],
        "sync unit=matrix, wait_for=dma_in, distance=0, why=raw",
        "matmul ub=0, acc=12, rows=4, k=8, n=8, switch_tile=1, precision=int8",
        fmt::format("repeat count={}, length=5", count),
        wait,
        "step acc=-6",
        "matmul ub=0, acc=12, rows=4, k=8, n=8, precision=int8",
        "sync unit=dma_in, wait_for=matrix, distance=0, why=war",
        kLayer[0],
        "halt"};
  };
  const std::string wait = "sync unit=matrix, wait_for=dma_in, distance=0, why=raw";
  EXPECT_SOUND(body(3, wait));
  EXPECT_THAT(findings_of(body(4, wait)),
              testing::ElementsAre(is(FindingKind::kRange, "acc = -6; expected 0 to")));
  EXPECT_THAT(findings_of(body(3, "nop")),
              testing::Contains(is(FindingKind::kRace, "without waiting for the write")));
  EXPECT_SOUND(body(1, "nop"));
}

TEST(Verify, StopsAtTheLimit) {
  const Program program = program_of(std::vector<std::string>(50, "tag layer=9"));
  EXPECT_EQ(verify(program, program.machine, 7).size(), 7U);
}

// 330,000 executed instructions with all their waits: well under the seconds a user would notice.
TEST(Verify, IsFast) {
  const std::vector<std::string> lines = {
      kLayer[1],
      "repeat count=30000, length=11",
      "sync unit=dma_in, wait_for=matrix, distance=0, why=war",
      kLayer[0],
      kLayer[2],
      "sync unit=matrix, wait_for=dma_in, distance=0, why=raw",
      "sync unit=matrix, wait_for=activation, distance=0, why=war",
      kLayer[4],
      "sync unit=activation, wait_for=matrix, distance=0, why=raw",
      "sync unit=activation, wait_for=dma_out, distance=0, why=war",
      kLayer[7],
      "sync unit=dma_out, wait_for=activation, distance=0, why=raw",
      kLayer[9],
      "halt"};
  const Program program = program_of(lines);
  const auto start = std::chrono::steady_clock::now();
  for (const Finding& finding : verify(program, program.machine)) ADD_FAILURE() << finding.text;
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace systole::isa
