// Scenarios: from times by batch to rows that can be compared (MLPerf Inference, Reddi et al., ISCA
// 2020, section IV).
#pragma once

#include "compare/comparison/comparison.h"

namespace systole::compare {

// Fills in rows and means of a comparison from its series: by batch, first inference, single-stream
// (batch 1, alone), offline (the batch with the highest throughput, back to back) and server (the
// highest Poisson rate whose p99 response stays within comparison.p99_limit). What a series has no
// row of is said in comparison.absent or .notes.
void set_rows(Comparison& comparison);

}  // namespace systole::compare
