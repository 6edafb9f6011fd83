// See scenarios.h.
#include "compare/scenarios.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "base/diag.h"

namespace systole::compare {
namespace {

constexpr std::int64_t kRequests = 20'000;  // of one trial of the server
constexpr std::uint64_t kSeed = 0x5E5701E;
constexpr int kBisections = 24;

// The smallest point that holds `waiting` requests, else the largest.
const Point& point_for(std::span<const Point> points, std::int64_t waiting) {
  const auto found =
      std::ranges::find_if(points, [&](const Point& p) { return p.batch >= waiting; });
  return found == points.end() ? points.back() : *found;
}

double per_sample(const Row& row) { return 1.0 / row.throughput; }

// The row's error as shares of its time.
void set_error(const Series& series, const Point& point, Row& row) {
  if (point.interval) {
    row.low = point.interval->low / point.interval->median;
    row.high = point.interval->high / point.interval->median;
  } else if (series.error_percent) {
    row.low = 1.0 - std::min(*series.error_percent / 100.0, 1.0);
    row.high = 1.0 + *series.error_percent / 100.0;
  }
}

class RowMaker {
 public:
  explicit RowMaker(Comparison& comparison) : comparison_(comparison) {}

  void make() {
    for (const Series& series : comparison_.series) add(series);
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
    set_error(series, point, row);
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
    for (const Point& point : series.points) {
      comparison_.rows.push_back(base(series, point, kByBatch, point.period));
    }
    const Point& smallest = series.points.front();
    if (smallest.first) comparison_.rows.push_back(base(series, smallest, kFirst, *smallest.first));
    if (smallest.batch == 1 && series.same_model) {
      Row row = base(series, smallest, kSingleStream, smallest.alone);
      if (!smallest.bound_alone.empty()) row.bound = smallest.bound_alone;
      row.p90 = smallest.p90;
      row.p99 = smallest.p99;
      comparison_.rows.push_back(std::move(row));
    }
    const auto rate = [](const Point& p) { return static_cast<double>(p.batch) / p.period; };
    const Point& fastest = *std::ranges::max_element(series.points, {}, rate);
    comparison_.rows.push_back(base(series, fastest, kOffline, fastest.period));
    if (series.same_model) add_server(series);
  }

  void add_server(const Series& series) {
    const double rate = server_rate(series.points, comparison_.p99_limit);
    if (rate <= 0.0) {
      return comparison_.absent.push_back(
          {series.target, series.precision,
           fmt::format("server: a batch of {} takes longer than the limit of {:g} ms",
                       series.points.front().batch, comparison_.p99_limit * 1e3)});
    }
    Row row = base(series, series.points.back(), kServer, comparison_.p99_limit);
    row.throughput = rate;
    row.p99 = server_p99(series.points, rate);
    set_peak(series, row);
    comparison_.rows.push_back(std::move(row));
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

  // What the scenario's rows are compared with: the first target's best.
  [[nodiscard]] const Row* reference(const Row& row) const {
    const std::string& first = comparison_.series.front().target;
    for (const Row& other : comparison_.rows) {
      const bool same_batch = row.scenario != kByBatch || row.batch == other.batch;
      if (other.scenario == row.scenario && other.target == first && other.best && same_batch &&
          comparable(row, other)) {
        return &other;
      }
    }
    return nullptr;
  }

  void set_ratios() {
    for (Row& row : comparison_.rows) {
      if (row.scenario == kFirst || row.kind == kPublished) continue;
      if (const Row* other = reference(row)) row.ratio = per_sample(row) / per_sample(*other);
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
};

}  // namespace

double server_p99(std::span<const Point> points, double rate) {
  SYSTOLE_CHECK(!points.empty() && rate > 0.0, "a server without work");
  std::mt19937_64 random(kSeed);
  std::vector<double> arrivals;
  double clock = 0.0;
  for (std::int64_t i = 0; i < kRequests; ++i) {
    const double uniform = static_cast<double>((random() >> 11) + 1) * 0x1p-53;  // (0, 1]
    arrivals.push_back(clock += -std::log(uniform) / rate);
  }
  std::vector<double> responses;
  double free_at = 0.0;
  for (std::size_t next = 0; next < arrivals.size();) {
    const double start = std::max(free_at, arrivals[next]);
    std::size_t end = next;
    while (end < arrivals.size() && arrivals[end] <= start &&
           static_cast<std::int64_t>(end - next) < points.back().batch) {
      ++end;
    }
    const auto waiting = static_cast<std::int64_t>(end - next);
    free_at = start + point_for(points, waiting).alone;
    for (; next < end; ++next) responses.push_back(free_at - arrivals[next]);
  }
  return percentile(responses, 0.99);
}

double server_rate(std::span<const Point> points, double limit) {
  if (points.empty() || points.front().alone > limit) return 0.0;
  double most = 0.0;  // no server is faster than its best batch
  for (const Point& p : points) most = std::max(most, static_cast<double>(p.batch) / p.alone);
  double low = 0.0, high = most;
  for (int i = 0; i < kBisections; ++i) {
    const double middle = (low + high) / 2.0;
    (server_p99(points, middle) <= limit ? low : high) = middle;
  }
  return low;
}

void set_rows(Comparison& comparison) {
  comparison.rows.clear();
  comparison.means.clear();
  if (!comparison.series.empty()) RowMaker(comparison).make();
}

}  // namespace systole::compare
