// Progress is redrawn at most ten times a second.
#include "cli/terminal.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace systole::cli {

void note(const std::string& text) { fmt::print(stderr, "systole: note: {}\n", text); }

Progress::Progress(std::string job)
    : job_(std::move(job)),
      terminal_(isatty(STDERR_FILENO) == 1),
      next_(Clock::now() + std::chrono::seconds(1)) {}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\033[K");
}

void Progress::update(double fraction) {
  if (!terminal_ || Clock::now() < next_) return;
  next_ = Clock::now() + std::chrono::milliseconds(100);
  shown_ = true;
  fmt::print(stderr, "\r{}: {:3.0f} %", job_, 100.0 * fraction);
  std::fflush(stderr);
}

}  // namespace systole::cli
