// The terminal: notes to the user and a progress line, both on standard error, so that standard
// output holds results only.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace systole::cli {

// One line about something decided on the user's behalf: "systole: note: ...".
void note(const std::string& text);

// A percentage that appears on a terminal once a job has taken a second, and is wiped at the end.
// In a pipe it stays quiet.
class Progress {
 public:
  explicit Progress(std::string job);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // To be called now and then with the fraction done, 0 to 1.
  void update(double fraction);
  [[nodiscard]] std::function<void(double)> callback() {
    return [this](double fraction) { update(fraction); };
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::string job_;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point next_;  // when the line is written next
};

}  // namespace systole::cli
