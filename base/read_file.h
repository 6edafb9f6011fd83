// Reading what a user names: which files are read, and how far. read_file() of files.h is this
// without a stated size.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace systole {

// What has no size of its own, a pipe or gzip, is read up to here, unless its header states more.
inline constexpr std::int64_t kMaxUnsizedBytes = std::int64_t{1} << 28;

// Given a file's first bytes (unpacked, 64 KiB of them if there are as many), how many bytes the
// whole must have, if they say so. Throws InputError if the file is not what was expected.
using StatedSize = std::function<std::optional<std::int64_t>(std::span<const std::uint8_t> head)>;

// The bytes of a file, or the unpacked bytes if it is gzip. The rules for everything a user names:
//  * a regular file is read, if it has at most max_bytes;
//  * a pipe (`<(command)`, /dev/stdin, a FIFO) is read until its writers close it. One that nobody
//    writes to within a second, or that is silent for a minute, is refused;
//    What came through it is kept: whoever reads it again gets the same;
//  * folders, devices and sockets are refused;
//  * a pipe or gzip whose `stated_size` is unknown ends at kMaxUnsizedBytes, else at what it
//  states.
// Throws InputError where these say so, and for missing, unreadable and damaged files.
[[nodiscard]] std::vector<std::uint8_t> read_file(const std::string& path, std::int64_t max_bytes,
                                                  const StatedSize& stated_size);

// The bytes of a file as they lie there, gzip or not: for raw elements, which may begin as gzip
// does. Throws InputError as read_file does.
[[nodiscard]] std::vector<std::uint8_t> read_raw_file(const std::string& path,
                                                      std::int64_t max_bytes);

// A file's bytes (unpacked, if it is gzip) from first to last, piece by piece, by the rules of
// read_file() but for sizes: what is read is not kept. A pipe is read whole first, so that it can
// be read again, and ends at kMaxUnsizedBytes. The constructor and read() throw InputError.
class FileStream {
 public:
  explicit FileStream(const std::string& path);
  ~FileStream();
  FileStream(const FileStream&) = delete;
  FileStream& operator=(const FileStream&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // Fills `to` and says how far; less than its size only at the end.
  std::size_t read(std::span<std::uint8_t> to);

 private:
  class File;
  std::string path_;
  std::unique_ptr<File> file_;            // of a pipe null
  std::span<const std::uint8_t> unread_;  // of a pipe
};

// The first bytes of a file, as StatedSize gets them: what it holds can be told before it is read.
// Throws InputError as read_file does.
[[nodiscard]] std::vector<std::uint8_t> file_head(const std::string& path);

}  // namespace systole
