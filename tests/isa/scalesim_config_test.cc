// SCALE-Sim configurations: its own example's keys, both bandwidth modes, and what is refused.
#include "isa/scalesim_config.h"

#include <gmock/gmock.h>
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

TEST(ScaleSimConfig, BlocksAreMultiplesOfBothSides) {
  std::string text = config();
  const std::string height = "ArrayHeight:    32";
  text.replace(text.find(height), height.size(), "ArrayHeight: 12");
  const std::string width = "ArrayWidth:     64";
  text.replace(text.find(width), width.size(), "ArrayWidth: 300");
  const Machine machine = read(text);
  EXPECT_EQ(machine.unified_buffer_row_bytes, 300);
  validate(machine);
  const std::string wide = "ArrayWidth: 300";
  text.replace(text.find(wide), wide.size(), "ArrayWidth: 1021");
  EXPECT_THAT(error_of(text), HasSubstr("x.cfg:5: an array of 12 x 1021; expected sides whose"));
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
