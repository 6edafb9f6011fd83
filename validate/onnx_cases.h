// ONNX's own operator tests: folders with a model and data sets of its inputs and outputs
// (onnx/backend/test/data of the ONNX repository; Debian: libonnx-testdata).
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.h"

namespace systole::validate {

// Every folder below `root` that holds a model.onnx, in the order of their paths. Throws InputError
// if there is none.
[[nodiscard]] std::vector<std::string> onnx_cases(const std::string& root);

// Whether a result is the expected one as ONNX's test runner has it: same shape, integers equal,
// floats within 1e-7 + 1e-3 |expected|, NaN where NaN is expected.
[[nodiscard]] bool matches(const Tensor& got, const Tensor& expected);

// The reason of cases that are skipped for their operators.
inline constexpr std::string_view kNotRead = "an operator that is not read";

struct OnnxOutcome {
  enum class Verdict { kPassed, kFailed, kSkipped };
  Verdict verdict = Verdict::kSkipped;
  std::string reason;               // why it failed or was skipped
  std::set<std::string> operators;  // of the model
  bool simulated = false;           // its program on tpu_v1 gave the evaluator's bytes
};

// Evaluates a case and, where it compiles for tpu_v1, runs it on both engines: every data set has
// to match, and the engines' bytes have to be the evaluator's.
[[nodiscard]] OnnxOutcome run_onnx_case(const std::string& folder);

}  // namespace systole::validate
