// Row feed: order, times and values of a walk's rows (story in row_feed.h).
#include "sim/unit/row_feed.h"

#include <algorithm>
#include <cstring>

#include "base/diag.h"
#include "isa/precisions.h"
#include "isa/visit.h"
#include "sim/unit/float_pe.h"

namespace systole::sim {
namespace {

constexpr std::int64_t kByteBits = 8;

isa::Convolve line_of(const isa::Matmul& i) {
  isa::Convolve walk;
  walk.ub = i.ub;
  walk.lane = i.lane;
  walk.acc = i.acc;
  walk.k = i.k;
  walk.n = i.n;
  walk.accumulate = i.accumulate;
  walk.switch_tile = i.switch_tile;
  walk.is_signed = i.is_signed;
  walk.zero_point = i.zero_point;
  walk.precision = i.precision;
  walk.in_height = walk.out_height = 1;
  walk.in_width = walk.out_width = i.rows;
  walk.stride_y = walk.stride_x = walk.dilation_y = walk.dilation_x = walk.taps = 1;
  return walk;
}

isa::Convolve walk_of(const isa::Insn& insn) {
  return isa::visit_work<isa::Convolve, isa::Unit::kMatrix>(
      insn, isa::Either{[](const isa::Convolve& i) { return i; },
                        [](const isa::Matmul& i) { return line_of(i); }});
}

// How many of first, first + step, ... (count of them) are in [0, extent).
std::int64_t steps_inside(std::int64_t first, std::int64_t step, std::int64_t count,
                          std::int64_t extent) {
  const std::int64_t before = first >= 0 ? 0 : ceil_div(-first, step);
  const std::int64_t until = first >= extent ? 0 : ceil_div(extent - first, step);
  return std::max<std::int64_t>(std::min(until, count) - std::min(before, count), 0);
}

// memcpy in whole pieces, which need no call: pixels are short and many. Reads and writes up to
// kPiece - 1 bytes beyond, where both sides have slack.
void copy_lanes(std::uint8_t* to, const std::uint8_t* from, std::int64_t bytes) {
  constexpr std::int64_t kPiece = 16;
  static_assert(kPiece <= UnifiedBuffer::kSlack);
  for (std::int64_t i = 0; i < bytes; i += kPiece) std::memcpy(to + i, from + i, kPiece);
}

}  // namespace

RowFeed::RowFeed(const isa::Insn& insn, UnifiedBuffer& buffer)
    : walk_(walk_of(insn)),
      buffer_(&buffer),
      lane_bytes_(isa::precision_info(walk_.precision).activation_bytes()),
      floats_(isa::is_float(isa::precision_info(walk_.precision))),
      sub_rows_(isa::precision_info(walk_.precision).row_cycles),
      span_((walk_.taps - 1) * walk_.dilation_x + 1),
      row_cycles_(std::max(sub_rows_, std::min(walk_.stride_x, span_))),
      y0_(walk_.kernel_y * walk_.dilation_y - walk_.pad_top),
      x0_(walk_.kernel_x * walk_.dilation_x - walk_.pad_left) {}

CycleCount RowFeed::offered(std::int64_t row) const {
  const std::int64_t slots = row % walk_.out_width + 1;
  return line_length() * (row / walk_.out_width) +
         CycleCount(span_ - 1 + row_cycles_ * slots - sub_rows_);
}

std::optional<SubRow> RowFeed::at(std::int64_t cycle) const {
  SYSTOLE_CHECK(cycle >= 0 && cycle < length().value, "cycle {} of a pass", cycle);
  const std::int64_t line = cycle / line_length().value;
  const std::int64_t filled = cycle % line_length().value - (span_ - 1);
  if (filled < 0) return std::nullopt;
  const std::int64_t q = filled % row_cycles_ - (row_cycles_ - sub_rows_);
  if (q < 0) return std::nullopt;
  const std::int64_t shift = isa::precision_info(walk_.precision).sum_shift + q * kByteBits;
  return SubRow{line * walk_.out_width + filled / row_cycles_, shift, q == 0, q == sub_rows_ - 1};
}

void RowFeed::lanes(const SubRow& sub, std::span<std::int16_t> to) const {
  const auto channels = static_cast<std::size_t>(walk_.k / walk_.taps);
  for (std::int64_t tap = 0; tap < walk_.taps; ++tap) {
    const auto taps_lanes = to.subspan(static_cast<std::size_t>(tap) * channels, channels);
    if (const auto from = pixel(sub.row, tap)) {
      pixel_lanes(map().row(*from), sub.first, taps_lanes);
    } else {
      std::ranges::fill(taps_lanes, floats_ ? kMasked : std::int16_t{0});
    }
  }
}

void RowFeed::pixel_lanes(const std::uint8_t* from, bool first, std::span<std::int16_t> to) const {
  const auto zero = static_cast<std::int32_t>(walk_.zero_point);
  if (lane_bytes_ == 1) {
    // (byte ^ sign) - sign extends the sign of a signed byte.
    const int sign = walk_.is_signed != 0 ? 0x80 : 0;
    const int less = sign + zero;
    std::int16_t* __restrict lane = to.data();
    for (std::size_t c = 0; c < to.size(); ++c) {
      lane[c] = static_cast<std::int16_t>((from[c] ^ sign) - less);
    }
    return;
  }
  if (floats_) {
    for (std::size_t c = 0; c < to.size(); ++c) {
      std::uint16_t bits;
      std::memcpy(&bits, from + 2 * c, sizeof(bits));
      to[c] = entering(bits);
    }
    return;
  }
  for (std::size_t c = 0; c < to.size(); ++c) {
    std::int16_t wide;
    std::memcpy(&wide, from + 2 * c, sizeof(wide));
    const std::int32_t x = wide - zero;
    to[c] = static_cast<std::int16_t>(first ? x & 0xFF : x >> kByteBits);
  }
}

std::optional<std::int64_t> RowFeed::pixel(std::int64_t row, std::int64_t tap) const {
  const std::int64_t y = y0_ + row / walk_.out_width * walk_.stride_y;
  const std::int64_t x = x0_ + row % walk_.out_width * walk_.stride_x + tap * walk_.dilation_x;
  if (y < 0 || y >= walk_.in_height || x < 0 || x >= walk_.in_width) return std::nullopt;
  return y * walk_.in_width + x;
}

RowSpan RowFeed::map() const {
  return buffer_->rows({walk_.ub, walk_.lane, walk_.in_height * walk_.in_width, pixel_bytes()});
}

void RowFeed::gather(std::uint8_t* to) const {
  const RowSpan from = map();
  for (std::int64_t line = 0; line < walk_.out_height; ++line) {
    const std::int64_t y = y0_ + line * walk_.stride_y;
    const bool inside = y >= 0 && y < walk_.in_height;
    const RowSpan pixels{inside ? from.row(y * walk_.in_width) : nullptr, from.stride};
    gather_line(pixels, to);
    to += walk_.out_width * row_bytes();
  }
}

// In the order of the bytes written, since copy_lanes writes beyond.
void RowFeed::gather_line(const RowSpan& from, std::uint8_t* to) const {
  const std::int64_t bytes = pixel_bytes();
  const std::int64_t width = from.first != nullptr ? walk_.in_width : 0;
  for (std::int64_t i = 0; i < walk_.out_width; ++i) {
    for (std::int64_t tap = 0; tap < walk_.taps; ++tap, to += bytes) {
      const std::int64_t x = x0_ + i * walk_.stride_x + tap * walk_.dilation_x;
      if (x >= 0 && x < width) {
        copy_lanes(to, from.row(x), bytes);
      } else {
        put_zero_points(to);
      }
    }
  }
}

// One pixel's lanes, little endian.
void RowFeed::put_zero_points(std::uint8_t* to) const {
  for (std::int64_t i = 0; i < pixel_bytes(); ++i) {
    to[i] = static_cast<std::uint8_t>(walk_.zero_point >> (kByteBits * (i % lane_bytes_)));
  }
}

bool RowFeed::all_inside() const {
  const std::int64_t last_y = y0_ + (walk_.out_height - 1) * walk_.stride_y;
  const std::int64_t last_x = x0_ + (walk_.out_width - 1) * walk_.stride_x + span_ - 1;
  return y0_ >= 0 && x0_ >= 0 && last_y < walk_.in_height && last_x < walk_.in_width;
}

std::optional<RowSpan> RowFeed::in_place() const {
  const bool even =
      walk_.out_height == 1 || walk_.stride_y * walk_.in_width == walk_.stride_x * walk_.out_width;
  if (walk_.taps != 1 || !even || !all_inside()) return std::nullopt;
  return RowSpan{map().row(y0_ * walk_.in_width + x0_), map().stride * walk_.stride_x};
}

Bytes RowFeed::read() const {
  const std::int64_t lines = steps_inside(y0_, walk_.stride_y, walk_.out_height, walk_.in_height);
  std::int64_t columns = 0;
  if (walk_.stride_x < span_) {  // what stays in the line is not read again
    const std::int64_t passed = (walk_.out_width - 1) * walk_.stride_x + span_;
    columns = steps_inside(x0_, 1, passed, walk_.in_width);
  } else {
    for (std::int64_t j = 0; j < span_; ++j) {
      columns += steps_inside(x0_ + j, walk_.stride_x, walk_.out_width, walk_.in_width);
    }
  }
  return Bytes(lines * columns * pixel_bytes());
}

}  // namespace systole::sim
