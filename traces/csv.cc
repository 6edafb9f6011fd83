// One line per call; nothing is kept.
#include "traces/csv.h"

#include <fmt/core.h>

namespace systole::traces {
namespace {

// A field as RFC 4180 has it.
std::string field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string number_or_empty(std::int64_t value) {
  return value < 0 ? std::string() : std::to_string(value);
}

}  // namespace

CsvTrace::CsvTrace(std::ostream& out) : out_(out) {
  out_ << "kind,track,name,class,layer,begin,end,insn,rows,bytes,value\n";
}

void CsvTrace::slice(const sim::Slice& slice) {
  if (slice.begin == slice.end) return;
  out_ << fmt::format("slice,{},{},{},{},{},{},{},{},{},\n", field(slice.track), field(slice.name),
                      field(slice.cls), field(slice.layer), slice.begin.value, slice.end.value,
                      number_or_empty(slice.insn >= 0 ? slice.insn + 1 : -1),
                      number_or_empty(slice.rows), number_or_empty(slice.bytes));
}

void CsvTrace::counter(std::string_view name, CyclePoint at, std::int64_t value) {
  out_ << fmt::format("counter,{},,,,{},,,,,{}\n", field(name), at.value, value);
}

void CsvTrace::finish(CycleCount total) {
  out_ << fmt::format("counter,cycles,,,,{0},,,,,{0}\n", total.value);
}

}  // namespace systole::traces
