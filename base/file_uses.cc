// One table for the whole process, as readers know nothing of the command they work for.
#include "base/file_uses.h"

#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/diag.h"

namespace systole {
namespace {

namespace fs = std::filesystem;

using FileId = std::pair<dev_t, ino_t>;

struct Uses {
  std::mutex mutex;
  int watchers = 0;
  std::set<FileId> read;
  std::map<FileId, std::string> written;          // by option
  std::map<fs::path, std::string> written_paths;  // the same and files to come
};

Uses& uses() {
  static Uses all;
  return all;
}

// Of a regular file.
std::optional<FileId> id_of(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return FileId(info.st_dev, info.st_ino);
}

bool is_in_place(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

fs::path plain(const std::string& path) {
  std::error_code error;
  fs::path result = fs::weakly_canonical(fs::absolute(path, error), error);
  if (!result.has_filename()) result = result.parent_path();  // "folder/"
  return result;
}

[[noreturn]] void refuse_replacing(const std::string& path, const std::string& option) {
  throw InputError(path, fmt::format("is read, and {} would replace it", option),
                   fmt::format("another file for {}", option));
}

[[noreturn]] void refuse_twice(const std::string& path, const std::string& option,
                               const std::string& other) {
  if (option == other) {
    throw InputError(option, fmt::format("{} would be written twice", path), "different files");
  }
  throw InputError(option, fmt::format("{} is what {} writes", path, other),
                   fmt::format("another file than that of {}", other));
}

}  // namespace

void note_read(const std::string& path) {
  Uses& all = uses();
  const std::lock_guard lock(all.mutex);
  if (all.watchers == 0) return;
  const auto id = id_of(path);
  if (!id) return;
  if (const auto at = all.written.find(*id); at != all.written.end()) {
    refuse_replacing(path, at->second);
  }
  all.read.insert(*id);
}

void note_written(const std::string& path, const std::string& option) {
  Uses& all = uses();
  const std::lock_guard lock(all.mutex);
  if (all.watchers == 0 || is_in_place(path)) return;
  const auto id = id_of(path);
  if (id && all.read.contains(*id)) refuse_replacing(path, option);
  if (id) {
    const auto [at, is_new] = all.written.emplace(*id, option);
    if (!is_new) refuse_twice(path, option, at->second);
  }
  const auto [at, is_new] = all.written_paths.emplace(plain(path), option);
  if (!is_new) refuse_twice(path, option, at->second);
}

void note_written_folder(const std::string& path, const std::string& option) {
  Uses& all = uses();
  const std::lock_guard lock(all.mutex);
  for (fs::path at = plain(path); at.has_relative_path(); at = at.parent_path()) {
    const auto file = all.written_paths.find(at);
    if (file != all.written_paths.end()) refuse_twice(at.string(), option, file->second);
  }
}

FileUses::FileUses() {
  const std::lock_guard lock(uses().mutex);
  ++uses().watchers;
}

FileUses::~FileUses() {
  Uses& all = uses();
  const std::lock_guard lock(all.mutex);
  if (--all.watchers > 0) return;
  all.read.clear();
  all.written.clear();
  all.written_paths.clear();
}

}  // namespace systole
