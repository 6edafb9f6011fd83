// Every index once, whatever the number of threads; the first failure is the one that is told.
#include "base/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace systole {
namespace {

TEST(Workers, DoEveryIndexOnce) {
  for (const std::size_t threads : {1U, 2U, 7U, 100U}) {
    std::vector<std::atomic<int>> calls(50);
    on_threads(calls.size(), threads, [&](std::size_t i) { ++calls[i]; });
    for (const auto& count : calls) EXPECT_EQ(count, 1) << threads;
  }
  on_threads(0, 4, [](std::size_t) { FAIL() << "there is nothing to do"; });
}

TEST(Workers, TakeOneThreadAloneInOrder) {
  std::vector<std::size_t> order;
  on_threads(5, 1, [&](std::size_t i) { order.push_back(i); });
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
}

// Both threads are at work when both throw.
TEST(Workers, TellTheLowestFailure) {
  std::atomic<int> begun = 0;
  const auto work = [&](std::size_t i) {
    ++begun;
    while (begun < 2) std::this_thread::yield();
    throw std::runtime_error(std::to_string(i));
  };
  try {
    on_threads(100, 2, work);
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "0");
  }
  EXPECT_EQ(begun, 2);
}

}  // namespace
}  // namespace systole
