// SCALE-Sim configurations: a reader of Python's INI dialect (configparser: `key = value` or
// `key : value`, keys in any case, # and ; start comment lines, later sections may come in any
// order) and the mapping of its keys to machine parameters.
//
//   ArrayHeight, ArrayWidth     the array; weight_load is "single"
//   FilterSramSzkB              the weight FIFO: as many whole tiles as it holds, at least one
//   IfmapSramSzkB, OfmapSramSzkB  checked only: there a fold streams through its buffers whatever
//                               their size, so the unified buffer holds a whole layer
//   InterfaceBandwidth          CALC: memory never limits; USER: Bandwidth words of a byte a cycle
//                               (the first, if there are several) from weight memory and each way
//                               over the link
// The other keys of SCALE-Sim say where its traces' addresses start or how it buffers requests:
// they are named as keys without effect.
#include "isa/scalesim_config.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <map>
#include <numeric>

#include "base/clean.h"
#include "base/diag.h"
#include "isa/precisions.h"

namespace systole::isa {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return result;
}

// The file's entries by "section.key" in lower case.
class Ini {
 public:
  Ini(std::string_view text, std::string where) : where_(std::move(where)) {
    for (line_ = 1; !text.empty(); ++line_) {
      const std::size_t end = text.find('\n');
      line(trimmed(text.substr(0, end)));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
  }

  // Empty if the file has no such key.
  [[nodiscard]] std::string text(const std::string& key) const {
    const auto found = entries_.find(lower(key));
    if (found == entries_.end()) return {};
    found->second.read = true;
    return found->second.value;
  }

  // The keys whose value nothing has asked for, in the order of the file.
  [[nodiscard]] std::vector<std::string> unread() const {
    std::vector<const Entry*> entries;
    for (const auto& [key, entry] : entries_) {
      if (!entry.read) entries.push_back(&entry);
    }
    std::ranges::sort(entries, {}, &Entry::line);
    std::vector<std::string> names;
    for (const Entry* entry : entries) names.push_back(entry->key);
    return names;
  }

  [[nodiscard]] std::string place(const std::string& key) const {
    const auto found = entries_.find(lower(key));
    return found == entries_.end() ? where_ : fmt::format("{}:{}", where_, found->second.line);
  }

  // The whole number of a key that must be there; of a list, the first.
  [[nodiscard]] std::int64_t number(const std::string& key, std::int64_t low,
                                    std::int64_t high) const {
    const std::string value = text(key);
    const std::string_view first = trimmed(std::string_view(value).substr(0, value.find(',')));
    std::int64_t result = 0;
    const auto [end, error] = std::from_chars(first.data(), first.data() + first.size(), result);
    const bool whole = error == std::errc{} && end == first.data() + first.size();
    if (whole && result >= low && result <= high) return result;
    throw InputError(place(key), value.empty() ? key + " is missing" : key + " = " + value,
                     fmt::format("a whole number from {} to {}", low, high));
  }

  // A key that may be absent and else must have this value.
  void require(const std::string& key, std::string_view wanted, const char* why) const {
    const std::string value = text(key);
    if (value.empty() || lower(value) == lower(wanted)) return;
    throw InputError(place(key), key + " = " + value, fmt::format("{}, as {}", wanted, why));
  }

 private:
  struct Entry {
    std::string key, value;  // as written
    std::int64_t line = 0;
    mutable bool read = false;
  };

  void line(std::string_view text) {
    if (text.empty() || text.front() == '#' || text.front() == ';') return;
    if (text.front() == '[' && text.back() == ']') {
      section_ = lower(trimmed(text.substr(1, text.size() - 2)));
      return;
    }
    const std::size_t at = text.find_first_of("=:");
    if (section_.empty() || at == 0 || at == std::string_view::npos) {
      throw InputError(fmt::format("{}:{}", where_, line_), "is no line of a SCALE-Sim config",
                       "[section], then key = value or key : value");
    }
    const std::string_view name = trimmed(text.substr(0, at));
    const std::string key = section_ + "." + lower(name);
    const auto [entry, fresh] = entries_.try_emplace(
        key, Entry{std::string(name), std::string(trimmed(text.substr(at + 1))), line_});
    if (fresh) return;
    throw InputError(fmt::format("{}:{}", where_, line_), key + " is there twice",
                     fmt::format("one; the first is in line {}", entry->second.line));
  }

  std::string where_, section_;
  std::int64_t line_ = 0;
  std::map<std::string, Entry> entries_;
};

void require_modelled(const Ini& ini) {
  if (ini.text("architecture_presets.Dataflow").empty()) {
    throw InputError(ini.place(""), "architecture_presets.Dataflow is missing", "ws");
  }
  ini.require("architecture_presets.Dataflow", "ws", "the array is weight-stationary");
  ini.require("sparsity.SparsitySupport", "false", "sparse weights are not modelled");
  ini.require("layout.IfmapCustomLayout", "false", "bank layouts are not modelled");
  ini.require("layout.FilterCustomLayout", "false", "bank layouts are not modelled");
  ini.require("run_presets.UseRamulatorTrace", "false", "memory is modelled, not replayed");
}

void set_bandwidth(const Ini& ini, Machine& machine) {
  constexpr std::int64_t kMaxWords = 100'000;
  const std::string mode = ini.text("run_presets.InterfaceBandwidth");
  if (mode == "CALC" || mode.empty()) return;  // version 1 had no such key, and no limit
  if (mode != "USER") {
    throw InputError(ini.place("run_presets.InterfaceBandwidth"), "InterfaceBandwidth = " + mode,
                     "CALC or USER");
  }
  const std::int64_t words = ini.number("architecture_presets.Bandwidth", 1, kMaxWords);
  machine.dram_bytes_per_second = words * machine.clock_hertz;
  machine.link_in_bytes_per_second = machine.link_out_bytes_per_second =
      machine.dram_bytes_per_second;
}

// A row of the unified buffer holds a block of whole array heights and widths; where that is too
// wide, one of either.
void set_array(const Ini& ini, Machine& machine) {
  constexpr std::int64_t kMaxSide = 1'024, kMaxRow = 4'095, kRows = std::int64_t{1} << 24;
  constexpr std::int64_t kMaxBytes = std::int64_t{1} << 32, kLeast = 256;
  machine.array_rows = ini.number("architecture_presets.ArrayHeight", 2, kMaxSide);
  machine.array_columns = ini.number("architecture_presets.ArrayWidth", 1, kMaxSide);
  machine.array_weight_load = WeightLoad::kSingle;
  const std::int64_t both = std::lcm(machine.array_rows, machine.array_columns);
  const std::int64_t block =
      both <= kMaxRow ? both : std::max(machine.array_rows, machine.array_columns);
  machine.unified_buffer_row_bytes = std::max(kLeast, block);
  machine.unified_buffer_bytes = std::min(kMaxBytes, kRows * machine.unified_buffer_row_bytes);
}

Machine machine_of(const Ini& ini, const std::string& where, Machine base) {
  constexpr std::int64_t kMaxSram = std::int64_t{1} << 30, kKilo = 1'024, kMaxTiles = 1'024;
  require_modelled(ini);
  const std::string run = ini.text("general.run_name");
  base.name = run.empty() ? std::filesystem::path(where).stem().string() : run;
  base.text = "SCALE-Sim configuration " + clean(where);
  set_array(ini, base);
  set_bandwidth(ini, base);
  const std::int64_t filter =
      kKilo * ini.number("architecture_presets.FilterSramSzkB", 1, kMaxSram);
  base.weight_fifo_tiles = std::clamp<std::int64_t>(filter / tile_bytes(base), 1, kMaxTiles);
  return base;
}

}  // namespace

ScaleSimConfig read_scalesim_config(std::string_view text, const std::string& where, Machine base) {
  constexpr std::int64_t kMaxSram = std::int64_t{1} << 30;
  const Ini ini(text, where);
  ScaleSimConfig config;
  config.machine = machine_of(ini, where, std::move(base));
  config.without_effect = ini.unread();
  for (const char* buffer :
       {"architecture_presets.IfmapSramSzkB", "architecture_presets.OfmapSramSzkB"}) {
    static_cast<void>(ini.number(buffer, 1, kMaxSram));
  }
  return config;
}

Machine machine_from_scalesim(std::string_view text, const std::string& where, Machine base) {
  return read_scalesim_config(text, where, std::move(base)).machine;
}

}  // namespace systole::isa
