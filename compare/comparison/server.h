// Server: the queue behind the server scenario (MLPerf Inference, Reddi et al., ISCA 2020, section
// IV).
//
// Requests arrive at random (Poisson). A server has a few batch sizes: it takes what waits, at most
// the largest of them, pads to the next and answers together after that batch's time alone. Which
// sizes are the best to have is searched: every one and every two of those given. So one more batch
// size never lowers the rate that is found: all sets of the others are still there, each with the
// rate that it has by itself.
//
// A rate is sustained if the p99 response of a trial that is long beside the limit keeps the limit.
// No rate above kMostLoad of what a set's largest batch serves is sustained: a queue forgets its
// past in about 1 / (1 - load)^2 requests (heavy traffic; Kleinrock, Queueing Systems II, 1976,
// chapter 2), which at that load is 10,000, so that a trial of many times as many tells a queue
// that keeps up from one that grows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compare/comparison/comparison.h"

namespace systole::compare {

inline constexpr double kMostLoad = 0.99;

// The highest rate in requests a second that is sustained, to a thousandth below, the points of the
// batch sizes that sustain it, in order, and the p99 response in seconds with these. A rate of 0:
// one request alone takes longer than the limit. `points` are in order of their batch.
struct Served {
  double rate = 0.0, p99 = 0.0;
  std::vector<Point> points;
};
[[nodiscard]] Served server_rate(std::span<const Point> points, double limit);

// Its responses from a tenth of what its largest batch serves up to kMostLoad of it.
[[nodiscard]] ServerCurve server_curve(const Served& served, double limit);

// Requests of a trial: 100 limits' worth at that rate, but 200,000 at least and 4,000,000 at most,
// which bounds its time and memory.
[[nodiscard]] std::int64_t trial_requests(double rate, double limit);

// The p99 response in seconds of `requests` requests to a server of all these points, after a
// warm-up of a tenth as many from an empty queue. The same arrivals whenever it is called.
[[nodiscard]] double server_p99(std::span<const Point> points, double rate, std::int64_t requests);

}  // namespace systole::compare
