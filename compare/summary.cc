// See summary.h.
#include "compare/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace systole::compare {
namespace {

std::string name_of(const Row& row) {
  std::string text = fmt::format("{} ({}, {}", row.target, row.kind, row.precision);
  if (row.threads > 0) {
    text += fmt::format(", {} thread{}", row.threads, row.threads == 1 ? "" : "s");
  }
  return text + ")";
}

std::string figure_of(const Row& row) {
  if (row.scenario == kSingleStream) return time_text(row.latency);
  return fmt::format("{} samples/s", rate_text(row.throughput));
}

std::string reason_of(const Row& row) {
  return row.bound.empty() ? "" : fmt::format(", bound by {}", row.bound);
}

double time_of(const Row& row) { return 1.0 / row.throughput; }

// " Left out: a int8, b fp32." of rows, each target and precision once, in order; nothing of none.
std::string list_of(const std::string& heading, const std::vector<const Row*>& rows) {
  std::vector<std::string> names;
  for (const Row* row : rows) {
    std::string name = row->target + " " + row->precision;
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names.empty() ? "" : fmt::format(" {}: {}.", heading, fmt::join(names, ", "));
}

// The fastest row of each target, fastest first.
std::vector<const Row*> fastest_of_each(std::vector<const Row*> rows) {
  std::ranges::stable_sort(rows, {}, [](const Row* row) { return time_of(*row); });
  std::vector<const Row*> first;
  for (const Row* row : rows) {
    const bool seen = std::ranges::any_of(first, [&](const Row* other) {
      return other->target == row->target && other->kind == row->kind;
    });
    if (!seen) first.push_back(row);
  }
  return first;
}

std::string verdict(const std::string& scenario, const Row& winner, const Row& second) {
  const double low = time_of(second) * *second.low / (time_of(winner) * *winner.high);
  const double high = time_of(second) * *second.high / (time_of(winner) * *winner.low);
  const std::string both =
      fmt::format("{}: {} does {} at batch {}{}; {} does {} at batch {}{}", scenario,
                  name_of(winner), figure_of(winner), winner.batch, reason_of(winner),
                  name_of(second), figure_of(second), second.batch, reason_of(second));
  if (low <= 1.0) {
    return fmt::format(
        "{}: no winner is named, as the ratio, {:.2f}, lies inside the joint error ({:.2f} to "
        "{:.2f}).",
        both, time_of(second) / time_of(winner), low, high);
  }
  return fmt::format("{}: {} wins by {:.2f}, {:.2f} to {:.2f} by the joint error.", both,
                     winner.target, time_of(second) / time_of(winner), low, high);
}

// The rows of a scenario by what can be said of them.
struct Sorted {
  std::vector<const Row*> judged, unknown, unfair, published;
};

Sorted sorted(const std::string& scenario, const std::vector<Row>& rows) {
  Sorted all;
  for (const Row& row : rows) {
    if (row.scenario != scenario || !row.best) continue;
    const bool fair = row.ratio || row.reference;
    auto& part = row.kind == kPublished  ? all.published
                 : !fair                 ? all.unfair
                 : (row.low && row.high) ? all.judged
                                         : all.unknown;
    part.push_back(&row);
  }
  return all;
}

std::string sentence(const std::string& scenario, const Sorted& rows) {
  const auto fastest = fastest_of_each(rows.judged);
  std::string text;
  if (fastest.size() >= 2) {
    text = verdict(rows.unknown.empty() ? scenario : scenario + ", of those whose error is known",
                   *fastest[0], *fastest[1]);
    const std::vector<const Row*> shown = {fastest[0], fastest[1]};
    std::vector<const Row*> others;
    for (const Row* row : rows.judged) {
      if (std::ranges::find(shown, row) == shown.end()) others.push_back(row);
    }
    text += list_of("Judged too, and slower", others);
  } else if (rows.unknown.empty()) {
    text = fmt::format("{}: no winner is named, as no two targets can be compared.", scenario);
  } else {
    text = fmt::format("{}: no winner is named, as the error of {} target{} is known.", scenario,
                       fastest.size(), fastest.size() == 1 ? "" : "s");
  }
  if (!rows.unknown.empty()) {
    const Row& best = *fastest_of_each(rows.unknown).front();
    text += list_of("Not judged, as nobody knows their error", rows.unknown);
    text += fmt::format(" The fastest of them, {}, does {}.", name_of(best), figure_of(best));
  }
  return text + list_of("Left out, as rule 6 forbids the ratio", rows.unfair) +
         list_of("Published, of another's run, and in no ratio", rows.published);
}

}  // namespace

std::string setting_text(const std::string& precision, int threads) {
  return threads > 0 ? fmt::format("{}/{}", precision, threads) : precision;
}

std::string time_text(double seconds) {
  if (seconds >= 1.0) return fmt::format("{:#.4g} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:#.4g} ms", seconds * 1e3);
  return fmt::format("{:#.4g} us", seconds * 1e6);
}

std::string rate_text(double per_second) {
  if (per_second >= 1e9) return fmt::format("{:.2f} G", per_second / 1e9);
  if (per_second >= 1e6) return fmt::format("{:.2f} M", per_second / 1e6);
  if (per_second >= 1e3) return fmt::format("{:.1f} k", per_second / 1e3);
  return fmt::format("{:.1f} ", per_second);
}

std::vector<std::string> summarise(const std::vector<Row>& rows) {
  std::vector<std::string> sentences;
  for (const char* scenario : {kSingleStream, kOffline, kServer}) {
    const Sorted of_it = sorted(scenario, rows);
    const std::size_t count =
        of_it.judged.size() + of_it.unknown.size() + of_it.unfair.size() + of_it.published.size();
    if (count >= 2) sentences.push_back(sentence(scenario, of_it));
  }
  return sentences;
}

}  // namespace systole::compare
