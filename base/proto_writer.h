// Protocol Buffers' wire format (protobuf.dev/programming-guides/encoding), as far as writing it
// goes: tag, varint, fixed64, length and bytes. A message is put together in memory; a stream of
// messages is written one by one.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace systole {

class ProtoWriter {
 public:
  // bool, enum, int32, int64 (a negative one as two's complement, ten bytes), uint32, uint64.
  void integer(std::uint32_t field, std::int64_t value) {
    tag(field, kVarint);
    varint(static_cast<std::uint64_t>(value));
  }
  void fixed64(std::uint32_t field, std::uint64_t value) {
    tag(field, kFixed64);
    for (int shift = 0; shift < 64; shift += 8) bytes_.push_back(static_cast<char>(value >> shift));
  }
  void real(std::uint32_t field, double value) {
    fixed64(field, std::bit_cast<std::uint64_t>(value));
  }
  void text(std::uint32_t field, std::string_view value) {
    tag(field, kLength);
    varint(value.size());
    bytes_ += value;
  }
  // A nested message, of what `fill(ProtoWriter&)` writes.
  template <typename Fill>
  void message(std::uint32_t field, Fill&& fill) {
    ProtoWriter nested;
    fill(nested);
    text(field, nested.bytes_);
  }

  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  void clear() { bytes_.clear(); }

 private:
  enum Wire : std::uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2 };
  void tag(std::uint32_t field, Wire wire) { varint((std::uint64_t{field} << 3) | wire); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
  }

  std::string bytes_;
};

}  // namespace systole
