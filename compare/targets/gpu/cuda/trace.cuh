// Trace: kernels and copies as CUPTI's activity records tell them.
#pragma once

#include <cstdint>
#include <vector>

#include "compare/targets/gpu/backend.h"

namespace systole::compare::gpu {

// One trace at a time, as CUPTI has one set of buffers. Throw DeviceError.
void start_cupti();
[[nodiscard]] std::vector<Activity> finish_cupti();
// What this thread starts from now on is numbered; nothing is done while no trace runs.
void mark_cupti(std::int64_t number);

}  // namespace systole::compare::gpu
