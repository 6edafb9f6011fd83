// Reading: the one way in for every file that a user names; the rules stand at read_file in
// files.h.
//
// Files are opened without blocking, so that a pipe nobody writes to cannot hold us, and gzip is
// unpacked as it is read, so that no more memory is taken than the limit that holds for the file.
#include "base/read_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/diag.h"
#include "base/file_uses.h"
#include "base/files.h"

namespace systole {
namespace {

constexpr const char* kWanted = "a readable file or a pipe";
constexpr std::size_t kChunk = std::size_t{1} << 18;
constexpr std::size_t kHead = std::size_t{1} << 16;  // of the file, for its kind and size
constexpr int kWriterMilliseconds = 1'000;           // for somebody to open a pipe
constexpr int kSilenceMilliseconds = 60'000;         // between two bytes of a pipe

[[noreturn]] void fail(const std::string& path, const char* why) {
  throw InputError(path, fmt::format("cannot be read: {}", why), kWanted);
}

// A file's bytes as they lie there.
class Source {
 public:
  explicit Source(const std::string& path) : path_(path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) fail(path, std::strerror(errno));
    note_read(path);
    is_pipe_ = S_ISFIFO(info.st_mode);
    if (S_ISDIR(info.st_mode)) throw InputError(path, "is a folder", "a file");
    if (!is_pipe_ && !S_ISREG(info.st_mode))
      throw InputError(path, "is a device or a socket", kWanted);
    size_ = is_pipe_ ? 0 : info.st_size;
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor_ < 0) fail(path, std::strerror(errno));
  }
  ~Source() { ::close(descriptor_); }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // 0 at the end.
  std::size_t read(std::span<std::uint8_t> to) {
    for (bool waited = false;; waited = true) {
      const ssize_t n = ::read(descriptor_, to.data(), to.size());
      const bool silent = n < 0 && errno == EAGAIN;
      const bool unwritten = n == 0 && is_pipe_ && !written_;
      if (n < 0 && !silent && errno != EINTR) fail(path_, std::strerror(errno));
      if (unwritten && waited) throw InputError(path_, "is a pipe that nobody writes to", kWanted);
      if (n > 0) written_ = true;
      if (n > 0 || (n == 0 && !unwritten)) return static_cast<std::size_t>(n);
      wait(unwritten ? kWriterMilliseconds : kSilenceMilliseconds, silent);
    }
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool is_pipe() const { return is_pipe_; }
  [[nodiscard]] std::int64_t size() const { return size_; }  // bytes; of a pipe 0

 private:
  void wait(int milliseconds, bool is_written) const {
    pollfd one{descriptor_, POLLIN, 0};
    const bool silent = ::poll(&one, 1, milliseconds) == 0 && is_written;
    if (silent) fail(path_, "nothing came through this pipe for a minute");
  }

  const std::string path_;
  int descriptor_ = -1;
  bool is_pipe_ = false, written_ = false;
  std::int64_t size_ = 0;
};

// The same, unpacked if they are gzip; several gzip members are one file, what is behind the last
// one is ignored (as gzip itself does).
class Unpacker {
 public:
  explicit Unpacker(Source& source) : source_(source), packed_(kChunk) {
    refill();
    is_packed_ = starts_member();
    constexpr int kGzip = 16 + MAX_WBITS;
    if (is_packed_ && inflateInit2(&stream_, kGzip) != Z_OK) throw std::bad_alloc();
  }
  ~Unpacker() {
    if (is_packed_) inflateEnd(&stream_);
  }
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  [[nodiscard]] bool is_packed() const { return is_packed_; }

  // Fills `to` as far as there is something; less than its size only at the end.
  std::size_t read(std::span<std::uint8_t> to) {
    return is_packed_ ? read_packed(to) : read_plain(to);
  }

 private:
  [[nodiscard]] bool starts_member() {
    constexpr std::array<std::uint8_t, 2> kMagic = {0x1F, 0x8B};
    if (stream_.avail_in < kMagic.size()) refill();
    return stream_.avail_in >= kMagic.size() &&
           std::equal(kMagic.begin(), kMagic.end(), stream_.next_in);
  }

  // Reads on until two bytes lie there or the file ends.
  void refill() {
    std::copy_n(stream_.next_in, stream_.avail_in, packed_.begin());
    stream_.next_in = packed_.data();
    while (stream_.avail_in < 2) {
      const std::size_t n = source_.read(std::span(packed_).subspan(stream_.avail_in));
      if (n == 0) return;
      stream_.avail_in += static_cast<uInt>(n);
    }
  }

  std::size_t read_plain(std::span<std::uint8_t> to) {
    std::size_t done = std::min<std::size_t>(to.size(), stream_.avail_in);
    std::copy_n(stream_.next_in, done, to.begin());
    stream_.next_in += done;
    stream_.avail_in -= static_cast<uInt>(done);
    while (done < to.size()) {
      const std::size_t n = source_.read(to.subspan(done));
      if (n == 0) break;
      done += n;
    }
    return done;
  }

  std::size_t read_packed(std::span<std::uint8_t> to) {
    stream_.next_out = to.data();
    stream_.avail_out = static_cast<uInt>(to.size());
    while (stream_.avail_out > 0 && !ended_) {
      if (stream_.avail_in == 0) refill();
      if (stream_.avail_in == 0)
        throw InputError(source_.path(), "ends in the middle of its gzip data", "a whole file");
      unpack();
    }
    return to.size() - stream_.avail_out;
  }

  void unpack() {
    const int code = inflate(&stream_, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      ended_ = !starts_member();
      inflateReset(&stream_);
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      throw InputError(source_.path(), "damaged gzip data", "a whole file");
    }
  }

