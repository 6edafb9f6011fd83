// Gzip: a stream that packs what is written to it and passes it on.
#pragma once

#include <zlib.h>

#include <array>
#include <ostream>
#include <streambuf>

namespace systole::traces {

class GzipBuffer : public std::streambuf {
 public:
  // Writes to `out`, which outlives this; whole when finish() returns.
  explicit GzipBuffer(std::ostream& out);
  ~GzipBuffer() override;
  GzipBuffer(const GzipBuffer&) = delete;
  GzipBuffer& operator=(const GzipBuffer&) = delete;

  void finish() { pack(Z_FINISH); }

 protected:
  int_type overflow(int_type c) override;
  int sync() override { return 0; }  // what is held back makes the file smaller

 private:
  void pack(int flush);

  std::ostream& out_;
  z_stream zlib_{};
  std::array<char, 1 << 16> unpacked_, packed_;
};

struct GzipStream {
  explicit GzipStream(std::ostream& out) : buffer(out), stream(&buffer) {}
  GzipBuffer buffer;
  std::ostream stream;
};

}  // namespace systole::traces
