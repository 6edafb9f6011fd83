// Verifier: what bf16 passes, their tiles and float elements may say.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include "isa/program.h"
#include "isa/verify.h"

namespace systole::isa {
namespace {

// A bf16 layer on an 8 x 8 machine; the program after some lines are replaced.
std::vector<Finding> findings(const std::map<std::size_t, std::string>& replaced,
                              const std::string& operands = "both") {
  std::vector<std::string> lines = {
      "read_host host=0, stride=16, ub=0, rows=4, bytes=16",
      "read_params host=512, param=0, rows=1",
      "read_weights dram=0, k=8, n=8, zero=0, weights=bf16",
      "sync unit=matrix, wait_for=dma_in, distance=1, why=raw",
      "matmul ub=0, acc=0, rows=4, k=8, n=8, switch_tile=1, precision=bf16",
      "sync unit=activation, wait_for=matrix, distance=0, why=raw",
      "sync unit=activation, wait_for=dma_in, distance=0, why=raw",
      "activate acc=0, ub=8, rows=4, n=8, function=relu, type=bf16, lo=-65536, hi=65535, "
      "use_bias=1, bias=0, scale=0",
      "sync unit=vector, wait_for=activation, distance=0, why=raw",
      "vector op=convert, a=8, a_type=bf16, b=0, b_type=u8, to=16, to_type=f32, rows=4, n=4",
      "halt"};
  for (const auto& [at, line] : replaced) lines[at] = line;
  std::string text =
      ".machine array.rows = 8\n.machine array.columns = 8\n.machine unified_buffer.bytes = 1024\n"
      ".machine unified_buffer.row_bytes = 16\n.machine accumulators.rows = 16\n"
      ".machine parameters.rows = 8\n.has_values 0\n.weight_bytes 128\n.host_bytes 4096\n"
      ".machine array.operands = \"" +
      operands + "\"\n";
  for (const std::string& line : lines) text += line + "\n";
  const Program program = assemble(text, "test");
  return verify(program, program.machine);
}

void finds(const std::map<std::size_t, std::string>& replaced, const std::string& what,
           const std::string& operands = "both") {
  const std::vector<Finding> found = findings(replaced, operands);
  ASSERT_FALSE(found.empty()) << what;
  EXPECT_THAT(found[0].text, testing::HasSubstr(what));
}

TEST(VerifyFloats, ABf16LayerIsSound) {
  for (const char* operands : {"both", "bf16"}) {
    for (const Finding& f : findings({}, operands)) ADD_FAILURE() << f.text;
  }
}

TEST(VerifyFloats, TheMachineMultipliesThem) {
  finds({}, "reads weights of type bf16; expected what array.operands says", "integers");
  finds({{2, "read_weights dram=0, k=8, n=8, zero=0"}}, "reads weights of type byte", "bf16");
  finds({{4, "matmul ub=0, acc=0, rows=4, k=8, n=8, switch_tile=1, precision=int8"}},
        "has precision int8; expected one of array.operands", "bf16");
}

TEST(VerifyFloats, ATileIsOfItsPassesType) {
  finds({{2, "read_weights dram=0, k=8, n=8, zero=0"}},
        "multiplies by byte weights of the tile of");
  finds({{4, "matmul ub=0, acc=0, rows=4, k=8, n=8, switch_tile=1, precision=int8"}},
        "multiplies by bf16 weights of the tile of");
  // 8 x 8 weights of two bytes are all the memory there is.
  finds({{2, "read_weights dram=1, k=8, n=8, zero=0, weights=bf16"}}, "[1, 129)");
}

TEST(VerifyFloats, HaveNoZeroPointsAndTables) {
  finds({{2, "read_weights dram=0, k=8, n=8, use_zero=1, zero=0, weights=bf16"}}, "use_zero = 1");
  finds({{4, "matmul ub=0, acc=0, rows=4, k=8, n=8, switch_tile=1, zero_point=1, precision=bf16"}},
        "zero_point = 1; expected 0");
  const std::string activate = "activate acc=0, ub=8, rows=4, n=8, bias=0, scale=0, type=bf16, ";
  finds({{7, activate + "function=identity, lo=0, hi=1, zero_point=1"}}, "zero_point = 1");
  finds({{7, activate + "function=identity, lo=2, hi=1"}}, "hi = 1; expected 2 to 65535");
  finds({{7, activate + "function=table, lo=0, hi=1"}}, "looks up bf16");
  finds({{9, "vector op=lookup, a=8, a_type=f32, b=0, b_type=u8, to=16, to_type=u8, rows=4, n=4"}},
        "looks up f32");
}

}  // namespace
}  // namespace systole::isa
