// Protocol Buffers' wire format (proto_writer.h) read back, a field at a time. Nothing is copied.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace systole {

struct ProtoField {
  std::uint32_t number = 0;
  std::uint64_t value = 0;  // of an integer, or the bits of a fixed one
  std::string_view bytes;   // of a text or a message
  bool is_bytes = false;
};

class ProtoReader {
 public:
  // A message, which outlives this.
  explicit ProtoReader(std::string_view message) : rest_(message) {}

  // The next field; nothing at the end, or where the message is damaged.
  std::optional<ProtoField> next() {
    if (rest_.empty()) return std::nullopt;
    const std::uint64_t tag = varint();
    ProtoField field;
    field.number = static_cast<std::uint32_t>(tag >> 3);
    switch (tag & 7) {
      case kVarint:
        field.value = varint();
        break;
      case kFixed64:
        field.value = fixed(8);
        break;
      case kLength:
        field.is_bytes = true;
        field.bytes = take(varint());
        break;
      case kFixed32:
        field.value = fixed(4);
        break;
      default:
        damaged_ = true;
    }
    if (damaged_) return std::nullopt;
    return field;
  }
  [[nodiscard]] bool damaged() const { return damaged_; }

 private:
  enum Wire : std::uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) {
      damaged_ = true;
      return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  std::uint64_t fixed(std::uint64_t size) {
    std::uint64_t value = 0;
    int shift = 0;
    for (const char byte : take(size)) {
      value |= std::uint64_t{static_cast<std::uint8_t>(byte)} << shift;
      shift += 8;
    }
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::string_view one = take(1);
      if (damaged_) return 0;
      const auto byte = static_cast<std::uint8_t>(one.front());
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    damaged_ = true;
    return 0;
  }

  std::string_view rest_;
  bool damaged_ = false;
};

}  // namespace systole
