// Faults in the RTL, one wire and one or two cycles each: the comparison notices every one.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/rtl/script_support.h"

namespace systole::rtl {
namespace {

using isa::WeightLoad;

constexpr CycleCount kOnce{1};
// A pulse comes a cycle late if its wire is late both when it should come and in the next cycle.
constexpr CycleCount kPulse{2};

std::vector<ModelInfo> faulty_models() {
  std::vector<ModelInfo> found;
  for (const ModelInfo& model : models()) {
    if (model.faults) found.push_back(model);
  }
  return found;
}

// Two folds of 6 rows. Faults strike the second: its tile, its switch, its row 1. The second pass
// comes late: were a weight used as soon as it is in place, it might come to harm unnoticed.
class Faults : public testing::TestWithParam<ModelInfo> {
 protected:
  Faults() : folds_(GetParam(), 2, 6) {
    folds_.script.passes[1].ready = CyclePoint(50);
    sound_ = run({});
  }

  Behaviour run(const FaultSpan& fault) {
    const auto model = GetParam().make();
    return run_rtl(*model, folds_.script, fault);
  }
  // Strikes PE(r, c) from `begin` on and expects that the runs differ.
  void expect_noticed(const Fault& fault, CyclePoint begin, CycleCount length) {
    const Behaviour faulty = run({fault, begin, begin + length});
    EXPECT_NE(differences(sound_, faulty), std::vector<std::string>{})
        << "site " << static_cast<int>(fault.site) << " PE(" << fault.row << ", " << fault.column
        << ") " << (fault.delay ? "late" : "inverted");
  }
  template <typename Strike>
  void for_each_pe(Strike strike) {
    for (std::int64_t r = 0; r < GetParam().rows; ++r) {
      for (std::int64_t c = 0; c < GetParam().columns; ++c) strike(r, c);
    }
  }
  // Row 1 of the second pass reaches PE(r, c).
  [[nodiscard]] CyclePoint row_at(std::int64_t r, std::int64_t c) const {
    return sound_.passes[1] + CycleCount(1 + r + c);
  }
  // The second tile's weight reaches the place where it stays, PE(r, c).
  [[nodiscard]] CyclePoint captured_at(std::int64_t r, std::int64_t c) const {
    const bool through = GetParam().load == WeightLoad::kThrough;
    return sound_.shifts[1] + CycleCount((through ? 2 * r : GetParam().rows - 1) + c);
  }

  Folds folds_;
  Behaviour sound_;
};

TEST_P(Faults, NoneNoDifference) {
  EXPECT_EQ(differences(sound_, run({})), std::vector<std::string>{});
  EXPECT_EQ(sound_.error, 0);
}

TEST_P(Faults, InAnActivationAreNoticed) {
  for_each_pe([&](std::int64_t r, std::int64_t c) {
    for (int bit = 0; bit < 9; ++bit) {
      expect_noticed({Site::kActivation, r, c, false, bit}, row_at(r, c), kOnce);
    }
    expect_noticed({Site::kActivation, r, c, true, 0}, row_at(r, c), kOnce);
  });
}

TEST_P(Faults, InAPartialSumAreNoticed) {
  for_each_pe([&](std::int64_t r, std::int64_t c) {
    for (int bit = 0; bit < 32; ++bit) {
      expect_noticed({Site::kSum, r, c, false, bit}, row_at(r, c), kOnce);
    }
    // The first PE's sum is 0 in every cycle.
    if (r > 0) expect_noticed({Site::kSum, r, c, true, 0}, row_at(r, c), kOnce);
  });
}

TEST_P(Faults, InAWeightAreNoticed) {
  for_each_pe([&](std::int64_t r, std::int64_t c) {
    for (int bit = 0; bit < 9; ++bit) {
      expect_noticed({Site::kWeight, r, c, false, bit}, captured_at(r, c), kOnce);
    }
    expect_noticed({Site::kWeight, r, c, true, 0}, captured_at(r, c), kOnce);
  });
}

TEST_P(Faults, InACaptureFlagAreNoticed) {
  for_each_pe([&](std::int64_t r, std::int64_t c) {
    expect_noticed({Site::kCapture, r, c, false, 0}, captured_at(r, c), kOnce);
    expect_noticed({Site::kCapture, r, c, true, 0}, captured_at(r, c), kPulse);
  });
}

TEST_P(Faults, InASwitchFlagAreNoticed) {
  const CycleCount row_1(1);
  for_each_pe([&](std::int64_t r, std::int64_t c) {
    expect_noticed({Site::kSwitch, r, c, false, 0}, row_at(r, c) - row_1, kOnce);
    expect_noticed({Site::kSwitch, r, c, true, 0}, row_at(r, c) - row_1, kPulse);
  });
}

TEST_P(Faults, InAnAccumulatorAddressAreNoticed) {
  const std::int64_t bottom = GetParam().rows;
  for (std::int64_t c = 0; c < GetParam().columns; ++c) {
    for (int bit = 0; bit < 6; ++bit) {
      expect_noticed({Site::kAddress, 0, c, false, bit}, row_at(bottom, c), kOnce);
    }
    expect_noticed({Site::kAddress, 0, c, true, 0}, row_at(bottom, c), kOnce);
  }
}

// What the site says it strikes is what it strikes: an idle wire's fault changes nothing.
TEST_P(Faults, OnAnIdleWireChangeNothing) {
  const CyclePoint before = sound_.shifts[0];
  EXPECT_EQ(differences(sound_, run({{Site::kSum, 1, 1, false, 3}, before, before + kOnce})),
            std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(Models, Faults, testing::ValuesIn(faulty_models()), model_name);

}  // namespace
}  // namespace systole::rtl
