// Areas of device and host memory: what is placed lies behind what was placed before, aligned, and
// the program's sizes follow.
#include "compiler/lower/address_plan.h"

#include <gtest/gtest.h>

#include "base/diag.h"

namespace systole::compiler {
namespace {

TEST(AddressPlan, PlacesTilesOneBehindAnotherInDeviceMemory) {
  isa::Program program;
  AddressPlan plan(program);
  EXPECT_EQ(plan.place(Area::kWeights, 12, 1), 0);
  EXPECT_EQ(plan.place(Area::kWeights, 12, 1), 12);
  EXPECT_EQ(program.weight_bytes, 24);
  EXPECT_EQ(program.host_bytes, 0);
}

TEST(AddressPlan, MakesRoomForConstantsAndPutsTensorsBehindThem) {
  isa::Program program;
  AddressPlan plan(program);
  EXPECT_EQ(plan.place(Area::kConstants, 48, 48), 0);
  EXPECT_EQ(plan.place(Area::kConstants, 96, 48), 48);
  EXPECT_EQ(plan.place(Area::kConstants, 5), 192);  // 144 up to a line
  EXPECT_EQ(program.constants.size(), 197u);
  EXPECT_EQ(plan.place(Area::kTensors, 0), 256);
  EXPECT_EQ(program.host_bytes, 256);
  EXPECT_EQ(plan.place(Area::kTensors, 65), 256);
  EXPECT_EQ(plan.place(Area::kTensors, 1), 256 + 128);
  EXPECT_EQ(program.host_bytes, 256 + 128 + 64);
}

TEST(AddressPlan, HasNoConstantBehindATensor) {
  isa::Program program;
  AddressPlan plan(program);
  plan.place(Area::kTensors, 1);
  EXPECT_THROW(plan.place(Area::kConstants, 1), InternalError);
}

}  // namespace
}  // namespace systole::compiler
