// Bytes first, then names: a full disk is met while every old file is still there.
#include "base/outputs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "base/diag.h"
#include "base/temporary_name.h"

namespace systole {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWanted = "a folder that can be written to";

// Signals that end the program wait until this is gone.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

// A folder made here; removed again, if it is empty, unless kept.
class OutputSet::NewFolder {
 public:
  explicit NewFolder(std::string path) : path_(std::move(path)), doomed_(path_) {}
  ~NewFolder() {
    if (!kept_) rmdir(path_.c_str());
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  void keep() { kept_ = true; }

 private:
  std::string path_;
  TemporaryName doomed_;
  bool kept_ = false;
};

OutputSet::OutputSet() : uses_(std::in_place) {}

OutputSet::~OutputSet() {
  files_.clear();
  while (!folders_.empty()) folders_.pop_back();  // inner ones first
}

AtomicFile* OutputSet::file(const std::string& option, const std::string& path) {
  if (path.empty()) return nullptr;
  if (path == "-") {
    throw InputError(option, "'-' is no file here", "a file name (/dev/stdout is standard output)");
  }
  AtomicFile& file = files_.emplace_back(path);
  note_written(file.path(), option);
  return &file;
}

void OutputSet::folder(const std::string& option, const std::string& path) {
  note_written_folder(path, option);
  std::error_code error;
  std::vector<fs::path> missing;
  for (fs::path at = fs::absolute(path, error).lexically_normal(); !fs::exists(at, error);
       at = at.parent_path()) {
    if (at.has_filename()) missing.push_back(at);
  }
  std::ranges::reverse(missing);
  for (const fs::path& at : missing) {
    if (!fs::create_directory(at, error)) {
      throw InputError(path, "cannot be made: " + error.message(), kWanted);
    }
    folders_.push_back(std::make_unique<NewFolder>(at.string()));
  }
  if (!fs::is_directory(path, error)) throw InputError(path, "is no folder", kWanted);
  if (access(path.c_str(), W_OK | X_OK) != 0) {
    throw InputError(path, "cannot be written to", kWanted);
  }
}

void OutputSet::drop(AtomicFile* file) {
  files_.remove_if([&](const AtomicFile& each) { return &each == file; });
}

void OutputSet::commit() {
  for (AtomicFile& file : files_) file.finish();
  const SignalsHeld held;
  for (AtomicFile& file : files_) file.take_name();
  for (const auto& folder : folders_) folder->keep();
  files_.clear();
  folders_.clear();
  uses_.reset();
}

}  // namespace systole
