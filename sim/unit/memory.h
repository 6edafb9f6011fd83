// Memory: the device's memory as its requesters see it (T12): the weight fetch of each matrix unit
// and, where the memory holds everything, `load` and `store`.
//
//   ask     in cycle t; from then on the request waits for the memory as dram.h says. Requests of
//           one requester are done in order
//   flows   the requester is told when its data flow as soon as that is decided: at once if it is
//   the
//           only requester there is, else in the first cycle that starts after the decision, when
//           all that was asked for before is known; so the order of processes does not matter
//
// What is read is whole dram.latency cycles after its last byte left the memory, what is written as
// long after it came there: the requesters add it.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "base/storage.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/ring.h"
#include "sim/kernel/trail.h"
#include "sim/unit/dram.h"

namespace systole::sim {

// Told of its requests, in their order.
class MemoryClient {
 public:
  virtual ~MemoryClient() = default;
  // The data of the oldest request not told of yet flow in cycles [begin, sent).
  virtual void flows(CyclePoint begin, const Instant& sent) = 0;
};

class Memory {
 public:
  // `image` is the weight image, without values empty. With values, a memory that the device writes
  // keeps `bytes` bytes that begin with it.
  // `causes` may be null.
  Memory(Kernel& kernel, const isa::Machine& machine, Causes* causes,
         std::span<const std::uint8_t> image, std::int64_t bytes);

  // Starts the process that decides for several requesters.
  void spawn();
  // Before the run: `client` is one more requester; its number.
  std::size_t connect(MemoryClient& client);
  // `bytes` > 0 from `address` on, asked for now.
  void ask(const Trail& trail, std::size_t requester, std::int64_t address, Bytes bytes);
  // The moment after what a requester was told.
  [[nodiscard]] Instant after(const Cause& cause, std::int64_t layer);
  [[nodiscard]] Instant latest(const Instant& a, const Instant& b, std::int64_t layer);

  // --- values ---
  [[nodiscard]] bool is_writable() const { return writable_; }
  [[nodiscard]] std::span<const std::uint8_t> read(std::int64_t address, std::int64_t bytes) const;
  [[nodiscard]] std::span<std::uint8_t> write(std::int64_t address, std::int64_t bytes);

 private:
  // Goes on in each cycle of looks_.
  struct Look {
    [[nodiscard]] static bool await_ready() { return false; }
    static void await_suspend(Kernel::Handle) {}
    static void await_resume() {}
  };
  Process run();
  // Decides what is decided before this cycle and comes back for the next decision.
  void decide();
  void look_at(CyclePoint when);
  [[nodiscard]] bool records() const { return causes_ != nullptr && !causes_->full(); }
  void tell();
  [[nodiscard]] Instant sent(const DramTransfer& transfer);

  Kernel& kernel_;
  std::unique_ptr<Dram> dram_;  // made for the first request, when the requesters are known
  const isa::Machine& machine_;
  std::vector<MemoryClient*> clients_;
  std::vector<DramTransfer> done_;
  // For a recording: what has been asked for and not told, by requester, and what was sent last.
  struct Asked {
    Instant at;
    std::int64_t layer, address, bytes;
  };
  Causes* causes_;
  std::vector<Ring<Asked>> asked_;
  Instant sent_;
  Kernel::Handle process_{};
  std::set<CyclePoint> looks_;  // to come

  std::span<const std::uint8_t> image_;
  bool writable_;
  Storage<std::uint8_t> bytes_;  // empty unless it is writable and there are values
};

}  // namespace systole::sim
