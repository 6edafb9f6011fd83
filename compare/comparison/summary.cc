// See summary.h.
#include "compare/comparison/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

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
  const std::string& text = row.why.empty() ? row.bound : row.why;
  return text.empty() ? "" : fmt::format(", bound by {}", text);
}

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
  std::ranges::stable_sort(rows, std::greater{}, [](const Row* row) { return row->throughput; });
  std::vector<const Row*> first;
  for (const Row* row : rows) {
    const bool seen = std::ranges::any_of(first, [&](const Row* other) {
      return other->target == row->target && other->kind == row->kind;
    });
    if (!seen) first.push_back(row);
  }
  return first;
}

double times_faster(const Row& winner, const Row& other) {
  return winner.throughput / other.throughput;
}

std::string does(const Row& row) {
  return fmt::format("{} does {} at batch {}{}", name_of(row), figure_of(row), row.batch,
                     reason_of(row));
}

std::string verdict(const std::string& scenario, const Row& winner, const Row& second) {
  const double ratio = times_faster(winner, second);
  const double low = ratio * *second.low / *winner.high;
  const double high = ratio * *second.high / *winner.low;
  const std::string both = fmt::format("{}: {}; {}", scenario, does(winner), does(second));
  if (low <= 1.0) {
    return fmt::format(
        "{}: no winner is named, as the ratio, {:.2f}, lies inside the joint error ({:.2f} to "
        "{:.2f}).",
        both, ratio, low, high);
  }
  return fmt::format("{}: {} is {:.2f} times faster than {}, {:.2f} to {:.2f} by the joint error.",
                     both, winner.target, ratio, second.target, low, high);
}

// The rows of a scenario by what can be said of them.
struct Sorted {
  std::vector<const Row*> judged, unknown, unfair, published, busy;
  std::vector<const Row*> simulated;  // of fair ones, the fastest of each machine
};

Sorted sorted(const std::string& scenario, const std::vector<Row>& rows) {
  Sorted all;
  for (const Row& row : rows) {
    if (row.scenario != scenario || !row.best) continue;
    const bool fair = row.times_faster || row.reference;
    auto& part = row.kind == kPublished  ? all.published
                 : row.busy              ? all.busy
                 : !fair                 ? all.unfair
                 : (row.low && row.high) ? all.judged
                                         : all.unknown;
    part.push_back(&row);
    if (fair && row.kind == kSimulated) all.simulated.push_back(&row);
  }
  all.simulated = fastest_of_each(std::move(all.simulated));
  // Machines are judged among themselves; beside other kinds the fastest stands for all.
  const auto slower_machine = [&](const Row* row) {
    return row->kind == kSimulated && row != all.simulated.front();
  };
  if (!all.simulated.empty()) {
    std::erase_if(all.judged, slower_machine);
    std::erase_if(all.unknown, slower_machine);
  }
  return all;
}

// What differs between two simulated machines, as each row says it of the first machine.
std::string difference_of(const std::vector<const Row*>& rows) {
  std::string text;
  for (const Row* row : rows) {
    if (row->against.empty()) continue;
    text += fmt::format(" {} differs from {} in {}{}{}.", row->target, row->against,
                        short_differences(row->differs), row->cycles_differ.empty() ? "" : "; ",
                        row->cycles_differ);
  }
  return text;
}

// One simulator, compiler and model: what is not modelled cancels, so no error keeps a verdict
// back.
std::string simulated_sentence(const std::string& scenario, const std::vector<const Row*>& rows) {
  const Row& winner = *rows.front();
  std::string text = fmt::format("{}, simulated against simulated: {}", scenario, does(winner));
  for (const Row* row : rows) {
    if (row == &winner) continue;
    const double ratio = times_faster(winner, *row);
    text += ratio > 1.0 ? fmt::format("; that is {:.2f} times faster than {}", ratio, row->target)
                        : fmt::format("; {} is as fast", row->target);
    text += fmt::format(" ({} at batch {}{})", figure_of(*row), row->batch, reason_of(*row));
  }
  return text + "." + difference_of(rows);
}

// Why fewer than two targets can be judged.
std::string known_error(const std::vector<const Row*>& judged) {
  if (judged.empty()) return "the error of none is known";
  return fmt::format("only {}'s error is known", judged.front()->target);
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
    text = fmt::format("{}: no winner is named, as {}.", scenario, known_error(fastest));
  }
  if (!rows.unknown.empty()) {
    const Row& best = *fastest_of_each(rows.unknown).front();
    text += list_of("Not judged, as nobody knows their error", rows.unknown);
    text += fmt::format(" The fastest of them, {}, does {}.", name_of(best), figure_of(best));
  }
  return text + list_of("Left out, as the computer was busy while they were measured", rows.busy) +
         list_of("Left out, as rule 6 forbids the ratio", rows.unfair) +
         list_of("Published, of another's run, and in no ratio", rows.published);
}

}  // namespace

