// A folder for one test's files, and what is read back from them.
#pragma once

#include <string>

namespace systole::testing_support {

// A fresh folder, removed with everything in it at the end.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] bool empty() const;

 private:
  std::string path_;
};

[[nodiscard]] std::string text_of(const std::string& path);

}  // namespace systole::testing_support
