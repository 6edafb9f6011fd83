// Validation ladder: each rung compares the simulator with something it did not make itself and
// prints what it found, whatever that is. `systole validate RUNG` renders a rung's Validation as
// Markdown tables (docs/validation.md keeps them with their date) or as JSON.
//
// A rung is one row of kRungs in validate.cc and one file validate_<rung>.cc.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace systole::validate {

struct ValidateRequest {
  std::string data;  // --data FILE; empty if not given, and always for rungs that take none
};

// A column of a table: its key in each row, its heading, and the decimals of its numbers.
struct ValidationColumn {
  std::string key, heading;
  int decimals = 0;
};

// Rows are JSON objects by column key: text, numbers, or null ("-") where there is no figure.
struct ValidationTable {
  std::string key;    // of the array in the JSON: "cases" for one row per case
  std::string title;  // a line above the table
  std::vector<ValidationColumn> columns;
  std::vector<nlohmann::ordered_json> rows;
  bool in_text = true;  // else in the JSON alone
};

// Counts of a suite of tests.
struct ValidationTally {
  std::int64_t passed = 0, failed = 0;
  std::map<std::string, std::int64_t> skipped;  // by reason
};

struct Validation {
  std::vector<ValidationTable> tables;
  std::optional<ValidationTally> tally;                 // of suites
  std::vector<std::pair<std::string, double>> figures;  // by key, "mean_error_percent"
  std::vector<std::pair<std::string, double>> groups;   // mean errors in percent, by what is alike
  std::vector<std::string> notes;                       // how the figures were obtained
};

// "| a | b |" lines, columns aligned, numbers to the right.
[[nodiscard]] std::string validation_text(const Validation& validation);
// One object: rung, version, passed, failed, skipped{} (suites only), the figures, groups{} (if
// there are any), the tables by key, notes.
[[nodiscard]] std::string validation_json(const std::string& rung, const Validation& validation);

// The rungs. Each throws InputError if it cannot be climbed here (something is not installed, the
// data file is wrong), naming what is missing.
[[nodiscard]] Validation validate_rtl(const ValidateRequest& request);
[[nodiscard]] Validation validate_onnx(const ValidateRequest& request);
[[nodiscard]] Validation validate_ort(const ValidateRequest& request);
[[nodiscard]] Validation validate_paper(const ValidateRequest& request);
[[nodiscard]] Validation validate_gpu(const ValidateRequest& request);
[[nodiscard]] Validation validate_h100(const ValidateRequest& request);
[[nodiscard]] Validation validate_v6e(const ValidateRequest& request);
[[nodiscard]] Validation validate_v3(const ValidateRequest& request);
[[nodiscard]] Validation validate_host(const ValidateRequest& request);
[[nodiscard]] Validation validate_scalesim(const ValidateRequest& request);

struct Rung {
  std::string_view name, text;
  bool takes_data;
  Validation (*run)(const ValidateRequest&);
};
[[nodiscard]] std::span<const Rung> rungs();
[[nodiscard]] std::string rung_names();
// Throws InputError with the nearest right name.
[[nodiscard]] const Rung& rung_named(const std::string& name);

}  // namespace systole::validate
