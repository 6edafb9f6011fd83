// Temporary names: files under a name of their own until they are complete, which a signal that
// ends the program (Ctrl-C, kill) must not leave behind.
#pragma once

#include <cstddef>
#include <string>

namespace systole {

// While this object lives, a signal handled by remove_temporaries_on_signals() unlinks the file.
// `path` must outlive it. Only the first 64 at a time are remembered.
class TemporaryName {
 public:
  explicit TemporaryName(const std::string& path);
  ~TemporaryName();
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;

 private:
  std::size_t slot_;
};

// From now on SIGINT, SIGTERM and SIGHUP remove every such file before they end the program.
void remove_temporaries_on_signals();

}  // namespace systole
