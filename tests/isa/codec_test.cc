// Codec and law 4 (decode(encode(x)) = x, assemble(disassemble(x)) = x) on random instructions and
// programs from the tables.
#include <gtest/gtest.h>

#include "base/diag.h"
#include "isa/program.h"
#include "tests/isa/random_insn.h"

namespace systole::isa {
namespace {

std::vector<std::uint8_t> encoded(const Insn& insn) {
  std::vector<std::uint8_t> bytes;
  encode(insn, bytes);
  return bytes;
}

TEST(Codec, LawFourOnRandomInstructions) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 100'000; ++i) {
    const Insn insn = random_insn(random);
    const std::vector<std::uint8_t> bytes = encoded(insn);
    ASSERT_EQ(std::ssize(bytes), encoded_bytes(insn));
    std::size_t offset = 0;
    ASSERT_EQ(decode(bytes, offset, "test"), insn) << disassemble(insn);
    ASSERT_EQ(offset, bytes.size());
    ASSERT_EQ(assemble_line(disassemble(insn), "test"), insn) << disassemble(insn);
  }
}

TEST(Codec, LawFourOnTenThousandRandomPrograms) {
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    const Program program = random_program(seed, seed % 13);
    ASSERT_EQ(load_program(save_program(program), "test"), program) << "seed " << seed;
    if (seed % 10 != 0) continue;  // the text form is slower
    const std::string text = disassemble(program);
    ASSERT_EQ(assemble(text, "test"), program) << "seed " << seed << "\n" << text;
  }
}

TEST(Codec, LayoutIsOpcodeThenOperandsFromTheLowestBit) {
  EXPECT_EQ(encoded(Halt{}), (std::vector<std::uint8_t>{0x01}));
  EXPECT_EQ(encoded(Tag{0x1234}), (std::vector<std::uint8_t>{0x02, 0x34, 0x12}));
  // unit 4 bits, wait_for 4, distance 24, why 2
  EXPECT_EQ(encoded(Sync{4, 1, 0x030201, why::kWar}),
            (std::vector<std::uint8_t>{0x08, 0x14, 0x01, 0x02, 0x03, 0x01}));
  EXPECT_EQ(encoded(StepBy{-1, 0, 0, 0, 0})[1], 0xff);
}

TEST(Codec, RefusesWhatIsNoInstruction) {
  std::size_t offset = 0;
  const std::vector<std::uint8_t> unknown = {0xee};
  EXPECT_THROW((void)decode(unknown, offset, "f"), InputError);
  std::vector<std::uint8_t> sync = encoded(Sync{4, 1, 2, 1});
  EXPECT_THROW((void)decode(std::span(sync).first(3), offset, "f"), InputError);
  EXPECT_THROW((void)decode(std::span(sync).first(0), offset, "f"), InputError);
  sync.back() |= 0x80;  // padding
  EXPECT_THROW((void)decode(sync, offset, "f"), InputError);
  std::vector<std::uint8_t> unit = encoded(Sync{4, 1, 2, 1});
  unit[1] = 0x1f;  // unit 15
  EXPECT_THROW((void)decode(unit, offset, "f"), InputError);
  EXPECT_EQ(offset, 0U);
}

TEST(Codec, EncodeNamesTheOperandThatDoesNotFit) {
  std::vector<std::uint8_t> bytes;
  try {
    encode(Matmul{.ub = std::int64_t{1} << 24}, bytes);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_EQ(std::string(error.what()),
              "encoding: matmul: operand ub = 16777216; expected 0 to 16777215");
  }
}

// The ends of each kind's range survive, and one beyond is refused.
TEST(Codec, RangeEndsOfSignedOperands) {
  for (const std::int64_t value : {-65'536, 65'535}) {
    const Insn insn = Matmul{.zero_point = value};
    std::size_t offset = 0;
    EXPECT_EQ(decode(encoded(insn), offset, "test"), insn);
  }
  EXPECT_THROW((void)encoded(Matmul{.zero_point = 65'536}), InputError);
  EXPECT_THROW((void)encoded(Matmul{.zero_point = -65'537}), InputError);
}

}  // namespace
}  // namespace systole::isa
