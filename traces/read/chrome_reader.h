// Reads what ChromeTrace writes (traces/sinks/chrome.h): the exact cycles of its slices' arguments.
#pragma once

#include "traces/read/byte_source.h"
#include "traces/read/checked_events.h"

namespace systole::traces {

// Throws InputError naming the line.
void read_chrome_trace(ByteSource& in, CheckedEvents& to);

}  // namespace systole::traces
