// validate ort: stored outputs of ONNX Runtime, class by class: 0 mismatching bytes in (a) and (b).
#include <filesystem>

#include "base/diag.h"
#include "cli/ort_cases.h"
#include "cli/validate.h"

namespace systole::cli {
namespace {

// The worst of all cases of one class, for one way of computing them.
struct Summary {
  std::int64_t cases = 0, bytes = 0, extended = 0, disabled = 0, step = 0;

  void add(const OrtOutcome& found) {
    ++cases;
    bytes += found.bytes;
    extended += found.extended.mismatching;
    disabled += found.disabled.mismatching;
    step = std::max({step, found.extended.largest_step, found.disabled.largest_step});
  }
};

nlohmann::ordered_json row(char letter, const std::string& engine, const Summary& s) {
  nlohmann::ordered_json json{{"class", std::string(1, letter)},
                              {"engine", engine},
                              {"cases", s.cases},
                              {"bytes", s.bytes},
                              {"mismatching_extended", s.extended}};
  if (letter == 'a') {
    json["mismatching_disabled"] = nullptr;
  } else {
    json["mismatching_disabled"] = s.disabled;
  }
  json["largest_step"] = s.step;
  return json;
}

}  // namespace

Validation validate_ort(const ValidateRequest& request) {
  const std::string folder =
      request.data.empty() ? SYSTOLE_SOURCE_DIR "/tests/conformance/ort/cases" : request.data;
  Validation result;
  ValidationTable table{"cases",
                        "Outputs of ONNX Runtime, stored, and ours by class",
                        {{"class", "class"},
                         {"engine", "computed by"},
                         {"cases", "cases"},
                         {"bytes", "bytes"},
                         {"mismatching_extended", "differ from extended"},
                         {"mismatching_disabled", "differ from disabled"},
                         {"largest_step", "largest step"}},
                        {}};
  ValidationTally tally;
  std::map<char, Summary> evaluated, simulated;
  for (const OrtCase& one : ort_cases(folder)) {
    const OrtOutcome reference = evaluate_case(one);
    evaluated[one.letter].add(reference);
    const OrtSimulated machine = simulate_case(one);
    if (machine.outcome) simulated[one.letter].add(*machine.outcome);
    if (!machine.outcome) ++tally.skipped["not lowered to tpu_v1, evaluated only"];
    const bool good =
        reference.passes(one.letter) && (!machine.outcome || machine.outcome->passes(one.letter));
    ++(good ? tally.passed : tally.failed);
    if (!good) result.notes.push_back("fails: " + one.name);
  }
  for (const auto& [letter, summary] : evaluated)
    table.rows.push_back(row(letter, "reference evaluator", summary));
  for (const auto& [letter, summary] : simulated)
    table.rows.push_back(row(letter, "tpu_v1, func and cycle", summary));
  result.tables.push_back(std::move(table));
  result.tally = std::move(tally);
  result.notes.emplace_back(
      "(a) equal bytes at extended; (b) equal at disabled, at most one step at extended; (c) at "
      "most one step from both");
  result.notes.push_back("stored outputs and how they were made: " +
                         std::filesystem::path(folder).lexically_normal().string());
  return result;
}

}  // namespace systole::cli
