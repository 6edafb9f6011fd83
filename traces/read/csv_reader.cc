// Line by line; nothing is kept.
#include "traces/read/csv_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/csv.h"

namespace systole::traces {
namespace {

constexpr std::size_t kLongestLine = std::size_t{1} << 16;

enum Column : std::size_t {
  kKind,
  kTrack,
  kName,
  kClass,
  kLayer,
  kBegin,
  kEnd,
  kInsn,
  kRows,
  kBytes,
  kValue,
  kColumns
};
// Those that are read, in the order of Column; a trace may have others, anywhere.
constexpr std::array<std::string_view, kColumns> kHeading = {
    "kind", "track", "name", "class", "layer", "begin", "end", "insn", "rows", "bytes", "value"};

class CsvTraceReader {
 public:
  CsvTraceReader(ByteSource& in, CheckedEvents& to) : in_(in), to_(to) {}

  void read() {
    next_line();
    read_heading();
    while (!in_.at_end()) {
      next_line();
      if (cells_.size() != width_) {
        to_.fail(line_, fmt::format("{} cells", cells_.size()),
                 fmt::format("{}, as in the heading", width_));
      }
      if (to_.has_total()) to_.fail(line_, "a line behind the run's cycles", "the file's end");
      read_event();
    }
    to_.finish(line_);
  }

 private:
  void next_line() {
    line_ = in_.line();
    const std::optional<std::string> text = in_.whole_line(kLongestLine);
    if (!text && in_.at_end()) to_.fail(line_, "the line ends early", "a whole trace");
    if (!text) {
      to_.fail(line_, "an endless line", fmt::format("at most {} characters", kLongestLine));
    }
    std::optional<std::vector<std::string>> cells = csv_cells(*text);
    if (!cells) to_.fail(line_, "a quote does not end", "\" at the end of the cell");
    cells_ = *std::move(cells);
  }

  void read_heading() {
    for (std::size_t column = 0; column < kColumns; ++column) {
      const auto found = std::ranges::find(cells_, kHeading.at(column));
      if (found == cells_.end()) {
        to_.fail(line_, "is no trace", fmt::format("a heading with {}", fmt::join(kHeading, ",")));
      }
      places_.at(column) = static_cast<std::size_t>(found - cells_.begin());
    }
    width_ = cells_.size();
  }

  [[nodiscard]] const std::string& cell(Column column) const { return cells_[places_.at(column)]; }

  void read_event() {
    const std::string& kind = cell(kKind);
    if (kind == "slice") return read_slice();
    if (kind == "life") return;  // of an instruction; a timeline is of units
    if (kind == "part") {
      return to_.about({.model = {}, .machine = {}, .part = cell(kTrack), .clock_hertz = 0});
    }
    if (kind != "counter") {
      to_.fail(line_, fmt::format("kind is '{}'", kind), "slice, life, counter or part");
    }
    const std::int64_t at = number(kBegin, 0), value = number(kValue, kLowest);
    if (cell(kTrack) != "cycles") return;
    if (at != value) {
      to_.fail(line_, fmt::format("a run of {} cycles that ends in {}", value, at),
               "the same number twice");
    }
    to_.total(value, line_);
  }

  void read_slice() {
    sim::Slice slice;
    slice.track = cell(kTrack);
    slice.name = cell(kName);
    slice.cls = cell(kClass);
    slice.layer = cell(kLayer);
    slice.begin = CyclePoint(number(kBegin, 0));
    slice.end = CyclePoint(number(kEnd, 0));
    const std::int64_t insn = number_or(kInsn, 1, 0);
    slice.insn = insn - 1;
    slice.rows = number_or(kRows, 0, -1);
    slice.bytes = number_or(kBytes, 0, -1);
    to_.slice(slice, line_);
  }

  [[nodiscard]] std::int64_t number_or(Column column, std::int64_t low, std::int64_t absent) const {
    return cell(column).empty() ? absent : number(column, low);
  }

  [[nodiscard]] std::int64_t number(Column column, std::int64_t low) const {
    const std::string& text = cell(column);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    if (whole && value >= low && value <= kMostInTrace) return value;
    to_.fail(line_, fmt::format("{} is '{}'", kHeading.at(column), text),
             low == kLowest ? "a whole number" : fmt::format("a whole number from {} on", low));
  }

  static constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();

  ByteSource& in_;
  CheckedEvents& to_;
  std::int64_t line_ = 1;
  std::vector<std::string> cells_;
  std::array<std::size_t, kColumns> places_{};  // of columns among the cells
  std::size_t width_ = 0;                       // cells of a line
};

}  // namespace

void read_csv_trace(ByteSource& in, CheckedEvents& to) { CsvTraceReader(in, to).read(); }

}  // namespace systole::traces
