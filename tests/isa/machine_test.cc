// Machine files: presets, errors by line, relative settings, round trip.
#include "isa/machine.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <map>

#include "base/diag.h"
#include "base/files.h"
#include "tests/support/scratch.h"

namespace systole::isa {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::string error_of(const std::string& toml) {
  try {
    (void)machine_from_toml(toml, "m.toml");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Machine, EveryPresetLoadsUnderItsOwnName) {
  const std::vector<std::string> names = machine_names();
  EXPECT_THAT(names, testing::IsSupersetOf({"tpu_v1", "tpu_v1_prime", "tiny_8", "edge_64"}));
  for (const std::string& name : names) {
    const Machine machine = load_machine(name);
    EXPECT_EQ(machine.name, name);
    EXPECT_FALSE(machine.text.empty()) << name;
    const Machine copy = machine_from_toml(to_toml(machine), "copy");
    EXPECT_EQ(copy, machine) << name;
    EXPECT_EQ(copy.name, name);
    EXPECT_EQ(copy.text, machine.text);
  }
}

TEST(Machine, TpuV1IsWhatTheDefaultsSay) {
  const Machine expected;
  EXPECT_EQ(load_machine("tpu_v1"), expected);
  EXPECT_EQ(expected.peak_macs_per_second(), 256.0 * 256 * 700e6);
  EXPECT_EQ(expected.ub_rows(), 24 * 1024 * 1024 / 256);
  EXPECT_EQ(expected.dram_bytes_per_second, 2 * 8 * std::int64_t{2'133'000'000});
}

// Published TFLOP/s of a chip, of which v2 to v4 are one core of two.
TEST(Machine, LaterTpusReachTheirPublishedPeaks) {
  for (const auto& [name, tflops] : std::map<std::string, double>{{"tpu_v2", 46.0 / 2},
                                                                  {"tpu_v3", 123.0 / 2},
                                                                  {"tpu_v4i", 138.0},
                                                                  {"tpu_v4", 275.0 / 2},
                                                                  {"tpu_v5e", 197.0},
                                                                  {"tpu_v6e", 918.0}}) {
    const Machine machine = load_machine(name);
    EXPECT_NEAR(2.0 * machine.peak_macs_per_second() / 1e12, tflops, 0.005 * tflops) << name;
    EXPECT_TRUE(machine.memory_is_writable()) << name;
  }
}

TEST(Machine, PrimeDiffersOnlyInWeightMemory) {
  Machine prime = load_machine("tpu_v1_prime");
  const Machine v1 = load_machine("tpu_v1");
  EXPECT_GT(prime.dram_bytes_per_second, v1.dram_bytes_per_second);
  prime.dram_bytes_per_second = v1.dram_bytes_per_second;
  prime.dram_latency = v1.dram_latency;
  prime.dram_channels = v1.dram_channels;
  prime.dram_banks = v1.dram_banks;
  prime.dram_row_bytes = v1.dram_row_bytes;
  prime.dram_burst_bytes = v1.dram_burst_bytes;
  prime.dram_trcd = v1.dram_trcd;
  prime.dram_trp = v1.dram_trp;
  prime.dram_tras = v1.dram_tras;
  prime.dram_trfc = v1.dram_trfc;
  prime.dram_trefi = v1.dram_trefi;
  EXPECT_EQ(prime, v1);
}

TEST(Machine, ErrorsNameFileLineAndWhatIsRight) {
  EXPECT_THAT(error_of("[array]\nrow = 8\n"),
              HasSubstr("m.toml:2: unknown parameter 'array.row'; expected a known one, such as "
                        "'array.rows'"));
  EXPECT_THAT(error_of("[array]\n\nrows = 1\n"), HasSubstr("m.toml:3: array.rows = 1"));
  EXPECT_THAT(error_of("[array]\nrows = \"8 columns\"\n"),
              HasSubstr("m.toml:2: array.rows = \"8 columns\"; expected 2 to"));
  EXPECT_THAT(error_of("[array]\nrows = 8.5\n"), HasSubstr("m.toml:2: array.rows is not an int"));
  EXPECT_THAT(error_of("[array]\nweight_load = \"fast\"\n"), HasSubstr("through, chain, single"));
  EXPECT_THAT(error_of("clock = 5\n"), HasSubstr("m.toml:1: unknown parameter 'clock'"));
  EXPECT_THAT(error_of("name = 5\n"), HasSubstr("m.toml:1: name is not text"));
  EXPECT_THAT(error_of("[array\n"), HasSubstr("m.toml:1:"));
  EXPECT_THAT(error_of("[unified_buffer]\nbytes = 1024\nrow_bytes = 2000\n"), HasSubstr("no row"));
}

TEST(Machine, FilesTakeQuantitiesInQuotesAndNoFactors) {
  EXPECT_EQ(
      error_of("[array]\nrows = 8\n[clock]\nhertz = 1.5GHz # fast\n"),
      "m.toml:4: 1.5GHz is no TOML value; expected \"1.5GHz\": a value with its unit stands in "
      "quotes");
  EXPECT_THAT(error_of("clock.hertz = 700 MHz\n"), HasSubstr("expected \"700 MHz\":"));
  EXPECT_THAT(error_of("[clock]\nhertz = fast\n"),
              EndsWith("fast is no TOML value; expected \"fast\": text stands in quotes"));
  EXPECT_THAT(error_of("base = tiny_8\n"), EndsWith("\"tiny_8\": text stands in quotes"));
  EXPECT_THAT(error_of("[clock]\nhertz = [\n"), EndsWith("; expected a TOML file"));
  EXPECT_THAT(error_of("[clock]\nhertz = \"2x\"\n"),
              AllOf(HasSubstr("m.toml:2: clock.hertz = \"2x\"; expected 1000000 to"),
                    EndsWith("Hz; a factor such as 2x is for --set")));
}

TEST(Machine, ABaseGetsTheNearestPreset) {
  EXPECT_THAT(error_of("base = \"tpuv1\"\n"),
              HasSubstr("m.toml:1: base = \"tpuv1\"; did you mean 'tpu_v1'?; expected one of"));
  EXPECT_THAT(error_of("[array]\nweight_load = \"thru\"\n"), HasSubstr("did you mean 'through'?"));
}

TEST(Machine, AFileThatSaysNothingIsNone) {
  const testing_support::ScratchFolder folder;
  for (const char* text : {"", "\n\n", "# tpu_v1\n  # as it is\n"}) {
    write_file(folder.file("m.toml"), std::string(text));
    EXPECT_THAT([&] { (void)load_machine(folder.file("m.toml")); },
                ThrowsMessage<InputError>(
                    HasSubstr("m.toml: says nothing; expected name, base or parameters")));
  }
}

TEST(Machine, TextOfAChangedMachineSaysFromWhat) {
  const Machine v1 = load_machine("tpu_v1");
  EXPECT_EQ(machine_from_toml("base = \"tpu_v1\"\n", "m.toml").text, v1.text);
  const char* changed = "base = \"tpu_v1\"\n[array]\nrows = 128\n";
  EXPECT_EQ(machine_from_toml(changed, "m.toml").text, "changed from tpu_v1");
  EXPECT_EQ(machine_from_toml("text = \"mine\"\n" + std::string(changed), "m.toml").text, "mine");
  Machine set = v1;
  set_parameter(set, "array.rows=128");
  EXPECT_EQ(set.text, "changed from tpu_v1");
  EXPECT_EQ(machine_from_toml(to_toml(set), "m.toml").text, "changed from tpu_v1");
  set_parameter(set, "array.rows=256");
  EXPECT_EQ(set.text, v1.text);
}

TEST(Machine, FilesTakeUnits) {
  const Machine machine = machine_from_toml(
      "[clock]\nhertz = \"1.5GHz\"\n[unified_buffer]\nbytes = \"24MiB\"\n"
      "[dram]\nbytes_per_second = 3e11\n",
      "m.toml");
  EXPECT_EQ(machine.clock_hertz, 1'500'000'000);
  EXPECT_EQ(machine.unified_buffer_bytes, 25'165'824);
  EXPECT_EQ(machine.dram_bytes_per_second, 300'000'000'000);
}

TEST(Machine, SetTakesUnits) {
  Machine machine;
  set_parameter(machine, "clock.hertz=1.5GHz");
  EXPECT_EQ(machine.clock_hertz, 1'500'000'000);
  set_parameter(machine, "dram.bytes_per_second=300GB/s");
  EXPECT_EQ(machine.dram_bytes_per_second, 300'000'000'000);
  set_parameter(machine, "unified_buffer.bytes = 24 MiB");
  EXPECT_EQ(machine.unified_buffer_bytes, 25'165'824);
  set_parameter(machine, "dram.bytes=1e9");
  EXPECT_EQ(machine.dram_bytes, 1'000'000'000);
}

TEST(Machine, SetSaysEachThingOnce) {
  const auto error = [](const std::string& assignment) {
    Machine machine;
    try {
      set_parameter(machine, assignment);
    } catch (const InputError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(error("array.rows = -3"),
            "--set: array.rows = -3 is out of range; expected 2 to 1024 rows");
  EXPECT_EQ(error("array.rows=many"),
            "--set: array.rows = many; expected 2 to 1024 rows, or a factor such as 2x");
  EXPECT_EQ(error("dram.bandwidth=1e9"),
            "--set: unknown parameter 'dram.bandwidth'; expected a known one, such as "
            "'dram.bytes_per_second'");
  EXPECT_EQ(error("array.weight_load=fast"),
            "--set: array.weight_load = \"fast\"; expected one of through, chain, single");
}

TEST(Machine, UnknownNameListsThePresets) {
  try {
    (void)load_machine("tpu_v9");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no such machine; did you mean 'tpu_v"));
    EXPECT_THAT(error.what(), HasSubstr("edge_64, "));
  }
  EXPECT_THROW((void)load_machine("/nonexistent/x.toml"), InputError);
}

TEST(Machine, SetTakesValuesAndFactors) {
  Machine machine;
  set_parameter(machine, "array.rows=128");
  EXPECT_EQ(machine.array_rows, 128);
  set_parameter(machine, "array.rows = 2x");
  EXPECT_EQ(machine.array_rows, 256);
  set_parameter(machine, "dram.bytes_per_second=0.5x");
  EXPECT_EQ(machine.dram_bytes_per_second, 17'064'000'000);
  set_parameter(machine, "array.weight_load=chain");
  EXPECT_EQ(machine.array_weight_load, WeightLoad::kChain);
}

TEST(Machine, SetRefusesAndLeavesTheMachineAlone) {
  Machine machine;
  for (const char* bad :
       {"array.rows", "array.rows=", "array.rows=many", "array.rows=-1", "array.rows=0x",
        "array.rows=-2x", "array.rows=1e30x", "array.rows=nanx", "array.rows=99999999999999999999",
        "array.columm=8", "array.weight_load=fast", "=", ""}) {
    EXPECT_THROW(set_parameter(machine, bad), InputError) << bad;
  }
  EXPECT_EQ(machine, Machine{});
}

// A row that is opened stays open for tRAS, or until its burst is through, whichever is later.
TEST(Machine, ABurstFitsBetweenTwoRefreshes) {
  Machine machine;
  const std::int64_t refresh = machine.dram_trp + machine.dram_trfc;
  const std::int64_t burst = machine.dram_trcd + machine.dram_burst_picoseconds();
  ASSERT_LT(burst, machine.dram_tras);
  const auto fits = [&](std::int64_t between) {
    machine.dram_trefi = refresh + between;
    try {
      validate(machine);
      return true;
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("no burst fits between two refreshes"));
      return false;
    }
  };
  EXPECT_FALSE(fits(machine.dram_tras));
  EXPECT_TRUE(fits(machine.dram_tras + 1));
  machine.dram_tras = burst - 10;
  EXPECT_FALSE(fits(burst));
  EXPECT_TRUE(fits(burst + 1));
}

TEST(Machine, ParametersListsEveryRow) {
  const std::vector<ParameterView> views = parameters(Machine{});
  ASSERT_FALSE(views.empty());
  for (const ParameterView& view : views) {
    Machine machine;
    set_parameter(machine, view.key + "=" + view.value);
    EXPECT_EQ(machine, Machine{}) << view.key;
    EXPECT_FALSE(view.text.empty()) << view.key;
  }
}

}  // namespace
}  // namespace systole::isa
