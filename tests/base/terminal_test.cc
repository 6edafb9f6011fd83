// Progress on a terminal, and none in a pipe.
#include "base/terminal.h"

#include <fcntl.h>
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <unistd.h>

namespace systole::cli {
namespace {

using std::chrono::milliseconds;

// Standard error of this process as another file, for as long as the object lives.
class ErrorAs {
 public:
  explicit ErrorAs(int file) : kept_(dup(STDERR_FILENO)) { dup2(file, STDERR_FILENO); }
  ~ErrorAs() {
    dup2(kept_, STDERR_FILENO);
    close(kept_);
  }
  ErrorAs(const ErrorAs&) = delete;
  ErrorAs& operator=(const ErrorAs&) = delete;

 private:
  int kept_;
};

// What comes until `wanted` has come or nothing comes any more.
std::string read_until(int file, const std::string& wanted) {
  constexpr int kPatience = 10'000;  // milliseconds
  std::string text;
  while (text.find(wanted) == std::string::npos) {
    pollfd one{file, POLLIN, 0};
    if (poll(&one, 1, kPatience) <= 0) break;
    char buffer[256];
    const ssize_t count = read(file, buffer, sizeof buffer);
    if (count <= 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
  }
  return text;
}

TEST(Progress, AppearsOnATerminalAndIsWiped) {
  int master = -1, slave = -1;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) {
    GTEST_SKIP() << "this system has no pseudo terminals (/dev/pts)";
  }
  {
    const ErrorAs terminal(slave);
    Progress progress("testing", milliseconds(0));
    EXPECT_THAT(read_until(master, " s"), testing::HasSubstr("testing: 0 s"));
    const Progress inner("another", milliseconds(0));
    progress.update(0.5);
    EXPECT_THAT(read_until(master, "50 %"), testing::HasSubstr("testing: 50 %"));
    note("something");
    EXPECT_THAT(read_until(master, "thing"),
                testing::HasSubstr("\r\033[Ksystole: note: something"));
  }
  EXPECT_THAT(read_until(master, "\r\033[K"), testing::Not(testing::HasSubstr("another")));
  close(slave);
  close(master);
}

TEST(Progress, IsQuietInAPipe) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  {
    const ErrorAs quiet(ends[1]);
    Progress progress("testing", milliseconds(0));
    progress.update(0.5);
    usleep(1000);
  }
  close(ends[1]);
  EXPECT_EQ(read_until(ends[0], "never"), "");
  close(ends[0]);
}

}  // namespace
}  // namespace systole::cli
