// See server.h.
#include "compare/comparison/server.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "base/diag.h"

namespace systole::compare {
namespace {

constexpr std::uint64_t kSeed = 0x5E5701E;
constexpr double kLimits = 100.0;  // of a trial's time
constexpr std::int64_t kLeastRequests = 200'000, kMostRequests = 4'000'000;
constexpr std::int64_t kWarmUp = 10;   // the trial is so many times as long
constexpr double kPrecision = 1e-3;    // of the rate
constexpr std::size_t kMostSizes = 2;  // three find 0.2 % more at best
constexpr std::array kLoads = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, kMostLoad};

// The smallest point that holds `waiting` requests, else the largest.
const Point& point_for(std::span<const Point> points, std::int64_t waiting) {
  const auto found =
      std::ranges::find_if(points, [&](const Point& p) { return p.batch >= waiting; });
  return found == points.end() ? points.back() : *found;
}

std::vector<double> arrivals_at(double rate, std::int64_t requests) {
  std::mt19937_64 random(kSeed);
  std::vector<double> arrivals(static_cast<std::size_t>(requests));
  double clock = 0.0;
  for (double& arrival : arrivals) {
    const double uniform = static_cast<double>((random() >> 11) + 1) * 0x1p-53;  // (0, 1]
    arrival = clock += -std::log(uniform) / rate;
  }
  return arrivals;
}

// Calls `respond` with the response of each request, in order of arrival, until it returns false.
template <typename Respond>
void serve(std::span<const Point> points, std::span<const double> arrivals, Respond respond) {
  double free_at = 0.0;
  for (std::size_t next = 0; next < arrivals.size();) {
    const double start = std::max(free_at, arrivals[next]);
    std::size_t end = next;
    while (end < arrivals.size() && arrivals[end] <= start &&
           static_cast<std::int64_t>(end - next) < points.back().batch) {
      ++end;
    }
    const auto waiting = static_cast<std::int64_t>(end - next);
    free_at = start + point_for(points, waiting).latency.total;
    for (; next < end; ++next) {
      if (!respond(next, free_at - arrivals[next])) return;
    }
  }
}

// Nearest rank, as percentile() of measurement.h, without sorting millions.
std::int64_t rank_of(double share, std::int64_t requests) {
  return static_cast<std::int64_t>(std::ceil(share * static_cast<double>(requests)));
}

// A trial's arrivals; the first `warm_up` of them do not count.
struct Trial {
  Trial(double rate, std::int64_t requests)
      : warm_up(requests / kWarmUp), arrivals(arrivals_at(rate, warm_up + requests)) {}
  std::int64_t warm_up;
  std::vector<double> arrivals;

  // Whether the p99 response keeps the limit: whether no more responses exceed it than may.
  [[nodiscard]] bool keeps(std::span<const Point> points, double limit) const {
    const std::int64_t requests = std::ssize(arrivals) - warm_up;
    std::int64_t late = requests - rank_of(0.99, requests);
    serve(points, arrivals, [&](std::size_t i, double response) {
      if (response > limit && static_cast<std::int64_t>(i) >= warm_up) --late;
      return late >= 0;
    });
    return late >= 0;
  }
  // The responses that these shares of all do not pass; the shares ascend.
  [[nodiscard]] std::vector<double> percentiles(std::span<const Point> points,
                                                std::span<const double> shares) const {
    std::vector<double> responses;
    responses.reserve(arrivals.size());
    serve(points, arrivals, [&](std::size_t, double response) {
      responses.push_back(response);
      return true;
    });
    const auto counted = std::span(responses).subspan(static_cast<std::size_t>(warm_up));
    std::vector<double> found;
    auto from = counted.begin();  // all before are no longer
    for (const double share : shares) {
      const auto at = counted.begin() + (rank_of(share, std::ssize(counted)) - 1);
      std::ranges::nth_element(from, at, counted.end());
      found.push_back(*at);
      from = at;
    }
    return found;
  }
};

double capacity_of(const Point& largest) {
  return static_cast<double>(largest.batch) / largest.latency.total;
}
double most_of(const Point& largest) { return kMostLoad * capacity_of(largest); }

// All sets of up to kMostSizes points whose smallest batch keeps the limit alone, as positions.
std::vector<std::vector<Point>> policies_of(std::span<const Point> points, double limit) {
  std::vector<std::vector<Point>> all;
  std::vector<Point> sizes;
  const auto extend = [&](auto& self, std::size_t from) -> void {
    for (std::size_t i = from; i < points.size() && sizes.size() < kMostSizes; ++i) {
      if (sizes.empty() && points[i].latency.total > limit) continue;
      sizes.push_back(points[i]);
      all.push_back(sizes);
      self(self, i + 1);
      sizes.pop_back();
    }
  };
  extend(extend, 0);
  return all;
}

bool sustains(std::span<const Point> points, double rate, double limit) {
  return Trial(rate, trial_requests(rate, limit)).keeps(points, limit);
}

// Of a server that has all these sizes and no others.
double rate_of(std::span<const Point> points, double limit) {
  double low = 0.0, high = most_of(points.back());
  if (sustains(points, high, limit)) return high;
  while (high - low > kPrecision * high) {
    const double middle = (low + high) / 2.0;
    (sustains(points, middle, limit) ? low : high) = middle;
  }
  return low;
}

}  // namespace

std::int64_t trial_requests(double rate, double limit) {
  const double wanted = kLimits * limit * rate;
  return static_cast<std::int64_t>(
      std::clamp(wanted, static_cast<double>(kLeastRequests), static_cast<double>(kMostRequests)));
}

double server_p99(std::span<const Point> points, double rate, std::int64_t requests) {
  SYSTOLE_CHECK(!points.empty() && rate > 0.0 && requests > 0, "a server without work");
  return Trial(rate, requests).percentiles(points, std::array{0.99}).front();
}

Served server_rate(std::span<const Point> points, double limit) {
  std::vector<std::vector<Point>> policies = policies_of(points, limit);
  std::ranges::stable_sort(policies, std::greater{},
                           [](const auto& policy) { return most_of(policy.back()); });
  Served served;
  for (std::vector<Point>& policy : policies) {
    if (most_of(policy.back()) <= served.rate) break;  // nor can those after it do more
    const double rate = rate_of(policy, limit);
    if (rate > served.rate) served = {rate, 0.0, std::move(policy)};
  }
  if (served.rate <= 0.0) return {};
  served.p99 = server_p99(served.points, served.rate, trial_requests(served.rate, limit));
  return served;
}

ServerCurve server_curve(const Served& served, double limit) {
  ServerCurve curve;
  if (served.points.empty()) return curve;
  for (const Point& point : served.points) curve.batches.push_back(point.batch);
  curve.rate = served.rate;
  curve.p99 = served.p99;
  curve.capacity = capacity_of(served.points.back());
  for (const double load : kLoads) {
    const double rate = load * curve.capacity;
    const auto found = Trial(rate, trial_requests(rate, limit))
                           .percentiles(served.points, std::array{0.5, 0.9, 0.99});
    curve.responses.push_back({load, rate, found[0], found[1], found[2]});
  }
  return curve;
}

}  // namespace systole::compare
