// See scenarios.h.
#include "compare/scenarios.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "compare/server.h"
#include "compare/summary.h"

namespace systole::compare {
namespace {

double per_sample(const Row& row) { return 1.0 / row.throughput; }

struct Range {
  double low = 1.0, high = 1.0;
};

// The error of a point's time, `seconds`, as shares of it. A model's error is of device times: it
// holds where the row's time is that.
std::optional<Range> error_of(const Series& series, const Point& point, double seconds) {
  if (point.interval) {
    return Range{point.interval->low / point.interval->median,
                 point.interval->high / point.interval->median};
  }
  const bool holds = series.kind != kModelled || seconds == point.device;
  if (!series.error_percent || !holds) return std::nullopt;
  return Range{1.0 - std::min(*series.error_percent / 100.0, 1.0),
               1.0 + *series.error_percent / 100.0};
}

class RowMaker {
 public:
  explicit RowMaker(Comparison& comparison) : comparison_(comparison) {}

  void make() {
    set_base();
    for (const Series& series : comparison_.series) add(series);
    say_what_is_missing();
    set_best();
    set_ratios();
    set_means();
  }

 private:
  Row base(const Series& series, const Point& point, const char* scenario, double seconds) const {
    Row row;
    row.scenario = scenario;
    row.target = series.target;
    row.kind = series.kind;
    row.precision = series.precision;
    row.threads = series.threads;
    row.batch = point.batch;
    row.latency = seconds;
    row.throughput = static_cast<double>(point.batch) / seconds;
    row.device = point.device;
    row.host = point.host;
    row.bound = point.bound;
    row.accuracy = series.accuracy;
    row.quick = point.quick;
    if (const auto error = error_of(series, point, seconds)) {
      row.low = error->low;
      row.high = error->high;
    }
    set_peak(series, row);
    return row;
  }
  void set_peak(const Series& series, Row& row) const {
    if (series.peak <= 0.0 || comparison_.macs == 0) return;
    const double operations = 2.0 * static_cast<double>(comparison_.macs) * row.throughput;
    row.peak_percent = 100.0 * operations / series.peak;
  }

  void add(const Series& series) {
    if (series.points.empty()) return;
    if (!series.same_model) return add_published(series);
    for (const Point& point : series.points) {
      comparison_.rows.push_back(base(series, point, kByBatch, point.period));
    }
    const Point& smallest = series.points.front();
    if (smallest.first) add_alone(series, smallest, kFirst, *smallest.first);
    if (smallest.batch == 1) add_alone(series, smallest, kSingleStream, smallest.alone);
    const auto rate = [](const Point& p) { return static_cast<double>(p.batch) / p.period; };
    const Point& fastest = *std::ranges::max_element(series.points, {}, rate);
    comparison_.rows.push_back(base(series, fastest, kOffline, fastest.period));
    add_server(series);
  }

  // One batch by itself, which other things may bound than one of many.
  void add_alone(const Series& series, const Point& point, const char* scenario, double seconds) {
    Row row = base(series, point, scenario, seconds);
    if (!point.bound_alone.empty()) row.bound = point.bound_alone;
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
      row.latency = point.p99.value_or(0.0);
      row.p99 = point.p99;
      comparison_.rows.push_back(std::move(row));
    }
  }

  void add_server(const Series& series) {
    const Served served = server_rate(series.points, comparison_.p99_limit);
    if (served.rate <= 0.0) {
      return add_absent({series.target, setting_text(series.precision, series.threads),
                         fmt::format("server: a batch of {} takes longer than the limit of {:g} ms",
                                     series.points.front().batch, comparison_.p99_limit * 1e3)});
    }
    Row row = base(series, series.points.back(), kServer, served.p99);
    if (!series.points.back().bound_alone.empty()) row.bound = series.points.back().bound_alone;
    row.throughput = served.rate;
    row.p99 = served.p99;
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
      const auto error = error_of(series, series.points[i], series.points[i].alone);
      if (!error) return;
      fast[i].alone *= error->low;
      slow[i].alone *= error->high;
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
      if (s.points.front().first) continue;
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

  // Of rows that differ in their setting alone, the one with the most throughput.
  void set_best() {
    for (Row& row : comparison_.rows) {
      row.best = std::ranges::none_of(comparison_.rows, [&](const Row& other) {
        return same_but_setting(row, other) && other.throughput > row.throughput;
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
    add_note(fmt::format("{} has no rows that others can be compared with: times are over {}'s",
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
      if (other != nullptr && other != &row) row.ratio = per_sample(row) / per_sample(*other);
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
      if (row.scenario != kByBatch || !row.best || !row.ratio) continue;
      const auto found = std::ranges::find_if(means, [&](const Mean& m) {
        return m.target == row.target && m.kind == row.kind && m.precision == row.precision;
      });
      const auto at = static_cast<std::size_t>(found - means.begin());
      if (found == means.end()) means.push_back({row.target, row.kind, row.precision});
      sums[at].logs += std::log(*row.ratio);
      ++sums[at].count;
    }
    for (const auto& [at, sum] : sums) {
      means[at].ratio = std::exp(sum.logs / static_cast<double>(sum.count));
      means[at].batches = sum.count;
    }
  }

  Comparison& comparison_;
  std::string base_;
};

}  // namespace

void set_rows(Comparison& comparison) {
  comparison.rows.clear();
  comparison.means.clear();
  if (!comparison.series.empty()) RowMaker(comparison).make();
}

}  // namespace systole::compare
