// Outputs: all files that a command writes. Each is declared before the work, which finds names
// that cannot be written while that costs nothing; they appear together, at commit(), or not at
// all.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_uses.h"
#include "base/files.h"

namespace systole {

class OutputSet {
 public:
  OutputSet();
  ~OutputSet();
  OutputSet(const OutputSet&) = delete;
  OutputSet& operator=(const OutputSet&) = delete;

  // A file to come, under a temporary name until commit(); nullptr if the path is empty, as that of
  // an option that was not given. `option` is for messages. Throws InputError for "-", and if the
  // file cannot be written, is read by this command (also later), or is another of its outputs.
  AtomicFile* file(const std::string& option, const std::string& path);
  // A folder for files to come, made with its parents where it is not there; without commit() what
  // was made is gone again. Throws InputError if it cannot be made or written to.
  void folder(const std::string& option, const std::string& path);
  // A file that is not written after all; what has its name stays.
  void drop(AtomicFile* file);
  // Writes every file whole, then gives all of them their names. Throws InputError, with none of
  // them there, if one does not fit.
  void commit();

 private:
  class NewFolder;

  std::optional<FileUses> uses_;  // until commit()
  std::vector<std::unique_ptr<NewFolder>> folders_;
  std::list<AtomicFile> files_;  // gone before the folders that they are in
};

}  // namespace systole
