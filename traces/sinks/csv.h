// CSV trace: one line per slice or counter change, for spreadsheets, awk and data frames.
//
// Columns: kind (slice or counter), track (of a counter: its name), name, class, layer, begin, end
// (cycles, [begin, end); a counter has only begin), insn, rows, bytes, value (of a counter). Text
// is clean and quoted where RFC 4180 wants it (base/clean.h); what does not apply is empty.
#pragma once

#include <ostream>
#include <string_view>

#include "traces/sinks/sink.h"

namespace systole::traces {

class CsvTrace : public Sink {
 public:
  explicit CsvTrace(std::ostream& out);

  void slice(const sim::Slice& slice) override;
  void counter(std::string_view name, CyclePoint at, std::int64_t value) override;
  void finish(CycleCount total) override;

 private:
  std::ostream& out_;
};

}  // namespace systole::traces
