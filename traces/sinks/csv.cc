// One line per call; nothing is kept.
#include "traces/sinks/csv.h"

#include <fmt/core.h>

#include "base/clean.h"

namespace systole::traces {
namespace {

std::string number_or_empty(std::int64_t value) {
  return value < 0 ? std::string() : std::to_string(value);
}

}  // namespace

CsvTrace::CsvTrace(std::ostream& out, const TraceInfo& info) : out_(out) {
  out_ << "kind,track,name,class,layer,begin,end,insn,rows,bytes,value,"
          "ordinal,dispatched,head,awaited_unit,awaited_ordinal\n";
  if (!info.part.empty()) out_ << fmt::format("part,{},,,,,,,,,,,,,,\n", csv_cell(info.part));
}

void CsvTrace::slice(const sim::Slice& slice) {
  if (slice.begin == slice.end) return;
  out_ << fmt::format(
      "slice,{},{},{},{},{},{},{},{},{},,{},,,,\n", csv_cell(slice.track), csv_cell(slice.name),
      csv_cell(slice.cls), csv_cell(slice.layer), slice.begin.value, slice.end.value,
      number_or_empty(slice.insn >= 0 ? slice.insn + 1 : -1), number_or_empty(slice.rows),
      number_or_empty(slice.bytes), number_or_empty(slice.ordinal));
}

void CsvTrace::instruction(const sim::Life& life) {
  out_ << fmt::format("life,{},{},,{},{},{},{},,,,{},{},{},{},{}\n", csv_cell(life.unit),
                      csv_cell(life.name), csv_cell(life.layer), life.start.value,
                      life.completed.value, life.insn + 1, life.ordinal, life.dispatched.value,
                      life.head.value, csv_cell(life.awaited_unit),
                      number_or_empty(life.awaited_ordinal > 0 ? life.awaited_ordinal : -1));
}

void CsvTrace::counter(std::string_view name, CyclePoint at, std::int64_t value) {
  out_ << fmt::format("counter,{},,,,{},,,,,{},,,,,\n", csv_cell(name), at.value, value);
}

void CsvTrace::finish(CycleCount total) {
  out_ << fmt::format("counter,cycles,,,,{0},,,,,{0},,,,,\n", total.value);
}

}  // namespace systole::traces
