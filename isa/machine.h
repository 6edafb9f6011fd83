// Machine: the parameters of one machine, loaded from TOML and checked against machine.def.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"

namespace systole::isa {

enum class WeightLoad : std::uint8_t { kThrough, kChain, kSingle };
enum class Operands : std::uint8_t { kIntegers, kBf16, kBoth };
enum class DramKind : std::uint8_t { kSimple, kBanked };
enum class MemoryHolds : std::uint8_t { kWeights, kEverything };
enum class Delivery : std::uint8_t { kLink, kPreloaded };

// One member section_name per row of machine.def, beside the machine's name.
struct Machine {
  std::string name = "tpu_v1";  // as it is printed: it says what was changed (machine_name.h)
  std::string text;             // one line about the machine
  std::string base;             // the preset that its file begins with; empty: none
  std::shared_ptr<const Machine> origin;  // what set_parameter made it from; null: nothing was set
#define SYSTOLE_INT(section, name, unit, default_value, min, max, text) \
  std::int64_t section##_##name = default_value;
#define SYSTOLE_CHOICE_PARAM(section, name, Enum, default_value, text) \
  Enum section##_##name = Enum::default_value;
#include "isa/machine.def"

  // The same machine: equal in every parameter, whatever it is called.
  bool operator==(const Machine& other) const {
    bool equal = true;
#define SYSTOLE_INT(section, name, ...) equal = equal && section##_##name == other.section##_##name;
#define SYSTOLE_CHOICE_PARAM(section, name, ...) \
  equal = equal && section##_##name == other.section##_##name;
#include "isa/machine.def"
    return equal;
  }

  // Derived figures, named as the rules of docs/machine.md name them.
  [[nodiscard]] std::int64_t r() const { return array_rows; }
  [[nodiscard]] std::int64_t c() const { return array_columns; }
  // PEs of one matrix unit: multiply-adds a cycle, weights of a tile.
  [[nodiscard]] std::int64_t pe_count() const { return array_rows * array_columns; }
  [[nodiscard]] std::int64_t ub_rows() const {
    return unified_buffer_bytes / unified_buffer_row_bytes;
  }
  [[nodiscard]] std::int64_t param_row_bytes() const { return array_columns * 4; }
  // Unified buffer rows (and port cycles, T7) of `bytes` bytes that start at byte lane `lane`.
  [[nodiscard]] std::int64_t ub_rows_of(std::int64_t bytes, std::int64_t lane = 0) const {
    return ceil_div(lane + bytes, unified_buffer_row_bytes);
  }
  // Whether the device writes its memory: `load` and `store` units (T12).
  [[nodiscard]] bool memory_is_writable() const { return dram_holds == MemoryHolds::kEverything; }
  // Cycles that a tile takes to shift in (T4), and a pass of so many sub-rows at the left edge
  // (T3).
  [[nodiscard]] std::int64_t shift_cycles() const { return ceil_div(array_rows, array_shift_rows); }
  [[nodiscard]] std::int64_t held_cycles(std::int64_t sub_rows, std::int64_t k,
                                         std::int64_t n) const {
    return ceil_div(ceil_div(sub_rows, parts_of(k, n)) * 1'000, array_efficiency);
  }
  // Among how many parts of the array a pass of k lanes and n columns deals its rows.
  [[nodiscard]] std::int64_t parts_of(std::int64_t k, std::int64_t n) const {
    return (array_split * k <= array_rows ? array_split : 1) *
           (array_split * n <= array_columns ? array_split : 1);
  }
  // Cycles of the vector unit's lanes, of 4 bytes each.
  [[nodiscard]] std::int64_t lane_cycles(std::int64_t bytes) const {
    return vector_lanes == 0 ? 0 : ceil_div(bytes, 4 * vector_lanes);
  }
  // Simple memory: bytes a second that flow.
  [[nodiscard]] std::int64_t delivered_bytes_per_second() const {
    return std::max<std::int64_t>(1, dram_bytes_per_second / 1'000 * dram_efficiency +
                                         dram_bytes_per_second % 1'000 * dram_efficiency / 1'000);
  }
  // Banked memory: time of a burst at its channel's share of the peak bandwidth, rounded up.
  [[nodiscard]] std::int64_t dram_burst_picoseconds() const {
    return ceil_div(dram_burst_bytes * dram_channels * 1'000'000'000'000, dram_bytes_per_second);
  }
  [[nodiscard]] double seconds(CycleCount cycles) const {
    return static_cast<double>(cycles.value) / static_cast<double>(clock_hertz);
  }
  [[nodiscard]] double peak_macs_per_second() const {
    return static_cast<double>(array_units * array_rows * array_columns) *
           static_cast<double>(clock_hertz);
  }
};

// One resolved parameter, for listings and reports.
struct ParameterView {
  std::string key, unit, value, range, text;
};

// A preset by name (machines/NAME.toml, found beside the program or in its source tree), a .toml
// file or a SCALE-Sim .cfg file by path; or one of these with changes, as names say them: "tpu_v1 +
// dram.bytes_per_second=2x". Throws InputError: unknown name (lists the presets), unreadable or
// malformed file (file:line), unknown key (lists the nearest), wrong type, value out of range.
[[nodiscard]] Machine load_machine(const std::string& name_or_file);
// Applies "key=value" (units like 2x relative factors allowed: "dram.bytes_per_second=2x"), and
// names the machine anew.
void set_parameter(Machine& machine, const std::string& assignment);
// Relations between parameters (unified buffer at least a row, ...). Called by the loader.
void validate(const Machine& machine);
[[nodiscard]] std::vector<std::string> machine_names();
[[nodiscard]] std::vector<ParameterView> parameters(const Machine& machine);
[[nodiscard]] std::string to_toml(const Machine& machine);
// The keys of a machine file that are no parameters, as TOML values: name, text and base.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> heading(const Machine& machine);
// A machine without a name of its own is called `own_name`, or, if that is empty, by what it
// changes in tpu_v1, whose values are the defaults.
[[nodiscard]] Machine machine_from_toml(std::string_view text, const std::string& where,
                                        const std::string& own_name = {});

}  // namespace systole::isa
