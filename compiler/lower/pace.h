// Pace: how far the array and the buffer's write port come with the code so far, by their own work,
// so that neither gets much more to do than the other. Activation and vector unit share the port;
// the vector unit holds it while it reads.
#pragma once

#include <algorithm>
#include <cstdint>

namespace systole::compiler {

class Pace {
 public:
  // The array works, or waits, for so many cycles more; so does the port.
  void array(std::int64_t cycles) {
    array_ += cycles;
    port_ = std::max(port_, array_ - kMostAhead);
  }
  void port(std::int64_t cycles) { port_ += cycles; }

  // Whether the port has less to do than the array. With more, full queues of those that wait for
  // it would hold up the array's instructions.
  [[nodiscard]] bool port_idles() const { return port_ < array_; }
  // When the array gets to what comes next, and when what wants the port is done.
  [[nodiscard]] std::int64_t array_time() const { return array_; }
  [[nodiscard]] std::int64_t port_time() const { return std::max(array_, port_); }

 private:
  static constexpr std::int64_t kMostAhead = 4096;  // cycles for which the port's idleness counts
  std::int64_t array_ = 0, port_ = 0;
};

}  // namespace systole::compiler
