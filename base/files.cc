// Files: reading through zlib (which passes plain files on unchanged), writing by rename.
#include "base/files.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "base/diag.h"

namespace systole {
namespace {

std::string reason() { return errno != 0 ? std::strerror(errno) : "the device takes no more"; }

}  // namespace

std::vector<std::uint8_t> read_file(const std::string& path, std::int64_t max_bytes) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw InputError(path, "is a folder", "a file");
  errno = 0;
  const std::unique_ptr<gzFile_s, decltype(&gzclose)> file(gzopen(path.c_str(), "rb"), &gzclose);
  if (!file)
    throw InputError(path, "cannot be read: " + (errno != 0 ? reason() : "out of memory"),
                     "a readable file");
  std::vector<std::uint8_t> bytes;
  constexpr std::size_t kChunk = std::size_t{1} << 20;
  for (;;) {
    const std::size_t old = bytes.size();
    bytes.resize(old + kChunk);
    const int n = gzread(file.get(), bytes.data() + old, kChunk);
    if (n < 0) throw InputError(path, "damaged gzip data or unreadable file", "a whole file");
    bytes.resize(old + static_cast<std::size_t>(n));
    if (static_cast<std::int64_t>(bytes.size()) > max_bytes) {
      throw InputError(path, "is too large", fmt::format("at most {} bytes", max_bytes));
    }
    if (n == 0) break;
  }
  int code = Z_OK;
  gzerror(file.get(), &code);
  if (code == Z_BUF_ERROR)
    throw InputError(path, "ends in the middle of its gzip data", "a whole file");
  return bytes;
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  std::error_code error;
  if (std::filesystem::is_directory(path_, error)) {
    throw InputError(path_, "is a folder", "a file name to write");
  }
  const std::filesystem::path target = std::filesystem::canonical(path_, error);
  if (!error) path_ = target.string();
  const bool in_place = !error && !std::filesystem::is_regular_file(target, error);
  temporary_ = in_place ? path_ : fmt::format("{}.tmp.{}", path_, getpid());
  if (!in_place) doomed_.emplace(temporary_);
  errno = 0;
  stream_.open(temporary_, std::ios::binary | std::ios::trunc);
  if (!stream_) {
    throw InputError(path_, "cannot be written: " + reason(),
                     "a writable file in an existing folder");
  }
}

AtomicFile::~AtomicFile() {
  stream_.close();
  std::error_code ignored;  // after commit() there is nothing left to remove
  if (temporary_ != path_) std::filesystem::remove(temporary_, ignored);
}

void AtomicFile::commit() {
  errno = 0;
  stream_.close();
  if (stream_.fail())
    throw InputError(path_, "could not be written whole: " + reason(), "enough space");
  if (temporary_ != path_ && std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    throw InputError(path_, "cannot be written: " + reason(),
                     "a writable file in an existing folder");
  }
}

void write_file(const std::string& path, std::span<const std::uint8_t> bytes) {
  AtomicFile file(path);
  file.stream().write(reinterpret_cast<const char*>(bytes.data()),
                      static_cast<std::streamsize>(bytes.size()));
  file.commit();
}

void write_file(const std::string& path, const std::string& text) {
  AtomicFile file(path);
  file.stream() << text;
  file.commit();
}

}  // namespace systole
