// Declarations and changes of a VCD file (story in vcd.h).
#include "traces/sinks/vcd.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clean.h"
#include "base/diag.h"
#include "base/source.h"

namespace systole::traces {
namespace {

// Of more, nobody finds one, and a cycle takes longer to write than to simulate.
constexpr std::int64_t kMostPes = 4096;
constexpr std::size_t kClock = 0;  // signal; those of the PEs follow

// A signal's identifier: digits of base 94, from '!' on.
std::string code(std::size_t signal) {
  constexpr std::size_t kDigits = 94;
  std::string text;
  do {
    text += static_cast<char>('!' + signal % kDigits);
    signal /= kDigits;
  } while (signal != 0);
  return text;
}

// Text of a header, in which a '$' would begin a word of the format.
std::string header_text(std::string_view text) {
  std::string plain = clean(text);
  std::ranges::replace(plain, '$', '_');
  return plain;
}

std::size_t plane_count() { return sim::kPlanes.size(); }

// "b101 code", or "1code" of a single bit.
std::string change(std::int32_t value, int bits, std::size_t signal) {
  if (bits == 1) return fmt::format("{}{}\n", value & 1, code(signal));
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  return fmt::format("b{:b} {}\n", static_cast<std::uint32_t>(value) & mask, code(signal));
}

}  // namespace

void check_vcd(const std::string& path, const TraceInfo& info) {
  if (!info.shows_array || info.parameters == nullptr) {
    throw InputError(path, "waveforms are of the array's registers, which this run does not have",
                     "systole run with --engine register, or another ending");
  }
  const isa::Machine& machine = *info.parameters;
  if (machine.array_units > 1) {
    throw InputError(path, fmt::format("{} has {} matrix units", machine.name, machine.array_units),
                     "one, whose registers are shown");
  }
  if (machine.pe_count() > kMostPes) {
    throw InputError(
        path,
        fmt::format("the array of {} has {} x {} PEs", machine.name, machine.r(), machine.c()),
        fmt::format("at most {} PEs to show, as --set array.rows=64 --set "
                    "array.columns=64 has",
                    kMostPes));
  }
}

VcdTrace::VcdTrace(std::ostream& out, const TraceInfo& info)
    : out_(out),
      rows_(info.parameters->r()),
      columns_(info.parameters->c()),
      clock_hertz_(info.real_time ? info.clock_hertz : 1'000'000'000),
      last_(1 + static_cast<std::size_t>(rows_ * columns_) * plane_count()) {
  declare(info);
}

void VcdTrace::declare(const TraceInfo& info) {
  out_ << fmt::format("$version systole {} $end\n$comment {} on {} $end\n$timescale 1 ps $end\n",
                      program_version(), header_text(info.model), header_text(info.machine));
  out_ << fmt::format("$scope module matrix $end\n$var wire 1 {} clock $end\n", code(kClock));
  std::size_t signal = kClock + 1;
  for (std::int64_t r = 0; r < rows_; ++r) {
    out_ << fmt::format("$scope module row_{} $end\n", r);
    for (std::int64_t c = 0; c < columns_; ++c) {
      out_ << fmt::format("$scope module pe_{}_{} $end\n", r, c);
      for (const sim::PlaneInfo& plane : sim::kPlanes) {
        out_ << fmt::format("$var reg {} {} {} $end\n", plane.bits, code(signal++), plane.name);
      }
      out_ << "$upscope $end\n";
    }
    out_ << "$upscope $end\n";
  }
  out_ << "$upscope $end\n$enddefinitions $end\n";
}

std::int64_t VcdTrace::picoseconds(CyclePoint at, std::int64_t halves) const {
  __extension__ using Wide = __int128;
  constexpr Wide kPerSecond = 1'000'000'000'000;
  return static_cast<std::int64_t>((Wide{2} * at.value + halves) * kPerSecond / (2 * clock_hertz_));
}

void VcdTrace::rise(CyclePoint at) {
  out_ << fmt::format("#{}\n1{}\n", picoseconds(at), code(kClock));
}

void VcdTrace::tick_until(CyclePoint end) {
  for (; next_ < end; next_ += CycleCount(1)) {
    rise(next_);
    out_ << fmt::format("#{}\n0{}\n", picoseconds(next_, 1), code(kClock));
  }
}

void VcdTrace::array(CyclePoint at, const sim::ArrayView& view) {
  if (!begun_) next_ = at;
  tick_until(at);
  rise(at);
  if (!begun_) out_ << "$dumpvars\n";
  std::size_t signal = kClock + 1;
  for (std::int64_t r = 0; r < rows_; ++r) {
    for (std::int64_t c = 0; c < columns_; ++c) {
      for (std::size_t p = 0; p < plane_count(); ++p, ++signal) {
        const std::int32_t value = view.value(static_cast<sim::Plane>(p), r, c);
        if (begun_ && value == last_[signal]) continue;
        last_[signal] = value;
        out_ << change(value, sim::kPlanes[p].bits, signal);
      }
    }
  }
  if (!begun_) out_ << "$end\n";
  begun_ = true;
  out_ << fmt::format("#{}\n0{}\n", picoseconds(at, 1), code(kClock));
  next_ = at + CycleCount(1);
}

void VcdTrace::finish(CycleCount total) {
  if (begun_) tick_until(CyclePoint() + total);
}

}  // namespace systole::traces
