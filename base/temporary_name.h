// Temporary names: files under a name of their own until they are complete, and folders made for
// them, which a signal that ends the program (Ctrl-C, kill) must not leave behind.
#pragma once

#include <cstddef>
#include <string>

namespace systole {

// While this object lives, a signal handled by remove_temporaries_on_signals() removes the file or
// empty folder. `path` must outlive it. Only the first 1,024 at a time are remembered.
class TemporaryName {
 public:
  explicit TemporaryName(const std::string& path);
  ~TemporaryName();
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;

 private:
  std::size_t slot_;
};

// From now on SIGINT, SIGTERM and SIGHUP remove them before they end the program.
void remove_temporaries_on_signals();

}  // namespace systole
