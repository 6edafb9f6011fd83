// A fixed table of atomic pointers, as a signal handler may neither lock nor allocate; unlink,
// rmdir and raise are async-signal-safe (POSIX.1-2017, 2.4.3).
#include "base/temporary_name.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>

namespace systole {
namespace {

std::array<std::atomic<const char*>, 1024> names;
static_assert(std::atomic<const char*>::is_always_lock_free);

void remove_and_end(int signal) {
  for (const auto& name : names) {
    if (const char* path = name.load()) unlink(path);
  }
  for (auto name = names.rbegin(); name != names.rend(); ++name) {  // inner folders first
    if (const char* path = name->load()) rmdir(path);
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

TemporaryName::TemporaryName(const std::string& path) : slot_(names.size()) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const char* nothing = nullptr;
    if (!names[i].compare_exchange_strong(nothing, path.c_str())) continue;
    slot_ = i;
    return;
  }
}

TemporaryName::~TemporaryName() {
  if (slot_ < names.size()) names[slot_].store(nullptr);
}

void remove_temporaries_on_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXCPU}) {
    if (std::signal(signal, remove_and_end) == SIG_IGN) std::signal(signal, SIG_IGN);  // nohup
  }
  std::signal(SIGXFSZ, SIG_IGN);  // writing to a file that may not grow fails, and that is said
}

}  // namespace systole
