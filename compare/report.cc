// What a comparison looks like: the table, its sentence and its JSON.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "compare/compare.h"

namespace systole::compare {
namespace {

constexpr const char* kLegend =
    "End to end: input bytes in host memory to output bytes in host memory, per batch; the "
    "simulated "
    "machine's link is included and its host work priced, not measured. +/-: 95 % interval of the "
    "median. Device only: simulated cycles with the link, or the CPU's multiplications. Time: end "
    "to "
    "end over the first row's, within one precision or where both keep 99 % of the fp32 accuracy. "
    "First: the first inference. Output: against the reference evaluator, equal, bytes that differ "
    "or largest difference. The simulation has no error bar here.";

// "52.1 us", "1.340 ms": four significant digits.
std::string time_text(double seconds) {
  if (seconds >= 1.0) return fmt::format("{:#.4g} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:#.4g} ms", seconds * 1e3);
  return fmt::format("{:#.4g} us", seconds * 1e6);
}

std::string rate_text(double per_second) {
  if (per_second >= 1e6) return fmt::format("{:.2f} M", per_second / 1e6);
  if (per_second >= 1e3) return fmt::format("{:.1f} k", per_second / 1e3);
  return fmt::format("{:.1f}", per_second);
}

// The further end of the interval, as a share of the median.
std::string interval_text(const Row& row) {
  if (!row.interval) return "-";
  const double below = row.interval->median - row.interval->low;
  const double above = row.interval->high - row.interval->median;
  return fmt::format("{:.1f} %", std::max(below, above) / row.interval->median * 100.0);
}

std::string check_text(const OutputCheck& check) {
  if (check.mismatches == 0) return "equal";
  if (check.metric == "bytes") return fmt::format("{} bytes", check.mismatches);
  return fmt::format("{:.0e}", check.max_difference);
}

// Breaks a sentence into lines of at most 100 characters.
std::string wrapped(const std::string& text) {
  constexpr std::size_t kWidth = 100;
  std::istringstream words(text);
  std::string result;
  std::size_t column = 0;
  for (std::string word; words >> word; column += word.size()) {
    if (column > 0) {
      const bool fits = column + 1 + word.size() <= kWidth;
      result += fits ? ' ' : '\n';
      column = fits ? column + 1 : 0;
    }
    result += word;
  }
  return result;
}

const Row* best_measured(const Comparison& comparison) {
  const Row* best = nullptr;
  for (const Row& row : comparison.rows) {
    const bool candidate = row.kind == "measured" && row.interval &&
                           row.precision == comparison.rows.front().precision;
    if (candidate && (best == nullptr || row.throughput > best->throughput)) best = &row;
  }
  return best;
}

std::string threads_text(int threads) { return threads == 0 ? "-" : fmt::format("{}", threads); }

nlohmann::ordered_json to_json(const Row& row) {
  const auto optional = [](const auto& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
  };
  nlohmann::ordered_json json{{"target", row.target},
                              {"kind", row.kind},
                              {"scenario", row.scenario},
                              {"precision", row.precision},
                              {"threads", row.threads},
                              {"latency_seconds", row.latency_seconds},
                              {"interval", nullptr},
                              {"device_seconds", row.device_seconds},
                              {"host_seconds", row.host_seconds},
                              {"throughput", row.throughput},
                              {"ratio", optional(row.ratio)},
                              {"accuracy", optional(row.accuracy)},
                              {"output_check", to_json(row.check)}};
  if (row.interval) json["interval"] = to_json(*row.interval);
  return json;
}

}  // namespace

std::string summarise(const Comparison& comparison) {
  const Row* cpu = best_measured(comparison);
  if (comparison.rows.empty() || cpu == nullptr) return "nothing to compare";
  const Row& tpu = comparison.rows.front();
  const double low = cpu->interval->low / tpu.latency_seconds;
  const double high = cpu->interval->high / tpu.latency_seconds;
  const std::string rows = fmt::format(
      "A batch of {} takes {} {} simulated and this CPU {} measured ({}, {} thread{})",
      comparison.batch, comparison.machine, time_text(tpu.latency_seconds),
      time_text(cpu->latency_seconds), cpu->precision, cpu->threads, cpu->threads == 1 ? "" : "s");
  if (low <= 1.0 && high >= 1.0) {
    return fmt::format(
        "{}: no winner is named, as the ratio's 95 % interval, {:.2f} to {:.2f}, "
        "holds 1.",
        rows, low, high);
  }
  return fmt::format(
      "{}: {:.2f} times as long, 95 % interval {:.2f} to {:.2f} from the "
      "measurement alone.",
      rows, cpu->latency_seconds / tpu.latency_seconds, low, high);
}

void print_table(const Comparison& comparison, std::ostream& out) {
  fmt::print(out, "{}, batch {}: {} simulated beside {}\n\n", comparison.model, comparison.batch,
             comparison.machine, comparison.device);
  std::size_t width = 0;
  for (const Row& row : comparison.rows) width = std::max(width, row.target.size());
  const auto line = [&](const std::string& target, const auto&... cells) {
    fmt::print(out, "{:<{}} {:<9} {:<4} {:>7} {:>10} {:>6} {:>11} {:>9} {:>7} {:>8} {:>9}\n",
               target, width, cells...);
  };
  line("target", "kind", "type", "threads", "end to end", "+/-", "device only", "samples/s", "time",
       "accuracy", "output");
  for (const Row& row : comparison.rows) {
    line(row.scenario == "steady state" ? row.target : "  first", row.kind, row.precision,
         threads_text(row.threads), time_text(row.latency_seconds), interval_text(row),
         time_text(row.device_seconds), rate_text(row.throughput),
         row.ratio ? fmt::format("{:.2f}x", *row.ratio) : "-",
         row.accuracy ? fmt::format("{:.2f} %", *row.accuracy * 100.0) : "-",
         check_text(row.check));
  }
  fmt::print(out, "\n{}\n\n{}\n", wrapped(comparison.summary), wrapped(kLegend));
}

nlohmann::ordered_json to_json(const Comparison& comparison) {
  nlohmann::ordered_json json{{"schema", "systole.comparison/1"},
                              {"model", comparison.model},
                              {"model_hash", comparison.model_hash},
                              {"machine", comparison.machine},
                              {"device", comparison.device},
                              {"batch", comparison.batch},
                              {"date", comparison.date},
                              {"command", comparison.command},
                              {"summary", comparison.summary}};
  json["rows"] = nlohmann::ordered_json::array();
  for (const Row& row : comparison.rows) json["rows"].push_back(to_json(row));
  json["measurements"] = nlohmann::ordered_json::array();
  for (const Measurement& m : comparison.measurements) json["measurements"].push_back(to_json(m));
  return json;
}

}  // namespace systole::compare
