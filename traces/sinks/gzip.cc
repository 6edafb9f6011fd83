// zlib's deflate with a gzip header; no time and no name in it, so that equal runs are equal files.
#include "traces/sinks/gzip.h"

#include "base/diag.h"

namespace systole::traces {

GzipBuffer::GzipBuffer(std::ostream& out) : out_(out) {
  constexpr int kGzip = 16, kWindowBits = 15, kMemory = 8;
  const int result = deflateInit2(&zlib_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kWindowBits + kGzip,
                                  kMemory, Z_DEFAULT_STRATEGY);
  SYSTOLE_CHECK(result == Z_OK, "zlib says {}", result);
  setp(unpacked_.data(), unpacked_.data() + unpacked_.size());
}

GzipBuffer::~GzipBuffer() { deflateEnd(&zlib_); }

GzipBuffer::int_type GzipBuffer::overflow(int_type c) {
  pack(Z_NO_FLUSH);
  if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
  return traits_type::not_eof(c);
}

void GzipBuffer::pack(int flush) {
  zlib_.next_in = reinterpret_cast<Bytef*>(unpacked_.data());
  zlib_.avail_in = static_cast<uInt>(pptr() - pbase());
  do {
    zlib_.next_out = reinterpret_cast<Bytef*>(packed_.data());
    zlib_.avail_out = static_cast<uInt>(packed_.size());
    deflate(&zlib_, flush);
    out_.write(packed_.data(), static_cast<std::streamsize>(packed_.size() - zlib_.avail_out));
  } while (zlib_.avail_out == 0);
  setp(unpacked_.data(), unpacked_.data() + unpacked_.size());
}

}  // namespace systole::traces
