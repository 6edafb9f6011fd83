// Scenarios: from times by batch to rows that can be compared (MLPerf Inference, Reddi et al., ISCA
// 2020, section IV).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compare/comparison.h"

namespace systole::compare {

// Fills in rows and means of a comparison from its series: by batch, first inference, single-stream
// (batch 1, alone), offline (the batch with the highest throughput, back to back) and server (the
// highest Poisson rate whose p99 response stays within comparison.p99_limit).
void set_rows(Comparison& comparison);

// Requests a second that a server keeps up with: it takes what waits, at most the largest batch,
// pads to the next batch size it knows, and answers them together after that batch's time alone. 0
// if one request alone takes longer than the limit. `points` are in order of their batch.
[[nodiscard]] double server_rate(std::span<const Point> points, double limit);

// The p99 response in seconds at `rate` requests a second.
[[nodiscard]] double server_p99(std::span<const Point> points, double rate);

}  // namespace systole::compare
