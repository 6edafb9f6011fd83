// Assembler and disassembler: one good and several bad forms of every instruction, program text.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include "base/diag.h"
#include "isa/base64.h"
#include "isa/program.h"
#include "tests/isa/random_insn.h"

namespace systole::isa {
namespace {

using testing::HasSubstr;

std::string line_error(const std::string& line) {
  try {
    (void)assemble_line(line, "p.asm:7");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error: " + line;
}

std::string text_error(const std::string& text) {
  try {
    (void)assemble(text, "p.asm");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Assembler, OneLineEach) {
  EXPECT_EQ(assemble_line("halt", "t"), Insn(Halt{}));
  EXPECT_EQ(assemble_line("  tag layer=3  # the third", "t"), Insn(Tag{3}));
  EXPECT_EQ(assemble_line("sync wait_for=matrix,unit = activation, why=war , distance=2", "t"),
            Insn(Sync{5, 4, 2, why::kWar}));
  EXPECT_EQ(
      assemble_line("matmul ub=1, acc=2, rows=3, k=4, n=5, switch_tile=1, precision=int8", "t"),
      Insn(Matmul{.ub = 1, .acc = 2, .rows = 3, .k = 4, .n = 5, .switch_tile = 1}));
  EXPECT_EQ(assemble_line("step acc=-8", "t"), Insn(StepBy{.acc = -8}));
}

TEST(Disassembler, LeavesOutOnlyOptionalZeros) {
  EXPECT_EQ(disassemble(Matmul{.rows = 3}), "matmul ub=0, acc=0, rows=3, k=0, n=0, precision=int8");
  EXPECT_EQ(disassemble(Sync{5, 4, 0, why::kRaw}),
            "sync unit=activation, wait_for=matrix, distance=0, why=raw");
  EXPECT_EQ(disassemble(StepBy{}), "step");
}

// What names could do to a terminal is escaped, and they come back as they were.
TEST(Disassembler, EscapesWhatNamesMayDo) {
  Program program;
  program.machine = load_machine("tiny_8");
  program.layers.push_back({"(none)", "", 0, 0});
  program.model =
      "a\"\\\x1b[0m\n\u202e\u009b\U000e0001"
      "\xff\xc3"
      "b\u00e9";
  const std::string text = disassemble(program);
  EXPECT_THAT(text, HasSubstr(R"(.model "a\"\\\u001B[0m\u000A\u202E\u009B\U000E0001\xFF\xC3bé")"
                              "\n"));
  EXPECT_EQ(assemble(text, "p.asm").model, program.model);
  EXPECT_EQ(assemble(R"(.model "\u00E9\U0001F98A\x41")", "p.asm").model, "\u00e9\U0001f98aA");
  for (const char* wrong : {R"("\u12")", R"("\xF")", R"("\x")", R"("\U0001F98")", R"("\u+123")",
                            R"("\uD800")", R"("\UFFFFFFFF")", R"("\)"}) {
    EXPECT_THAT(text_error(std::string(".model ") + wrong + "\n"), HasSubstr("unknown escape"))
        << wrong;
  }
}

// Every instruction of the table: a misspelt name, an unknown operand, an operand given twice, one
// left out, one that is no value.
TEST(Assembler, BadFormsOfEveryInstruction) {
  std::mt19937_64 random(3);
  for (std::size_t which = 0; which < std::variant_size_v<Insn>; ++which) {
    const Insn insn = random_insn_of(which, random);
    const std::string good = disassemble(insn);
    ASSERT_EQ(assemble_line(good, "t"), insn);
    const std::string name(mnemonic(insn));
    EXPECT_THAT(line_error("x" + good), HasSubstr("unknown instruction 'x" + name +
                                                  "'; expected a "
                                                  "known one, such as '" +
                                                  name + "'"));
    EXPECT_THAT(line_error(good + (good == name ? " zz=1" : ", zz=1")),
                HasSubstr("unknown operand 'zz'"));
    EXPECT_THAT(line_error(good + " 5"), HasSubstr("p.asm:7:"));
    const auto equals = good.find('=');
    if (equals == std::string::npos) continue;
    const auto comma = std::min(good.find(','), good.size());
    const std::string first = good.substr(name.size() + 1, comma - name.size() - 1);
    EXPECT_THAT(line_error(good + ", " + first), HasSubstr("is given twice"));
    EXPECT_THAT(line_error(good.substr(0, equals + 1) + "?"), HasSubstr("expected"));
    EXPECT_THAT(line_error(good.substr(0, equals) + "=99999999999999999999"),
                HasSubstr("expected"));
  }
}

TEST(Assembler, NamesTheMissingOperandAndTheRange) {
  EXPECT_THAT(line_error("tag"), HasSubstr("p.asm:7:1: tag: operand 'layer' is missing"));
  EXPECT_THAT(line_error("tag layer=65536"), HasSubstr("tag: layer=65536; expected 0 to 65535"));
  EXPECT_THAT(line_error("tag layr=1"), HasSubstr("operand 'layer' is missing"));
  EXPECT_THAT(line_error("sync unit=matrx, wait_for=matrix, distance=0, why=raw"),
              HasSubstr("one of sequencer, dma_in"));
  EXPECT_THAT(line_error("step ubb=1"), HasSubstr("unknown operand 'ubb'; expected 'ub'"));
}

TEST(Assembler, ProgramErrorsNameFileAndLine) {
  EXPECT_THAT(text_error("nop\n\nhlat\n"), HasSubstr("p.asm:3:1: unknown instruction 'hlat'"));
  EXPECT_THAT(text_error(".modle \"x\"\n"), HasSubstr("p.asm:1:1: unknown directive '.modle'; "
                                                      "expected a known one, such as '.model'"));
  EXPECT_THAT(text_error(".batch 8\n.batch 3\n"),
              HasSubstr("p.asm:2:1: .batch is given twice; expected one"));
  EXPECT_THAT(text_error(".model x\n"), HasSubstr("p.asm:1:8: found 'x'; expected '\"'"));
  EXPECT_THAT(text_error("\n.model \"x\n"), HasSubstr("p.asm:2:8: a quoted text without its end"));
  EXPECT_THAT(text_error(".model \"\\q\"\n"), HasSubstr("unknown escape"));
  EXPECT_THAT(text_error("# c\n.machine array.row = 8\n"), HasSubstr("p.asm:2: unknown parameter"));
  EXPECT_THAT(text_error(".weights ?\n"), HasSubstr("p.asm:1:10: bytes that are no base64"));
  EXPECT_THAT(text_error(".batch 0\n"), HasSubstr("p.asm: batch is 0"));
  EXPECT_THAT(text_error(".batch 1 2\n"), HasSubstr("p.asm:1:10: found '2'"));
  EXPECT_THAT(text_error(".tensor \"x\" type=int9 shape=[1] role=input address=0\n"),
              HasSubstr("p.asm:1:18: element type 'int9'"));
  EXPECT_THAT(text_error(".tensor \"x\" type=int8 shape=[1,] role=input address=0\n"),
              HasSubstr("p.asm:1:32: dimension ''"));
  EXPECT_THAT(text_error(".host \"x\" op=nothing\n"), HasSubstr("one of quantise"));
}

// Any text gives a program or an InputError.
TEST(Assembler, FuzzedTextIsRefusedOrRead) {
  const std::string good = disassemble(random_program(5, 20));
  std::mt19937_64 random(11);
  for (int i = 0; i < 5'000; ++i) {
    std::string text = good;
    for (int n = 0; n < 2; ++n) text[random() % text.size()] = static_cast<char>(random() % 256);
    if (random() % 4 == 0) text.resize(random() % text.size());
    try {
      const Program program = assemble(text, "p.asm");
      EXPECT_EQ(assemble(disassemble(program), "again"), program);
    } catch (const InputError&) {
      continue;
    }
  }
}

TEST(Base64, KnownAnswersOfRfc4648) {
  const std::string text = "foobar";
  const char* const expected[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  for (std::size_t n = 0; n <= text.size(); ++n) {
    const std::vector<std::uint8_t> bytes(text.begin(),
                                          text.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_EQ(base64(bytes), expected[n]);
    std::vector<std::uint8_t> back;
    EXPECT_TRUE(append_base64(expected[n], back));
    EXPECT_EQ(back, bytes);
  }
  std::vector<std::uint8_t> out;
  for (const char* bad : {"Zg=", "Z===", "====", "Zg==Zg==", "Zm9?"}) {
    EXPECT_FALSE(append_base64(bad, out)) << bad;
  }
}

}  // namespace
}  // namespace systole::isa
