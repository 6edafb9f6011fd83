// CSV trace: one line per slice or counter change, for spreadsheets, awk and data frames.
//
// Columns: kind (slice, life or counter), track (unit; of a counter its name), name, class, layer,
// begin, end (cycles, [begin, end): of a slice; of a life start and completion; a counter has only
// begin), insn, rows, bytes, value (of a counter), ordinal (of an instruction in its unit), and of
// a life dispatched, head, awaited_unit, awaited_ordinal (whose completion it awaited). Text is
// clean and quoted where RFC 4180 wants it (base/clean.h); what does not apply is empty.
#pragma once

#include <ostream>
#include <string_view>

#include "traces/sinks/sink.h"

namespace systole::traces {

class CsvTrace : public Sink {
 public:
  explicit CsvTrace(std::ostream& out, const TraceInfo& info = {});

  void slice(const sim::Slice& slice) override;
  void counter(std::string_view name, CyclePoint at, std::int64_t value) override;
  [[nodiscard]] bool wants_instruction() const override { return true; }
  void instruction(const sim::Life& life) override;
  void finish(CycleCount total) override;

 private:
  std::ostream& out_;
};

}  // namespace systole::traces
