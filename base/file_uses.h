// File uses: no output of a command takes the place of one of its inputs or of another output.
//
// While a set of outputs lives (base/outputs.h), every file that is opened for reading and every
// file that will be written is remembered by what it is (device and inode), so that other names and
// links do not hide it; a file to come is remembered by its path without links. Whichever of the
// two comes second is refused.
#pragma once

#include <string>

namespace systole {

// To be called by every reader of a file that a user names. Throws InputError if it will be
// written.
void note_read(const std::string& path);
// `path`, no link, will be written as `option` says. Throws InputError if it was read or will be
// written already. What is no regular file (/dev/null, a pipe) may be used any number of times.
void note_written(const std::string& path, const std::string& option);
// `path` will be a folder. Throws InputError if it, or a folder that it lies in, will be a file.
void note_written_folder(const std::string& path, const std::string& option);

// Uses are remembered while at least one of these lives.
class FileUses {
 public:
  FileUses();
  ~FileUses();
  FileUses(const FileUses&) = delete;
  FileUses& operator=(const FileUses&) = delete;
};

}  // namespace systole
