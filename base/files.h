// Files: whole-file reads and all-or-nothing writes, with errors that name the file and the reason.
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "base/temporary_name.h"

namespace systole {

// The file's bytes, or the unpacked bytes if it is gzip. Throws InputError (missing, unreadable, a
// folder, damaged gzip, more than max_bytes unpacked).
[[nodiscard]] std::vector<std::uint8_t> read_file(const std::string& path,
                                                  std::int64_t max_bytes = std::int64_t{1} << 34);

// A file being written under a temporary name beside its target; commit() renames it, and without
// commit() nothing is left behind. Links are followed; what is no regular file (/dev/null, a pipe)
// is written in place. Several that belong together are an OutputSet (base/outputs.h). Throws
// InputError if the folder or file cannot be written.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // The target, with links followed.
  [[nodiscard]] const std::string& path() const { return path_; }
  // Opened when it is first asked for.
  [[nodiscard]] std::ostream& stream();
  // The whole content at once.
  void write(std::span<const std::uint8_t> bytes);
  void write(const std::string& text);

  // Throws InputError if not all of the content fits on the disk.
  void finish();
  void take_name();
  void commit() {
    finish();
    take_name();
  }

 private:
  std::string path_;
  std::string temporary_;  // equals path_ when written in place
  std::optional<TemporaryName> doomed_;
  std::ofstream stream_;
};

void write_file(const std::string& path, std::span<const std::uint8_t> bytes);
void write_file(const std::string& path, const std::string& text);

}  // namespace systole
