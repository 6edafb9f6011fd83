// Progress is drawn by a thread of its own, so that no job needs to call often.
#include "base/terminal.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <set>

#include "base/clean.h"

namespace systole {

namespace {

std::atomic<bool> drawing = false;  // there is a progress line, or will be
std::atomic<bool> shown = false;    // it is on the terminal

void write_line(const std::string& text) noexcept {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
  static_cast<void>(std::fflush(stderr));
}

void wipe() {
  if (shown.exchange(false)) write_line("\r\033[K");
}

}  // namespace

void note(const std::string& text) {
  wipe();
  write_line(fmt::format("systole: note: {}\n", clean_message(text)));
}

void note_once(const std::string& text) {
  static std::set<std::string> said;
  if (said.insert(text).second) note(text);
}

Progress::Progress(std::string_view job, std::chrono::milliseconds after) : job_(clean(job)) {
  if (isatty(STDERR_FILENO) != 1 || drawing.exchange(true)) return;
  drawer_ = std::thread([this, after] { draw(after); });
}

Progress::~Progress() {
  if (!drawer_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  wake_.notify_all();
  drawer_.join();
  wipe();
  drawing = false;
}

void Progress::draw(std::chrono::milliseconds after) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kOften = std::chrono::milliseconds(200);
  const Clock::time_point begin = Clock::now();
  std::unique_lock lock(mutex_);
  auto pause = after;
  while (!wake_.wait_for(lock, pause, [this] { return done_; })) {
    const double fraction = fraction_;
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begin).count();
    const std::string how_far =
        fraction < 0 ? fmt::format("{} s", seconds) : fmt::format("{:.0f} %", 100.0 * fraction);
    shown = true;  // first, so that a note that follows the line finds it
    write_line(fmt::format("\r\033[K{}: {}", job_, how_far));
    pause = kOften;
  }
}

}  // namespace systole
