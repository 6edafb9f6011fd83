// Names of machines: what was changed is in them, however it was changed, and a name never lies.
#include "isa/machine_name.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include "base/diag.h"
#include "base/files.h"
#include "isa/program.h"
#include "tests/support/scratch.h"

namespace systole::isa {
namespace {

using testing::HasSubstr;
using testing_support::ScratchFolder;

constexpr const char* kFaster = "tpu_v1 + dram.bytes_per_second=2x";

Machine with(Machine machine, const std::vector<std::string>& assignments) {
  for (const std::string& text : assignments) set_parameter(machine, text);
  return machine;
}

Machine file(const std::string& text, const std::string& name = "mine.toml") {
  const ScratchFolder folder;
  write_file(folder.file(name), text);
  return load_machine(folder.file(name));
}

TEST(MachineName, SaysWhatWasSet) {
  const Machine v1 = load_machine("tpu_v1");
  EXPECT_EQ(with(v1, {"dram.bytes_per_second=2x"}).name, kFaster);
  EXPECT_EQ(with(v1, {"array.rows=128"}).name, "tpu_v1 + array.rows=128");
  EXPECT_EQ(with(v1, {"array.rows=2x"}).name, "tpu_v1 + array.rows=512");
  EXPECT_EQ(with(v1, {"link.in_bytes_per_second=0.5x", "array.weight_load=chain"}).name,
            "tpu_v1 + array.weight_load=chain + link.in_bytes_per_second=0.5x");
  EXPECT_EQ(with(v1, {"clock.hertz=700000001"}).name, "tpu_v1 + clock.hertz=700000001");
  for (const char* set : {"clock.hertz=1.4GHz", "clock.hertz=1400MHz", "clock.hertz=2x"}) {
    EXPECT_EQ(with(v1, {set}).name, "tpu_v1 + clock.hertz=1.4GHz");
    EXPECT_EQ(load_machine(with(v1, {set}).name), with(v1, {set}));
  }
  EXPECT_EQ(with(v1, {"clock.hertz=87.5MHz"}).name, "tpu_v1 + clock.hertz=87.5MHz");
}

TEST(MachineName, FollowsFromValuesHoweverTheyWereSet) {
  const Machine v1 = load_machine("tpu_v1");
  const Machine twice = with(v1, {"dram.bytes_per_second=2x"});
  for (const Machine& same :
       {with(v1, {"dram.bytes_per_second=68256000000"}),
        with(v1, {"array.rows=8", "dram.bytes_per_second=4x", "array.rows=256",
                  "dram.bytes_per_second=0.5x"}),
        load_machine(kFaster), file("name = \"tpu_v1\"\n[dram]\nbytes_per_second = 68256000000\n"),
        machine_from_toml("[dram]\nbytes_per_second = 68256000000\n", "p.asm")}) {
    EXPECT_EQ(same, twice);
    EXPECT_EQ(same.name, kFaster);
  }
  EXPECT_EQ(with(twice, {"dram.bytes_per_second=0.5x"}).name, "tpu_v1");
}

TEST(MachineName, ComesFromTheFilesNameWhereItHasNone) {
  EXPECT_EQ(file("[array]\nrows = 128\n", "small.toml").name, "small");
  EXPECT_EQ(file("[array]\nrows = 128\n", "tpu_v1.toml").name, "tpu_v1 + array.rows=128");
  EXPECT_EQ(file("name = \"own\"\n[array]\nrows = 128\n").name, "own");
}

TEST(MachineName, SaysWhichPresetAFileChanges) {
  const std::string change = "[dram]\nbytes_per_second = 68256000000\n";
  const Machine fast = file("base = \"tpu_v1\"\n" + change, "fast.toml");
  EXPECT_EQ(fast.name, std::string("fast (") + kFaster + ")");
  EXPECT_EQ(fast, load_machine(kFaster));
  EXPECT_EQ(file("base = \"tiny_8\"\nname = \"own\"\n[array]\nrows = 16\n").name,
            "own (tiny_8 + array.rows=16)");
  EXPECT_EQ(file("base = \"tiny_8\"\n").name, "mine (tiny_8)");
  EXPECT_EQ(file("base = \"tiny_8\"\n").text, load_machine("tiny_8").text);
  EXPECT_EQ(with(fast, {"array.rows=128"}).name, fast.name + " + array.rows=128");
  EXPECT_THAT([] { (void)file("text = \"t\"\nbase = \"tpu_v9\"\n"); },
              testing::ThrowsMessage<InputError>(testing::AllOf(
                  HasSubstr("mine.toml:2: base = \"tpu_v9\"; did you mean"), HasSubstr("tiny_8"))));
}

// Programs and their text carry names; values that somebody edited since are not hidden by them.
TEST(MachineName, IsTrueOfWhatWasWrittenAndEdited) {
  const Machine base = file("base = \"tpu_v1\"\n[array]\nrows = 128\n");
  for (const Machine& machine :
       {load_machine("tpu_v1"), load_machine(kFaster), base, with(base, {"dram.latency=9"}),
        with(file("[array]\nrows = 128\n"), {"dram.latency=9"})}) {
    std::string toml = to_toml(machine);
    const Machine copy = machine_from_toml(toml, "copy");
    EXPECT_EQ(copy, machine);
    EXPECT_EQ(copy.name, machine.name);
    EXPECT_EQ(to_toml(copy), toml);
    Program program;
    program.machine = machine;
    program.layers.push_back({"(none)", "", 0, 0});
    EXPECT_EQ(assemble(disassemble(program), "p.asm").machine.name, machine.name);
  }
  std::string toml = to_toml(load_machine(kFaster));
  toml.replace(toml.find("68256000000"), 11, "34128000000");
  EXPECT_EQ(machine_from_toml(toml, "edited").name, "tpu_v1");
  toml = to_toml(base);
  toml.replace(toml.find("rows = 128"), 10, "rows = 64 ");
  EXPECT_EQ(machine_from_toml(toml, "edited").name, "mine (tpu_v1 + array.rows=64)");
}

TEST(MachineName, IsShortAndStillItsOwn) {
  const std::vector<std::string> many = {"array.rows=64", "array.columns=64", "vector.depth=5",
                                         "activation.depth=5", "weight_fifo.tiles=2"};
  const Machine v1 = load_machine("tpu_v1");
  const Machine some = with(v1, many), other = with(some, {"weight_fifo.tiles=3"});
  EXPECT_THAT(some.name, testing::MatchesRegex("tpu_v1 \\+ array.rows=64 \\+ array.columns=64 \\+ "
                                               "weight_fifo.tiles=2 \\+ 2 more \\[[0-9a-f]+\\]"));
  EXPECT_EQ(with(v1, {"array.rows=64", "array.columns=64", "vector.depth=5"}).name,
            "tpu_v1 + array.rows=64 + array.columns=64 + vector.depth=5");
  const Machine third = with(some, {"vector.depth=6"});  // a change that the name does not show
  EXPECT_NE(some.name, third.name);
  EXPECT_NE(some.name, other.name);
  const std::string longest(5'000, 'n');
  EXPECT_LE(file("name = \"" + longest + "\"\n").name.size(), 120U);
  EXPECT_LE(with(file("name = \"" + longest + "\"\n"), many).name.size(), 300U);
  EXPECT_EQ(bounded_name(std::string(116, 'n') + "\u00e9\u00e9\u00e9"),
            std::string(116, 'n') + "...");
}

TEST(MachineName, IsClean) {
  const Machine machine = file("name = \"a\\u001b[2J\\u202eb\"\ntext = \"c\\nd\\u009b\"\n");
  EXPECT_EQ(machine.name, "a [2J?b");
  EXPECT_EQ(machine.text, "c d?");
  EXPECT_EQ(file(to_toml(machine)).name, machine.name);
  EXPECT_EQ(file(to_toml(machine)).text, machine.text);
  EXPECT_EQ(machine_from_toml("", "x.toml", "\xff\xe2\x80\xae").name, "??");
}

TEST(MachineName, IsReadWithItsChanges) {
  EXPECT_EQ(load_machine("tpu_v1 + array.rows=128 + dram.latency=2x").dram_latency, 118);
  EXPECT_THROW((void)load_machine("tpu_v9 + array.rows=128"), InputError);
  EXPECT_THROW((void)load_machine("tpu_v1 + array.row=128"), InputError);
  EXPECT_THROW((void)load_machine("tpu_v1 + dram.bytes=1024"), InputError);  // holds no tile
}

TEST(MachineName, TellsAScaleSimFilesChanges) {
  const std::string config =
      "[general]\nrun_name = small\n[architecture_presets]\nArrayHeight = 32\nArrayWidth = 32\n"
      "IfmapSramSzkB = 64\nFilterSramSzkB = 64\nOfmapSramSzkB = 64\nDataflow = ws\n";
  EXPECT_EQ(file(config, "x.cfg").name, "small");
  std::string unnamed = config;
  unnamed.replace(unnamed.find("run_name = small"), 16, "run_name =");
  EXPECT_EQ(file(unnamed, "x.cfg").name, "x");
  std::string claims = config;
  claims.replace(claims.find("small"), 5, "tpu_v1");
  EXPECT_THAT(file(claims, "x.cfg").name,
              HasSubstr("tpu_v1 + clock.hertz=1GHz + array.rows=32 + "));
}

}  // namespace
}  // namespace systole::isa
