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
  const auto k = static_cast<std::size_t>(insn_.k);
  if (bytes_per_lane() == 1) {
    // (byte ^ sign) - sign extends the sign of a signed byte.
    const int sign = insn_.is_signed != 0 ? 0x80 : 0;
    const int less = sign + zero;
    std::int16_t* __restrict lane = to.data();
    for (std::size_t r = 0; r < k; ++r) lane[r] = static_cast<std::int16_t>((row[r] ^ sign) - less);
    return;
  }
  for (std::size_t r = 0; r < k; ++r) {
    std::int16_t wide;
    std::memcpy(&wide, row + 2 * r, sizeof(wide));
    const std::int32_t x = wide - zero;
    to[r] = static_cast<std::int16_t>(sub.first ? x & 0xFF : x >> kByteBits);
  }
}

}  // namespace systole::sim
