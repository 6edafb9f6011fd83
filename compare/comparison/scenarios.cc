// See scenarios.h.
#include "compare/comparison/scenarios.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "compare/comparison/server.h"
#include "compare/comparison/summary.h"
#include "report/diff_text.h"

namespace systole::compare {
namespace {

struct Range {
  double low = 1.0, high = 1.0;
};

// The error of a point's times as shares of them: its own interval, or its series'.
std::optional<Range> error_of(const Series& series, const Point& point) {
  if (point.interval) {
    return Range{point.interval->low / point.interval->median,
                 point.interval->high / point.interval->median};
  }
  if (!series.error_percent) return std::nullopt;
  return Range{1.0 - std::min(*series.error_percent / 100.0, 1.0),
               1.0 + *series.error_percent / 100.0};
}

// "array.rows 256 -> 128; dram.kind banked -> simple"
std::string differences(const Series& from, const Series& to) {
  std::string text;
  for (std::size_t i = 0; i < from.parameters.size() && i < to.parameters.size(); ++i) {
    const auto& [key, before] = from.parameters[i];
    const std::string& now = to.parameters[i].second;
    if (now == before) continue;
    text += fmt::format("{}{} {} -> {}", text.empty() ? "" : "; ", key, before, now);
  }
  return text;
}

bool is_machine(const Series& series) {
  return series.kind == kSimulated && series.same_model && !series.points.empty();
}

class RowMaker {
 public:
  explicit RowMaker(Comparison& comparison) : comparison_(comparison) {}

  void make() {
    set_base();
    for (Series& series : comparison_.series) add(series);
    say_what_is_missing();
    set_best();
    set_ratios();
    set_machine_ratios();
    set_means();
  }

 private:
  // `time` is what the scenario is about: the point's latency or its period.
  Row base(const Series& series, const Point& point, const char* scenario,
           const BatchTime& time) const {
    const bool alone = &time == &point.latency;  // else of the period
    Row row;
    row.scenario = scenario;
    row.target = series.target;
    row.kind = series.kind;
    row.precision = series.precision;
    row.threads = series.threads;
    row.batch = point.batch;
    row.latency = point.latency.total;
    row.period = point.period.total;
    row.throughput = static_cast<double>(point.batch) / time.total;
    row.device = time.device;
    row.host = time.host;
    row.bound = point.bound;
    row.why = point.why;
    row.busy = point.spread > kBusySpread;
    row.accuracy = series.accuracy;
    row.quick = point.quick;
    set_machine(series, point, alone, row);
    if (const auto error = error_of(series, point)) {
      row.low = error->low;
      row.high = error->high;
    }
    set_peak(series, row);
    return row;
  }
  void set_machine(const Series& series, const Point& point, bool alone, Row& row) const {
    const Series* first = first_machine(comparison_);
    if (!is_machine(series) || first->target == series.target) return;
    row.against = first->target;
    row.differs = differences(*first, series);
    const Point* other = point_at(*first, point.batch);
    if (other == nullptr) return;
    const auto& of_first = alone ? other->profile_alone : other->profile;
    const auto& of_this = alone ? point.profile_alone : point.profile;
    if (!of_first || !of_this) return;
    const traces::Diff diff = traces::diff(*of_first, *of_this);
    row.cycles_differ = report::diff_line({*of_first, *of_this, diff});
  }
  void set_peak(const Series& series, Row& row) const {
    if (series.peak <= 0.0 || comparison_.macs == 0) return;
    const double operations = 2.0 * static_cast<double>(comparison_.macs) * row.throughput;
    row.peak_percent = 100.0 * operations / series.peak;
  }

  void add(Series& series) {
    series.server = {};
    if (series.points.empty()) return;
    if (!series.same_model) return add_published(series);
    for (const Point& point : series.points) {
      comparison_.rows.push_back(base(series, point, kByBatch, point.period));
    }
    const Point& smallest = series.points.front();
    if (smallest.cold) add_alone(series, smallest, kFirst);
    if (smallest.batch == 1) add_alone(series, smallest, kSingleStream);
    const auto rate = [](const Point& p) { return static_cast<double>(p.batch) / p.period.total; };
    const Point& fastest = *std::ranges::max_element(series.points, {}, rate);
    comparison_.rows.push_back(base(series, fastest, kOffline, fastest.period));
    add_server(series);
  }

  static void set_bound_alone(const Point& point, Row& row) {
    if (point.bound_alone.empty()) return;
    row.bound = point.bound_alone;
    row.why = point.why_alone;
  }

