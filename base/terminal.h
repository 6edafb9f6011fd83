// The terminal: notes to the user and a progress line, both on standard error, so that standard
// output holds results only.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace systole {

// One line about something decided on the user's behalf: "systole: note: ...".
void note(const std::string& text);
// The same, unless it was said before.
void note_once(const std::string& text);

// A line that appears on a terminal once a job has taken a second, "job: 12 %" or, where nothing
// says how much is done, "job: 3 s", and is wiped at the end. In a pipe it stays quiet. Within a
// job that has one, another draws nothing.
class Progress {
 public:
  explicit Progress(std::string_view job,
                    std::chrono::milliseconds after = std::chrono::seconds(1));
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // To be called now and then with the fraction done, 0 to 1.
  void update(double fraction) { fraction_ = fraction; }
  [[nodiscard]] std::function<void(double)> callback() {
    return [this](double fraction) { update(fraction); };
  }

 private:
  void draw(std::chrono::milliseconds after);

  std::string job_;
  std::atomic<double> fraction_ = -1.0;  // below 0: not known
  std::mutex mutex_;                     // of done_
  bool done_ = false;
  std::condition_variable wake_;
  std::thread drawer_;
};

}  // namespace systole
