// Sweep: many runs that differ in some parameters of the machine, a row each, as a table, CSV and
// JSON. A row keeps figures alone, so that many cost little.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "report/explanation.h"
#include "report/record.h"
#include "report/why_json.h"

namespace systole::report {

struct SweepRow {
  std::vector<std::string> values;  // of the sweep's keys, as they were given
  std::string machine;              // its name; empty: there is no such machine
  std::string error;                // why it has no figures; empty: it has
  std::int64_t cycles = 0;
  double seconds = 0, total_seconds = 0;  // of the device; with the host's priced steps
  double mac_utilization = 0;
  BoundKeys bound;
  std::vector<std::pair<std::string, std::int64_t>> path;  // cycles by resource, the most first
  std::vector<ChangeRow> changes;                          // what would help, the most first
};
// The figures of a run; needs record.why.
[[nodiscard]] SweepRow sweep_row(const Record& record);

struct Sweep {
  std::string title;              // what ran: model, machine, batches
  std::vector<std::string> keys;  // that have several values
  std::vector<SweepRow> rows;     // in the order of the values, the last key's the fastest
  std::int64_t programs = 0;      // that were compiled, or read
  bool explains = false;          // rows say what they went to and what would help
};

// Of total_seconds; nothing of a row without figures, and of none at all.
[[nodiscard]] std::optional<double> speed_up(const Sweep& sweep, const SweepRow& row);

// At most 80 columns wide: where the keys do not fit, letters stand for them, and where those do
// not, each row has a line for its values.
[[nodiscard]] std::string sweep_text(const Sweep& sweep);
[[nodiscard]] std::string sweep_csv(const Sweep& sweep);
// An array, a row each.
[[nodiscard]] std::string sweep_json(const Sweep& sweep);

}  // namespace systole::report
