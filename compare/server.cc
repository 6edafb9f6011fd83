// See server.h.
#include "compare/server.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "base/diag.h"

namespace systole::compare {
namespace {

constexpr std::uint64_t kSeed = 0x5E5701E;
constexpr double kLimits = 100.0;  // of a trial's time
constexpr std::int64_t kLeastRequests = 200'000, kMostRequests = 4'000'000;
constexpr std::int64_t kWarmUp = 10;  // the trial is so many times as long
constexpr double kPrecision = 1e-3;   // of the rate

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

// Nearest rank, as percentile() of measurement.h, without sorting millions.
double p99_of(std::span<double> responses) {
  const auto rank =
      static_cast<std::int64_t>(std::ceil(0.99 * static_cast<double>(std::ssize(responses))));
  const auto found = responses.begin() + (rank - 1);
  std::ranges::nth_element(responses, found);
  return *found;
}

}  // namespace

std::int64_t trial_requests(double rate, double limit) {
  const double wanted = kLimits * limit * rate;
  return static_cast<std::int64_t>(
      std::clamp(wanted, static_cast<double>(kLeastRequests), static_cast<double>(kMostRequests)));
}

double server_p99(std::span<const Point> points, double rate, std::int64_t requests) {
  SYSTOLE_CHECK(!points.empty() && rate > 0.0 && requests > 0, "a server without work");
  const std::int64_t warm_up = requests / kWarmUp;
  const std::vector<double> arrivals = arrivals_at(rate, warm_up + requests);
  std::vector<double> responses;
  responses.reserve(arrivals.size());
  double free_at = 0.0;
  for (std::size_t next = 0; next < arrivals.size();) {
    const double start = std::max(free_at, arrivals[next]);
    std::size_t end = next;
    while (end < arrivals.size() && arrivals[end] <= start &&
           static_cast<std::int64_t>(end - next) < points.back().batch) {
      ++end;
    }
    const auto waiting = static_cast<std::int64_t>(end - next);
    const double service = point_for(points, waiting).alone;
    free_at = start + service;
    for (; next < end; ++next) responses.push_back(start - arrivals[next] + service);
  }
  return p99_of(std::span(responses).subspan(static_cast<std::size_t>(warm_up)));
}

Served server_rate(std::span<const Point> points, double limit) {
  if (points.empty() || points.front().alone > limit) return {};
  const Point& largest = points.back();
  const double most = kMostLoad * static_cast<double>(largest.batch) / largest.alone;
  const auto p99_at = [&](double rate) {
    return server_p99(points, rate, trial_requests(rate, limit));
  };
  if (const double p99 = p99_at(most); p99 <= limit) return {most, p99};
  Served served;
  for (double high = most; high - served.rate > kPrecision * high;) {
    const double middle = (served.rate + high) / 2.0;
    const double p99 = p99_at(middle);
    if (p99 <= limit) {
      served = {middle, p99};
    } else {
      high = middle;
    }
  }
  return served;
}

}  // namespace systole::compare
