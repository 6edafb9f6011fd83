// validate onnx: ONNX's own operator tests through the importer, the evaluator and the engines.
#include "base/diag.h"
#include "base/terminal.h"
#include "validate/onnx_cases.h"
#include "validate/validation.h"

namespace systole::validate {
namespace {

constexpr const char* kDebianFolder = "/usr/share/libonnx-testdata/data";

struct Count {
  std::int64_t passed = 0, failed = 0, skipped = 0, simulated = 0;

  void add(const OnnxOutcome& outcome) {
    passed += outcome.verdict == OnnxOutcome::Verdict::kPassed ? 1 : 0;
    failed += outcome.verdict == OnnxOutcome::Verdict::kFailed ? 1 : 0;
    skipped += outcome.verdict == OnnxOutcome::Verdict::kSkipped ? 1 : 0;
    simulated += outcome.simulated ? 1 : 0;
  }
};

ValidationTable table_of(const std::map<std::string, Count>& counts) {
  ValidationTable table{"operators",
                        "ONNX's operator tests by the operators of their models",
                        {{"operator", "operator"},
                         {"passed", "passed"},
                         {"failed", "failed"},
                         {"skipped", "skipped"},
                         {"simulated", "of them on tpu_v1 too"}},
                        {}};
  for (const auto& [name, count] : counts) {
    table.rows.push_back({{"operator", name},
                          {"passed", count.passed},
                          {"failed", count.failed},
                          {"skipped", count.skipped},
                          {"simulated", count.simulated}});
  }
  return table;
}

}  // namespace

Validation validate_onnx(const ValidateRequest& request) {
  const Progress progress("validating");
  const std::string folder = request.data.empty() ? kDebianFolder : request.data;
  Validation result;
  ValidationTally tally;
  std::map<std::string, Count> counts;
  for (const std::string& one : onnx_cases(folder)) {
    const OnnxOutcome outcome = run_onnx_case(one);
    if (outcome.verdict == OnnxOutcome::Verdict::kPassed) ++tally.passed;
    if (outcome.verdict == OnnxOutcome::Verdict::kSkipped) ++tally.skipped[outcome.reason];
    if (outcome.verdict == OnnxOutcome::Verdict::kFailed) {
      ++tally.failed;
      result.notes.push_back(fmt::format("fails: {}: {}", one, outcome.reason));
    }
    if (outcome.reason == kNotRead) continue;
    for (const std::string& name : outcome.operators) counts[name].add(outcome);
  }
  result.tables.push_back(table_of(counts));
  result.tally = std::move(tally);
  result.notes.emplace_back(
      "passed: ONNX's tolerances (integers equal, floats within 1e-7 + 1e-3 of the value); on "
      "tpu_v1: compiled, and both engines gave the evaluator's bytes");
  result.notes.push_back("tests: " + folder);
  return result;
}

}  // namespace systole::validate
