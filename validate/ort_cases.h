// The stored cases of ONNX Runtime (tests/conformance/ort): small quantised models with an input
// and the outputs that ONNX Runtime gave, by class of equality (docs/quantisation.md).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/tensor.h"

namespace systole::validate {

struct OrtCase {
  std::string name, folder;
  char letter = 'a';
};

// Every case of a folder with classes.json, in the order of their names. Throws InputError if the
// folder holds none.
[[nodiscard]] std::vector<OrtCase> ort_cases(const std::string& folder);

// How one answer compares with ONNX Runtime's. A step is one of the output's integers; outputs that
// are no integers and differ at all count as kFarOff.
inline constexpr std::int64_t kFarOff = 1'000'000'000;
struct OrtDifference {
  std::int64_t bytes = 0, mismatching = 0, largest_step = 0;
};
[[nodiscard]] OrtDifference difference(const Tensor& got, const Tensor& expected);

struct OrtOutcome {
  std::int64_t bytes = 0;
  OrtDifference extended, disabled;  // disabled: classes b and c only
  [[nodiscard]] bool passes(char letter) const;
};

// The reference evaluator's answer, on the graph as the compiler fuses it.
[[nodiscard]] OrtOutcome evaluate_case(const OrtCase& one);

// The answer of tpu_v1 on both engines, the worse of the two. `reason` says why there is none.
struct OrtSimulated {
  std::optional<OrtOutcome> outcome;
  std::string reason;
};
[[nodiscard]] OrtSimulated simulate_case(const OrtCase& one);

}  // namespace systole::validate