std::string short_differences(const std::string& differs) {
  constexpr std::int64_t kMostShown = 4;
  const std::int64_t count = 1 + std::ranges::count(differs, ';');
  if (count <= kMostShown) return differs;
  std::size_t end = 0;
  for (std::int64_t i = 0; i < kMostShown; ++i) end = differs.find(';', end + 1);
  return fmt::format("{} and {} more", differs.substr(0, end), count - kMostShown);
}

std::string setting_text(const std::string& precision, int threads) {
  return threads > 0 ? fmt::format("{}/{}", precision, threads) : precision;
}

std::string time_text(double seconds) {
  if (seconds >= 1.0) return fmt::format("{:#.4g} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:#.4g} ms", seconds * 1e3);
  return fmt::format("{:#.4g} us", seconds * 1e6);
}

std::string remarks(const Measurement& measurement) {
  std::string text;
  if (measurement.quick()) text += " (quick)";
  if (measurement.spread() > kBusySpread) text += " (busy)";
  return text;
}

std::string rate_text(double per_second) {
  if (per_second >= 1e9) return fmt::format("{:.2f} G", per_second / 1e9);
  if (per_second >= 1e6) return fmt::format("{:.2f} M", per_second / 1e6);
  if (per_second >= 1e3) return fmt::format("{:.1f} k", per_second / 1e3);
  return fmt::format("{:.1f} ", per_second);
}

namespace {

std::string headline(const std::string& scenario, const Sorted& rows) {
  const auto fastest = fastest_of_each(rows.judged);
  std::vector<const Row*> known = rows.judged;
  known.insert(known.end(), rows.unknown.begin(), rows.unknown.end());
  if (known.empty()) return "";
  const Row& best = *fastest_of_each(known).front();
  const std::string bound = best.bound.empty() ? "" : fmt::format(", bound by {}", best.bound);
  if (fastest.size() < 2) {
    return fmt::format("{}: no winner, as {}; fastest: {}, {}{}", scenario, known_error(fastest),
                       name_of(best), figure_of(best), bound);
  }
  const Row& winner = *fastest[0];
  const Row& second = *fastest[1];
  const double ratio = times_faster(winner, second);
  const double low = ratio * *second.low / *winner.high;
  const double high = ratio * *second.high / *winner.low;
  const std::string by = fmt::format("{:.2f} times faster than {} ({:.2f} to {:.2f})", ratio,
                                     second.target, low, high);
  const std::string why = winner.bound.empty() ? "" : fmt::format(", bound by {}", winner.bound);
  const std::string of = rows.unknown.empty() ? "" : ", of those whose error is known";
  return low > 1.0
             ? fmt::format("{}{}: {} wins, {}{}", scenario, of, winner.target, by, why)
             : fmt::format("{}{}: no winner, {} is {}{}", scenario, of, winner.target, by, why);
}

}  // namespace

std::vector<std::string> headlines(const std::vector<Row>& rows) {
  std::vector<std::string> lines;
  for (const char* scenario : {kSingleStream, kOffline, kServer}) {
    const Sorted of_it = sorted(scenario, rows);
    std::string line = headline(scenario, of_it);
    if (!line.empty()) lines.push_back(std::move(line));
    if (of_it.simulated.size() < 2) continue;
    const Row& first = *of_it.simulated[0];
    const Row& second = *of_it.simulated[1];
    lines.push_back(
        fmt::format("{}, simulated against simulated: {} is {:.2f} times faster than {}", scenario,
                    first.target, times_faster(first, second), second.target));
  }
  return lines;
}

std::vector<std::string> summarise(const std::vector<Row>& rows) {
  std::vector<std::string> sentences;
  for (const char* scenario : {kSingleStream, kOffline, kServer}) {
    const Sorted of_it = sorted(scenario, rows);
    const std::size_t count = of_it.judged.size() + of_it.unknown.size() + of_it.unfair.size() +
                              of_it.published.size() + of_it.busy.size();
    if (count >= 2) sentences.push_back(sentence(scenario, of_it));
    if (of_it.simulated.size() >= 2) {
      sentences.push_back(simulated_sentence(scenario, of_it.simulated));
    }
  }
  return sentences;
}

}  // namespace systole::compare
