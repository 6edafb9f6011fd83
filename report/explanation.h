// Explanation of a run: where the time went and what would change it, as text and as JSON.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "report/record.h"

namespace systole::report {

// A change that is asked about by itself, by a user or because it is no resource's.
struct Asked {
  std::string change;    // "dram.bytes_per_second=4x"
  isa::Machine machine;  // with it
  // Gains; predicted: nothing where the causes do not tell, found: where it was not run again.
  std::optional<double> predicted, found;
  bool recompiled = false;  // by a program of its own
};

// One change as every form tells it.
struct ChangeRow {
  std::string text, change;  // in words, and as --set takes it
  std::optional<double> predicted, found;
  bool recompiled = false;
  bool of_total = false;  // gains are shares of the time with the host's steps, which it changes
};
// What was tried and what was asked, the largest gain first; what is asked about and tried, too, is
// one row. Needs record.why.
[[nodiscard]] std::vector<ChangeRow> change_rows(const Record& record,
                                                 const std::vector<Asked>& asked);
// What a change saves: "-43.8 %" of the time.
[[nodiscard]] std::string saving(const std::optional<double>& gain);
// what_if[]
[[nodiscard]] nlohmann::ordered_json changes_json(const std::vector<ChangeRow>& changes);

// A layer beside what its useful multiply-adds need at the array's full rate.
struct LayerWaste {
  std::size_t layer = 0;  // of the program
  std::string name;
  CycleCount cycles;     // of the critical path
  CycleCount wasted;     // beyond that need; 0 of a layer that others hide so far
  double active = 0;     // share of its matrix cycles in which rows are injected
  double lanes = 0;      // share of the multipliers that its multiply-adds use meanwhile
  sim::Resource wait{};  // where most of its cycles went, the array itself left out
  double wait_share = 0;
};
// The most wasteful first; layers without cycles are left out.
[[nodiscard]] std::vector<LayerWaste> layers_by_waste(const Record& record);

// All need record.why. The JSON's text is that of the document.
[[nodiscard]] std::string explanation_text(const Record& record, const std::vector<Asked>& asked);
[[nodiscard]] nlohmann::ordered_json explanation_document(const Record& record,
                                                          const std::vector<Asked>& asked);
[[nodiscard]] std::string explanation_json(const Record& record, const std::vector<Asked>& asked);

}  // namespace systole::report
