// Row feed: order and values of sub-rows (story in row_feed.h).
#include "sim/unit/row_feed.h"

#include <cstring>

#include "base/diag.h"

namespace systole::sim {
namespace {

constexpr std::int64_t kByteBits = 8;

// Sub-rows of a row: T6's p.
std::int64_t sub_rows(const isa::Matmul& insn) {
  return insn.precision == isa::precision::kInt8x16 ? 2 : 1;
}

std::int32_t byte_value(std::uint8_t byte, bool is_signed) {
  return is_signed ? std::int32_t{static_cast<std::int8_t>(byte)} : std::int32_t{byte};
}

}  // namespace

std::int64_t RowFeed::bytes_per_lane() const { return sub_rows(insn_); }

CycleCount RowFeed::length() const { return CycleCount(insn_.rows * sub_rows(insn_)); }

SubRow RowFeed::at(std::int64_t cycle) const {
  SYSTOLE_CHECK(cycle >= 0 && cycle < length().value, "cycle {} of a pass", cycle);
  const std::int64_t p = sub_rows(insn_);
  const std::int64_t q = cycle % p;
  return {cycle / p, q * kByteBits, q == 0, q == p - 1};
}

RowSpan RowFeed::operand() const {
  return buffer_->rows({insn_.ub, insn_.lane, insn_.rows, insn_.k * bytes_per_lane()});
}

void RowFeed::lanes(const SubRow& sub, std::span<std::int16_t> to) const {
  const std::uint8_t* row = operand().row(sub.row);
  const auto zero = static_cast<std::int32_t>(insn_.zero_point);
  for (std::size_t r = 0; r < static_cast<std::size_t>(insn_.k); ++r) {
    std::int32_t x;
    if (bytes_per_lane() == 1) {
      x = byte_value(row[r], insn_.is_signed != 0) - zero;
    } else {
      std::int16_t wide;
      std::memcpy(&wide, row + 2 * r, sizeof(wide));
      x = wide - zero;
      x = sub.shift == 0 ? x & 0xFF : x >> kByteBits;
    }
    to[r] = static_cast<std::int16_t>(x);
  }
}

}  // namespace systole::sim
