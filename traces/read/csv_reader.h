// Reads what CsvTrace writes (traces/sinks/csv.h).
#pragma once

#include "traces/read/byte_source.h"
#include "traces/read/checked_events.h"

namespace systole::traces {

// Throws InputError naming the line.
void read_csv_trace(ByteSource& in, CheckedEvents& to);

}  // namespace systole::traces
