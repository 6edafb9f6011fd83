// Explain: the words for an operation's mapping.
#pragma once

#include "compiler/lower/explanation.h"
#include "compiler/lower/segment.h"

namespace systole::compiler {

// How an operation of `segment` is mapped; `groups` as ProductCode makes them (1 for the vector
// unit's work).
[[nodiscard]] LayerPlan plan_of(const DeviceOp& op, const SegmentPlan& segment,
                                std::int64_t groups);

}  // namespace systole::compiler