  // One batch by itself, which other things may bound than one of many.
  void add_alone(const Series& series, const Point& point, const char* scenario) {
    Row row = base(series, point, scenario, point.latency);
    set_bound_alone(point, row);
    if (scenario == std::string(kSingleStream)) {
      row.p90 = point.p90;
      row.p99 = point.p99;
    }
    comparison_.rows.push_back(std::move(row));
  }

  // Another's server: rates with the p99 response that was kept, nothing else.
  void add_published(const Series& series) {
    for (const Point& point : series.points) {
      Row row = base(series, point, kServer, point.period);
      row.p99 = point.p99;
      comparison_.rows.push_back(std::move(row));
    }
  }

  void add_server(Series& series) {
    const Served served = server_rate(series.points, comparison_.p99_limit);
    series.server = server_curve(served, comparison_.p99_limit);
    if (served.rate <= 0.0) {
      return add_absent({series.target, setting_text(series.precision, series.threads),
                         fmt::format("server: a batch of {} takes longer than the limit of {:g} ms",
                                     series.points.front().batch, comparison_.p99_limit * 1e3)});
    }
    const Point& largest = served.points.back();
    Row row = base(series, largest, kServer, largest.latency);
    set_bound_alone(largest, row);
    row.throughput = served.rate;
    row.p99 = served.p99;
    row.busy =
        std::ranges::any_of(served.points, [](const Point& p) { return p.spread > kBusySpread; });
    set_server_error(series, served.rate, row);
    set_peak(series, row);
    comparison_.rows.push_back(std::move(row));
  }

  // Rates of the same queue with every batch at the low and at the high end of its error.
  void set_server_error(const Series& series, double rate, Row& row) const {
    row.low.reset();
    row.high.reset();
    std::vector<Point> fast = series.points, slow = series.points;
    for (std::size_t i = 0; i < series.points.size(); ++i) {
      const auto error = error_of(series, series.points[i]);
      if (!error) return;
      fast[i].latency.total *= error->low;
      slow[i].latency.total *= error->high;
    }
    const double most = server_rate(fast, comparison_.p99_limit).rate;
    const double least = server_rate(slow, comparison_.p99_limit).rate;
    if (least <= 0.0) return;
    row.low = rate / most;
    row.high = rate / least;
  }

  // Rule 12, for scenarios that some series cannot have.
  void say_what_is_missing() {
    const auto has = [&](const char* scenario) {
      return std::ranges::any_of(comparison_.rows,
                                 [&](const Row& row) { return row.scenario == scenario; });
    };
    const bool singles = has(kSingleStream), firsts = has(kFirst);
    if (!singles) add_note("single-stream: no rows, as nothing ran at batch 1");
    for (const Series& s : comparison_.series) {
      if (!s.same_model || s.points.empty()) continue;
      if (singles && s.points.front().batch != 1) {
        add_absent({s.target, setting_text(s.precision, s.threads),
                    "single-stream: it did not run at batch 1"});
      }
      if (s.points.front().cold) continue;
      add_note(firsts ? "first inference: simulated machines alone have one; measured targets are "
                        "warmed up, modelled ones have no cold start"
                      : "first inference: no rows, as it is known of simulated machines alone");
    }
  }

  void add_note(const std::string& text) {
    std::vector<std::string>& notes = comparison_.notes;
    if (std::ranges::find(notes, text) == notes.end()) notes.push_back(text);
  }
  void add_absent(Absent absent) {
    const auto known = [&](const Absent& a) {
      return a.target == absent.target && a.precision == absent.precision &&
             a.reason == absent.reason;
    };
    if (std::ranges::none_of(comparison_.absent, known)) {
      comparison_.absent.push_back(std::move(absent));
    }
  }

  // Of rows that differ in their setting alone, the one with the most throughput, but rather one
  // that was measured in peace; of equals the first.
  void set_best() {
    const auto better = [](const Row& a, const Row& b) {
      return a.busy == b.busy ? a.throughput > b.throughput : b.busy;
    };
    for (Row& row : comparison_.rows) {
      row.best = std::ranges::none_of(comparison_.rows, [&](const Row& other) {
        const bool first = &other < &row && !better(row, other);
        return same_but_setting(row, other) && (first || better(other, row));
      });
    }
  }
  static bool same_but_setting(const Row& a, const Row& b) {
    const bool same_batch = a.scenario == kOffline || a.batch == b.batch;
    return a.scenario == b.scenario && a.target == b.target && a.kind == b.kind &&
           a.precision == b.precision && same_batch;
  }

