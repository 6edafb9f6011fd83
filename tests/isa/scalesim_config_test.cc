// SCALE-Sim configurations: its own example's keys, both bandwidth modes, and what is refused.
#include "isa/scalesim_config.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include "base/diag.h"

namespace systole::isa {
namespace {

using testing::HasSubstr;

// The keys of configs/scale.cfg of scalesim-project/SCALE-Sim, with two parts to choose.
std::string config(const std::string& dataflow = "ws", const std::string& mode = "CALC") {
  return "[general]\nrun_name = scale_run\n\n[architecture_presets]\nArrayHeight:    32\n"
         "ArrayWidth:     64\nIfmapSramSzkB:   64\nFilterSramSzkB:  64\nOfmapSramSzkB:   64\n"
         "IfmapOffset:    0\nFilterOffset:   10000000\nOfmapOffset:    20000000\n"
         "Bandwidth : 10,20,30\nDataflow : " +
         dataflow + "\nMemoryBanks:   1\n[layout]\nIfmapCustomLayout: False\n[sparsity]\n" +
         "SparsitySupport : false\n; a comment\n[run_presets]\r\nInterfaceBandwidth: " + mode +
         "\r\nUseRamulatorTrace: False\r\n";
}

Machine base() { return load_machine("scale_sim_ws"); }
Machine read(const std::string& text) { return machine_from_scalesim(text, "x.cfg", base()); }
std::string error_of(const std::string& text) {
  try {
    static_cast<void>(read(text));
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ScaleSimConfig, SetsTheArrayAndNothingThatLimits) {
  const Machine machine = read(config());
  Machine expected = base();
  expected.name = "scale_run";
  expected.text = "SCALE-Sim configuration x.cfg";
  expected.array_rows = 32;
  expected.array_columns = 64;
  expected.weight_fifo_tiles = 64 * 1024 / (32 * 64);
  EXPECT_EQ(machine, expected);
  EXPECT_EQ(machine.array_weight_load, WeightLoad::kSingle);
  validate(machine);
}

TEST(ScaleSimConfig, UserBandwidthIsBytesACycle) {
  const Machine machine = read(config("ws", "USER"));
  EXPECT_EQ(machine.dram_bytes_per_second, 10 * machine.clock_hertz);
  EXPECT_EQ(machine.link_in_bytes_per_second, 10 * machine.clock_hertz);
  EXPECT_EQ(machine.link_out_bytes_per_second, 10 * machine.clock_hertz);
}

TEST(ScaleSimConfig, KeysAreInAnyCase) {
  std::string text = config();
  const std::string key = "ArrayHeight:";
  text.replace(text.find(key), key.size(), "ARRAYHEIGHT =");
  EXPECT_EQ(read(text), read(config()));
}

std::string with_array(const std::string& height, const std::string& width) {
  std::string text = config();
  const std::string rows = "ArrayHeight:    32", columns = "ArrayWidth:     64";
  text.replace(text.find(rows), rows.size(), "ArrayHeight: " + height);
  text.replace(text.find(columns), columns.size(), "ArrayWidth: " + width);
  return text;
}

TEST(ScaleSimConfig, BlocksAreMultiplesOfBothSidesWhereOneFitsARow) {
  const Machine machine = read(with_array("12", "300"));
  EXPECT_EQ(machine.unified_buffer_row_bytes, 300);
  validate(machine);
  EXPECT_EQ(read(with_array("12", "1021")).unified_buffer_row_bytes, 1021);
  EXPECT_EQ(read(with_array("255", "256")).unified_buffer_row_bytes, 256);
}

// Every array that --set accepts.
TEST(ScaleSimConfig, TakesEveryArray) {
  for (const char* rows : {"2", "3", "127", "255", "256", "1023", "1024"}) {
    for (const char* columns : {"1", "2", "7", "255", "256", "257", "1023", "1024"}) {
      Machine set = load_machine("scale_sim_ws");
      set_parameter(set, std::string("array.rows=") + rows);
      set_parameter(set, std::string("array.columns=") + columns);
      validate(set);
      const Machine machine = read(with_array(rows, columns));
      validate(machine);
      EXPECT_EQ(machine.array_rows, set.array_rows);
      EXPECT_EQ(machine.array_columns, set.array_columns);
    }
  }
}

TEST(ScaleSimConfig, NamesTheKeysWithoutEffect) {
  const auto without_effect = [](const std::string& text) {
    return read_scalesim_config(text, "x.cfg", base()).without_effect;
  };
  using testing::ElementsAre;
  EXPECT_THAT(without_effect(config()),
              ElementsAre("IfmapSramSzkB", "OfmapSramSzkB", "IfmapOffset", "FilterOffset",
                          "OfmapOffset", "Bandwidth", "MemoryBanks"));
  EXPECT_THAT(without_effect(config("ws", "USER")), testing::Not(testing::Contains("Bandwidth")));
}

TEST(ScaleSimConfig, RefusesWhatIsNotModelled) {
  EXPECT_THAT(error_of(config("os")), HasSubstr("Dataflow = os; expected ws, as the array is"));
  EXPECT_THAT(error_of(config("ws", "FAST")),
              HasSubstr("InterfaceBandwidth = FAST; expected CALC"));
  EXPECT_THAT(error_of("[architecture_presets]\nDataflow: ws\n[sparsity]\nSparsitySupport: true\n"),
              HasSubstr("x.cfg:4: sparsity.SparsitySupport = true; expected false"));
  EXPECT_THAT(error_of("[layout]\nIfmapCustomLayout: True\n[architecture_presets]\nDataflow=ws\n"),
              HasSubstr("x.cfg:2: layout.IfmapCustomLayout = True"));
}

TEST(ScaleSimConfig, ErrorsNameTheLine) {
  EXPECT_THAT(error_of(""), HasSubstr("x.cfg: architecture_presets.Dataflow is missing"));
  EXPECT_THAT(error_of("[general]\nnonsense\n"), HasSubstr("x.cfg:2: is no line of a SCALE-Sim"));
  EXPECT_THAT(error_of("key = value\n"), HasSubstr("x.cfg:1: is no line of a SCALE-Sim"));
  EXPECT_THAT(error_of("[a]\nk = 1\nK : 2\n"), HasSubstr("x.cfg:3: a.k is there twice"));
  EXPECT_THAT(error_of("[architecture_presets]\nDataflow: ws\nArrayHeight: 4096\n"),
              HasSubstr("x.cfg:3: architecture_presets.ArrayHeight = 4096; expected a whole number "
                        "from 2 to 1024"));
  EXPECT_THAT(error_of("[architecture_presets]\nDataflow: ws\n"),
              HasSubstr("x.cfg: architecture_presets.ArrayHeight is missing"));
}

}  // namespace
}  // namespace systole::isa
