// Conformance with ONNX Runtime: each stored case (ort/README.md) in its class, by the reference
// evaluator and, where the machine runs the operator, on both engines of tpu_v1.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include "base/source.h"
#include "validate/ort_cases.h"
#include "validate/ort_networks.h"
#include "validate/validation.h"

namespace systole::cli {

void PrintTo(const validate::OrtCase& one, std::ostream* out) { *out << one.name; }

namespace {

std::string cases() { return source_path("tests/conformance/ort/cases"); }

std::string words(const validate::OrtOutcome& o) {
  return fmt::format("{} of {} bytes differ from extended (by up to {}), {} from disabled (by {})",
                     o.extended.mismatching, o.bytes, o.extended.largest_step,
                     o.disabled.mismatching, o.disabled.largest_step);
}

class OrtCases : public ::testing::TestWithParam<validate::OrtCase> {};

TEST_P(OrtCases, equal_in_their_class) {
  const validate::OrtCase& one = GetParam();
  const validate::OrtOutcome evaluated = validate::evaluate_case(one);
  EXPECT_TRUE(evaluated.passes(one.letter)) << words(evaluated);
  const validate::OrtSimulated simulated = validate::simulate_case(one);
  ASSERT_TRUE(simulated.outcome) << simulated.reason;
  EXPECT_TRUE(simulated.outcome->passes(one.letter)) << words(*simulated.outcome);
}

INSTANTIATE_TEST_SUITE_P(All, OrtCases, ::testing::ValuesIn(validate::ort_cases(cases())),
                         [](const auto& instance) { return instance.param.name; });

// Class (d); `systole validate ort` runs the other networks too.
class OrtNetworks : public ::testing::TestWithParam<const char*> {};

TEST_P(OrtNetworks, equal_node_by_node) {
  const validate::NetworkOutcome outcome =
      validate::run_network(source_path("tests/conformance/ort/networks/") + GetParam());
  EXPECT_EQ(outcome.failure, "");
  EXPECT_TRUE(outcome.simulated);
  EXPECT_GT(outcome.classes[0].tensors, 0);
  EXPECT_EQ(outcome.classes[0].mismatching, 0);
  EXPECT_EQ(outcome.classes[1].mismatching, 0);
  EXPECT_LE(outcome.classes[2].largest_step, 1);
  EXPECT_EQ(outcome.same_top1, outcome.rows);
}

INSTANTIATE_TEST_SUITE_P(All, OrtNetworks, ::testing::Values("fashion_cnn", "mobilenet_v2"));

TEST(OrtDifferences, are_counted_in_bytes_and_steps) {
  Tensor a(DType::kInt8, {3});
  Tensor b(DType::kInt8, {3});
  EXPECT_EQ(validate::difference(a, b).mismatching, 0);
  b.data = {0, 255, 3};  // 0, -1, 3
  EXPECT_EQ(validate::difference(a, b).mismatching, 2);
  EXPECT_EQ(validate::difference(a, b).largest_step, 3);
  validate::OrtOutcome outcome;
  outcome.extended = {3, 1, 1};
  EXPECT_FALSE(outcome.passes('a'));
  EXPECT_TRUE(outcome.passes('b'));
  outcome.disabled = {3, 1, 1};
  EXPECT_FALSE(outcome.passes('b'));
  EXPECT_TRUE(outcome.passes('c'));
  outcome.disabled = {3, 1, 2};
  EXPECT_FALSE(outcome.passes('c'));
  EXPECT_EQ(validate::difference(Tensor(DType::kInt8, {2}), b).largest_step, validate::kFarOff);
}

}  // namespace
}  // namespace systole::cli
