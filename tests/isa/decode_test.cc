// Decoding: what instructions cost the sequencer.
#include "isa/decode.h"

#include <gtest/gtest.h>

namespace systole::isa {
namespace {

TEST(DecodeCycles, WhatWaitsForAllUnitsTakesACycle) {
  Machine machine;
  machine.sequencer_decode_cycles = 3;
  EXPECT_EQ(decode_cycles(Nop{}, machine), 3);
  EXPECT_EQ(decode_cycles(Sync{}, machine), 3);
  EXPECT_EQ(decode_cycles(Matmul{}, machine), 3);
  EXPECT_EQ(decode_cycles(Interrupt{}, machine), 1);
  EXPECT_EQ(decode_cycles(Halt{}, machine), 1);
}

}  // namespace
}  // namespace systole::isa