  Source& source_;
  std::vector<std::uint8_t> packed_;
  z_stream stream_{};
  bool is_packed_ = false, ended_ = false;
};

// How many bytes the file may have, and why no more.
struct Limit {
  std::int64_t bytes;
  std::string expected;
};

// What states its own size may have that; what has none (a pipe, gzip) little.
Limit limit_of(const Source& source, bool is_packed, std::int64_t max_bytes,
               std::optional<std::int64_t> stated) {
  const Limit most = {max_bytes, fmt::format("at most {} bytes", max_bytes)};
  if (!source.is_pipe() && !is_packed) return most;
  if (stated && *stated > max_bytes) throw InputError(source.path(), "is too large", most.expected);
  if (stated) return {*stated, fmt::format("the {} bytes that its header states", *stated)};
  if (max_bytes <= kMaxUnsizedBytes) return most;
  const char* advice = is_packed ? "of gzip (unpack the file first)" : "of a pipe (use a file)";
  return {kMaxUnsizedBytes, fmt::format("at most {} bytes {}", kMaxUnsizedBytes, advice)};
}

// A file that is read as far as somebody asked.
class Contents {
 public:
  explicit Contents(const std::string& path) : source_(path), unpacker_(source_) {}

  const std::vector<std::uint8_t>& head() {
    if (bytes_.empty()) more(kHead);
    return bytes_;
  }

  const std::vector<std::uint8_t>& whole(std::int64_t max_bytes, const StatedSize& stated_size) {
    head();
    const std::size_t head_bytes = std::min(bytes_.size(), kHead);
    std::optional<std::int64_t> stated;
    if (stated_size) stated = stated_size(std::span(bytes_).first(head_bytes));
    const Limit limit = limit_of(source_, unpacker_.is_packed(), max_bytes, stated);
    const auto check = [&](std::int64_t size) {
      if (size > limit.bytes) throw InputError(source_.path(), "is too large", limit.expected);
    };
    if (!unpacker_.is_packed()) {
      check(source_.size());
      bytes_.reserve(static_cast<std::size_t>(source_.size()) + kChunk);
    }
    while (!ended_) {
      more(kChunk);
      check(std::ssize(bytes_));
    }
    check(std::ssize(bytes_));
    return bytes_;
  }

  [[nodiscard]] std::vector<std::uint8_t> take() && { return std::move(bytes_); }

 private:
  void more(std::size_t count) {
    const std::size_t size = bytes_.size();
    bytes_.resize(size + count);
    const std::size_t n = unpacker_.read(std::span(bytes_).subspan(size));
    bytes_.resize(size + n);
    ended_ = n < count;
  }

  Source source_;
  Unpacker unpacker_;
  std::vector<std::uint8_t> bytes_;
  bool ended_ = false;
};

// The pipe of that path if it is one, opened when it is first asked for and never closed, so that
// no other pipe takes its number: what came through it cannot be had again.
Contents* kept_pipe(const std::string& path) {
  static std::map<std::pair<dev_t, ino_t>, std::unique_ptr<Contents>> pipes;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISFIFO(info.st_mode)) return nullptr;
  std::unique_ptr<Contents>& pipe = pipes[{info.st_dev, info.st_ino}];
  if (!pipe) pipe = std::make_unique<Contents>(path);
  return pipe.get();
}

}  // namespace

std::vector<std::uint8_t> read_file(const std::string& path, std::int64_t max_bytes,
                                    const StatedSize& stated_size) {
  if (Contents* const pipe = kept_pipe(path)) return pipe->whole(max_bytes, stated_size);
  Contents contents(path);
  contents.whole(max_bytes, stated_size);
  return std::move(contents).take();
}

std::vector<std::uint8_t> read_file(const std::string& path, std::int64_t max_bytes) {
  return read_file(path, max_bytes, {});
}

std::vector<std::uint8_t> read_raw_file(const std::string& path, std::int64_t max_bytes) {
  Source source(path);
  std::vector<std::uint8_t> bytes;
  for (std::size_t n = kChunk; n > 0;) {
    const std::size_t size = bytes.size();
    bytes.resize(size + kChunk);
    n = source.read(std::span(bytes).subspan(size));
    bytes.resize(size + n);
    if (std::max(std::ssize(bytes), source.size()) > max_bytes) {
      throw InputError(path, "is too large", fmt::format("at most {} bytes", max_bytes));
    }
  }
  return bytes;
}

class FileStream::File {
 public:
  explicit File(const std::string& path) : source_(path), unpacker_(source_) {}
  std::size_t read(std::span<std::uint8_t> to) { return unpacker_.read(to); }

 private:
  Source source_;
  Unpacker unpacker_;
};

FileStream::FileStream(const std::string& path) : path_(path) {
  if (Contents* const pipe = kept_pipe(path)) {
    unread_ = pipe->whole(kMaxUnsizedBytes, {});
  } else {
    file_ = std::make_unique<File>(path);
  }
}

FileStream::~FileStream() = default;

std::size_t FileStream::read(std::span<std::uint8_t> to) {
  if (file_) return file_->read(to);
  const std::size_t n = std::min(to.size(), unread_.size());
  std::copy_n(unread_.begin(), n, to.begin());
  unread_ = unread_.subspan(n);
  return n;
}

std::vector<std::uint8_t> file_head(const std::string& path) {
  Contents* const pipe = kept_pipe(path);
  std::vector<std::uint8_t> bytes = pipe != nullptr ? pipe->head() : Contents(path).head();
  bytes.resize(std::min(bytes.size(), kHead));
  return bytes;
}

}  // namespace systole
