// Byte source: a trace's bytes one by one, with the line they stand in; memory does not grow with
// the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace systole::traces {

class ByteSource {
 public:
  // Fills a span as far as there is something, less than its size only at the end.
  using Read = std::function<std::size_t(std::span<std::uint8_t> to)>;
  explicit ByteSource(Read read) : read_(std::move(read)), buffer_(kBuffer) { refill(); }

  // The line of the byte that peek() shows, from 1.
  [[nodiscard]] std::int64_t line() const { return line_; }
  [[nodiscard]] bool at_end() const { return at_ == end_; }
  [[nodiscard]] char peek() const { return static_cast<char>(buffer_[at_]); }
  void next() {
    if (buffer_[at_] == '\n') ++line_;
    if (++at_ == end_) refill();
  }

  // The next line without its end; nothing at the end of the file, in the middle of a line, or once
  // a line is longer than `most`.
  std::optional<std::string> whole_line(std::size_t most) {
    std::string text;
    for (; !at_end() && text.size() <= most; next()) {
      if (peek() == '\n') {
        next();
        return text;
      }
      text += peek();
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t kBuffer = std::size_t{1} << 16;
  void refill() {
    end_ = read_(buffer_);
    at_ = 0;
  }

  Read read_;
  std::vector<std::uint8_t> buffer_;
  std::size_t at_ = 0, end_ = 0;
  std::int64_t line_ = 1;
};

}  // namespace systole::traces