  // Rule 6: one precision, or both keep 99 % of the fp32 accuracy on labelled data.
  [[nodiscard]] bool comparable(const Row& a, const Row& b) const {
    if (a.precision == b.precision) return true;
    const auto& fp32 = comparison_.float_accuracy;
    return fp32 && a.accuracy && b.accuracy && *a.accuracy >= 0.99 * *fp32 &&
           *b.accuracy >= 0.99 * *fp32;
  }

  // The target that ratios are over: the first that was asked for and has rows.
  void set_base() {
    const auto has_rows = [&](const std::string& target) {
      return std::ranges::any_of(comparison_.series, [&](const Series& s) {
        return s.target == target && s.same_model && !s.points.empty();
      });
    };
    const std::vector<std::string>& asked = comparison_.targets;
    const auto first = std::ranges::find_if(asked, has_rows);
    for (const Series& s : comparison_.series) {
      if (s.same_model && base_.empty()) base_ = s.target;
    }
    if (first == asked.end()) return;
    base_ = *first;
    if (first == asked.begin()) return;
    add_note(fmt::format("{} has no rows that others can be compared with: ratios are to {}'s",
                         asked.front(), base_));
  }

  // What the scenario's rows are compared with: the base's best.
  [[nodiscard]] const Row* reference(const Row& row) const {
    for (const Row& other : comparison_.rows) {
      const bool same_batch = row.scenario != kByBatch || row.batch == other.batch;
      if (other.scenario == row.scenario && other.target == base_ && other.kind != kPublished &&
          other.best && same_batch && comparable(row, other)) {
        return &other;
      }
    }
    return nullptr;
  }

  void set_ratios() {
    for (Row& row : comparison_.rows) {
      if (row.scenario == kFirst || row.kind == kPublished) continue;
      const Row* other = reference(row);
      row.reference = other == &row;
      if (other != nullptr && other != &row) row.times_faster = row.throughput / other->throughput;
    }
  }

  // Rule 13: each machine's row over the first one's of the same scenario.
  void set_machine_ratios() {
    for (Row& row : comparison_.rows) {
      if (row.against.empty()) continue;
      const auto first = std::ranges::find_if(comparison_.rows, [&](const Row& other) {
        const bool same_batch = row.scenario != kByBatch || row.batch == other.batch;
        return other.target == row.against && other.scenario == row.scenario &&
               other.precision == row.precision && same_batch;
      });
      if (first == comparison_.rows.end()) continue;
      row.against_times_faster = row.throughput / first->throughput;
    }
  }

  void set_means() {
    struct Sum {
      double logs = 0.0;
      std::int64_t count = 0;
    };
    std::vector<Mean>& means = comparison_.means;
    std::map<std::size_t, Sum> sums;
    for (const Row& row : comparison_.rows) {
      if (row.scenario != kByBatch || !row.best || !row.times_faster) continue;
      if (row.busy || reference(row)->busy) continue;
      const auto found = std::ranges::find_if(means, [&](const Mean& m) {
        return m.target == row.target && m.kind == row.kind && m.precision == row.precision;
      });
      const auto at = static_cast<std::size_t>(found - means.begin());
      if (found == means.end()) means.push_back({row.target, row.kind, row.precision});
      sums[at].logs += std::log(*row.times_faster);
      ++sums[at].count;
    }
    for (const auto& [at, sum] : sums) {
      means[at].times_faster = std::exp(sum.logs / static_cast<double>(sum.count));
      means[at].batches = sum.count;
    }
  }

  Comparison& comparison_;
  std::string base_;
};

}  // namespace

double intensity_of(const Comparison& comparison, const Series& series, const Point& point) {
  if (point.intensity > 0.0) return point.intensity;
  const auto of_precision = comparison.intensities.find(series.precision);
  if (of_precision == comparison.intensities.end()) return 0.0;
  const auto of_batch = of_precision->second.find(point.batch);
  return of_batch == of_precision->second.end() ? 0.0 : of_batch->second;
}

const Series* first_machine(const Comparison& comparison) {
  const auto first = std::ranges::find_if(comparison.series, is_machine);
  return first == comparison.series.end() ? nullptr : &*first;
}

const Point* point_at(const Series& series, std::int64_t batch) {
  const auto point = std::ranges::find(series.points, batch, &Point::batch);
  return point == series.points.end() ? nullptr : &*point;
}

void set_rows(Comparison& comparison) {
  comparison.rows.clear();
  comparison.means.clear();
  if (!comparison.series.empty()) RowMaker(comparison).make();
}

}  // namespace systole::compare
