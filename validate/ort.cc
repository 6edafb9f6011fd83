// validate ort: stored outputs of ONNX Runtime, class by class: 0 mismatching bytes in (a) and (b),
// then whole networks.
#include <filesystem>

#include "base/diag.h"
#include "base/source.h"
#include "base/terminal.h"
#include "validate/ort_cases.h"
#include "validate/ort_networks.h"
#include "validate/validation.h"

namespace systole::validate {
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

ValidationTable networks_table() {
  return {"networks",
          "Whole networks: node by node, each node fed ONNX Runtime's tensors, and by themselves",
          {{"network", "network"},
           {"class", "class"},
           {"tensors", "tensors"},
           {"bytes", "bytes"},
           {"mismatching", "differ"},
           {"largest_step", "largest step"},
           {"simulated", "on tpu_v1, func and cycle"},
           {"same_top1", "same top-1 by itself"},
           {"result_step", "largest step of its result"}},
          {}};
}

void add_network(const NetworkOutcome& outcome, ValidationTable& table) {
  for (std::size_t letter = 0; letter < outcome.classes.size(); ++letter) {
    const NetworkTally& tally = outcome.classes.at(letter);
    if (tally.tensors == 0) continue;
    table.rows.push_back({{"network", outcome.name},
                          {"class", std::string(1, static_cast<char>('a' + letter))},
                          {"tensors", tally.tensors},
                          {"bytes", tally.bytes},
                          {"mismatching", tally.mismatching},
                          {"largest_step", tally.largest_step},
                          {"simulated", outcome.simulated ? "as evaluated" : "differs"},
                          {"same_top1", fmt::format("{} of {}", outcome.same_top1, outcome.rows)},
                          {"result_step", outcome.largest_step}});
  }
}

// Class (d): the networks beside the cases.
void run_networks(const std::string& folder, Validation& result, ValidationTally& tally) {
  ValidationTable table = networks_table();
  for (const std::string& network : ort_networks(folder)) {
    const NetworkOutcome outcome = run_network(network);
    add_network(outcome, table);
    ++(outcome.failure.empty() ? tally.passed : tally.failed);
    if (!outcome.failure.empty())
      result.notes.push_back(fmt::format("fails: {}: {}", outcome.name, outcome.failure));
  }
  if (!table.rows.empty()) result.tables.push_back(std::move(table));
}

}  // namespace

Validation validate_ort(const ValidateRequest& request) {
  const Progress progress("validating");
  const std::string folder =
      request.data.empty() ? data_path("tests/conformance/ort/cases") : request.data;
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
  run_networks((std::filesystem::path(folder) / ".." / "networks").string(), result, tally);
  result.tally = std::move(tally);
  result.notes.emplace_back(
      "(a) equal bytes at extended; (b) equal at disabled, at most one step at extended; (c) at "
      "most one step from both; (d) networks at disabled, their products in QLinear form: (a) and "
      "(b) "
      "equal, (c) and products in float32 at most one step");
  result.notes.push_back("stored outputs and how they were made: " +
                         std::filesystem::path(folder).lexically_normal().string());
  return result;
}

}  // namespace systole::validate
