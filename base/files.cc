// Files: writing by rename; reading is in read_file.cc.
#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/diag.h"

namespace systole {
namespace {

namespace fs = std::filesystem;

std::string reason() { return errno != 0 ? std::strerror(errno) : "the device takes no more"; }

[[noreturn]] void cannot_be_written(const std::string& path) {
  throw InputError(path, "cannot be written: " + reason(), "a writable file in an existing folder");
}

// `path` with links followed, also the last if it leads to nothing yet.
std::string followed(const std::string& path) {
  constexpr int kMostLinks = 40;  // as Linux has it
  fs::path at = path;
  std::error_code error;
  for (int i = 0; i < kMostLinks; ++i) {
    if (!fs::is_symlink(fs::symlink_status(at, error))) return at.string();
    const fs::path next = fs::read_symlink(at, error);
    if (error) throw InputError(path, "cannot be followed: " + error.message(), "a readable link");
    at = next.is_absolute() ? next : at.parent_path() / next;
  }
  throw InputError(path, "is a link that leads in a circle", "a file name to write");
}

// Makes an empty file beside `path`, with the mode and, where that is possible, the owner of the
// file it will replace: nobody else may read a part of a private file.
std::string new_file_beside(const fs::path& path, const struct stat* replaced) {
  constexpr std::size_t kLongestStem = 200;  // of a name of at most 255 bytes
  constexpr int kTries = 100;                // what killed programs of our number left behind
  const std::string stem = path.filename().string().substr(0, kLongestStem);
  for (int i = 0; i < kTries; ++i) {
    const std::string ending = i == 0 ? "" : fmt::format(".{}", i);
    const std::string name = fmt::format("{}.tmp.{}{}", stem, getpid(), ending);
    const std::string file = (path.parent_path() / name).string();
    const int how = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    const int descriptor = open(file.c_str(), how, replaced != nullptr ? 0600 : 0666);
    if (descriptor < 0 && errno == EEXIST) continue;
    if (descriptor < 0) break;
    if (replaced != nullptr) {
      static_cast<void>(fchown(descriptor, replaced->st_uid, replaced->st_gid) != 0);
      static_cast<void>(fchmod(descriptor, replaced->st_mode & 0777U));
    }
    close(descriptor);
    return file;
  }
  cannot_be_written(path.string());
}

// A pipe that nobody reads would hold whoever opens it for ever.
void wait_for_reader(const std::string& path) {
  constexpr int kTries = 20;
  constexpr auto kPause = std::chrono::milliseconds(50);
  for (int i = 0; i < kTries; ++i) {
    const int descriptor = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor >= 0 || errno != ENXIO) {
      if (descriptor >= 0) close(descriptor);
      return;  // other troubles are those of opening it in earnest
    }
    std::this_thread::sleep_for(kPause);
  }
  throw InputError(path, "is a pipe that nobody reads", "a file, or a pipe with a reader");
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  struct stat found {};
  const bool exists = stat(path_.c_str(), &found) == 0;
  if (path_.empty() || path_.back() == '/' || (exists && S_ISDIR(found.st_mode))) {
    throw InputError(path_, "is a folder", "a file name to write");
  }
  const bool in_place = exists && !S_ISREG(found.st_mode);
  if (!in_place) path_ = followed(path_);
  temporary_ = path_;
  errno = 0;
  if (access(path_.c_str(), W_OK) != 0 && errno != ENOENT) cannot_be_written(path_);
  if (in_place) {
    if (S_ISFIFO(found.st_mode)) wait_for_reader(path_);
    return;
  }
  temporary_ = new_file_beside(path_, exists ? &found : nullptr);
  doomed_.emplace(temporary_);
}

AtomicFile::~AtomicFile() {
  stream_.close();
  std::error_code ignored;  // after take_name() there is nothing left to remove
  if (temporary_ != path_) std::filesystem::remove(temporary_, ignored);
}

std::ostream& AtomicFile::stream() {
  if (stream_.is_open()) return stream_;
  errno = 0;
  stream_.open(temporary_, std::ios::binary | std::ios::trunc);
  if (!stream_) cannot_be_written(path_);
  return stream_;
}

void AtomicFile::write(std::span<const std::uint8_t> bytes) {
  stream().write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
  finish();
}

void AtomicFile::write(const std::string& text) {
  stream() << text;
  finish();
}

void AtomicFile::finish() {
  if (!stream_.is_open()) return;
  errno = 0;
  stream_.close();
  if (stream_.fail())
    throw InputError(path_, "could not be written whole: " + reason(), "enough space");
}

void AtomicFile::take_name() {
  if (temporary_ != path_ && std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    cannot_be_written(path_);
  }
}

void write_file(const std::string& path, std::span<const std::uint8_t> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void write_file(const std::string& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace systole
