// Backend: what the host part of the GPU comparison asks of a device.
//
// The CUDA backend (cuda/) is a module of its own that the program opens when it is wanted, so that
// everything else runs where there is no driver; tests have one that computes on the host. One
// thread uses a backend, and all its work runs in the order in which it was started.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "compare/targets/gpu/work.h"

namespace systole::compare::gpu {

// The device or one of its libraries refused: no device, out of memory, a shape it does not have.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct DeviceInfo {
  std::string name;                    // "NVIDIA H100 80GB HBM3"
  std::string driver;                  // "NVIDIA 580.65.06"
  std::vector<std::string> libraries;  // "cuBLASLt 13.1.0"
  std::map<std::string, std::string> settings;
};

// Work that is ready to start: algorithms chosen, workspace allocated.
class Launch {
 public:
  virtual ~Launch() = default;
  // Starts it; returns at once. Throws DeviceError.
  virtual void start() const = 0;
  // The library's name for what it chose, or the kernel's.
  [[nodiscard]] virtual std::string name() const = 0;
};

// Device memory, freed with its last owner.
using Memory = std::shared_ptr<void>;

// What the device did, as its own clock saw it.
struct Activity {
  std::string track;                // "gpu", "copy_in", "copy_out"
  std::string kernel;               // the kernel's name, or the kind of copy
  std::int64_t begin = 0, end = 0;  // nanoseconds since the first activity
  std::int64_t bytes = -1;          // of a copy
  std::int64_t mark = -1;           // see Backend::mark
};

// Bytes that go to the device before the work and come back after it.
struct Transfer {
  std::span<const std::uint8_t> input;
  Address to = nullptr;
  std::span<std::uint8_t> output;
  ConstAddress from = nullptr;
};
struct Times {
  double total = 0.0;   // host's clock: input bytes on the host to output bytes on the host
  double device = 0.0;  // the work alone, between two device events
};

class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual DeviceInfo info() const = 0;
  [[nodiscard]] virtual Memory allocate(std::size_t bytes) = 0;
  // Host memory that the device copies from and to at full speed.
  [[nodiscard]] virtual Memory allocate_host(std::size_t bytes) = 0;
  virtual void upload(Address to, std::span<const std::uint8_t> from) = 0;
  virtual void download(std::span<std::uint8_t> to, ConstAddress from) = 0;

  // Chooses the fastest way to do the work, by trying. What the work writes is undefined after it.
  [[nodiscard]] virtual std::unique_ptr<Launch> prepare(const Work& work) = 0;
  // What `start` starts, recorded once, to be started again as one (a CUDA graph).
  [[nodiscard]] virtual std::unique_ptr<Launch> record(const std::function<void()>& start) = 0;
  // Copies in, works, copies out and waits. The transfer's host memory is allocate_host's.
  virtual Times run(const Transfer& transfer, const std::function<void()>& start) = 0;

  // Between these two every kernel and copy is traced.
  virtual void start_trace() = 0;
  [[nodiscard]] virtual std::vector<Activity> finish_trace() = 0;
  // What is started from now on carries this number in a trace; -1: none.
  virtual void mark(std::int64_t number) = 0;
};

// The one symbol of the module: makes the backend of device `index`. Throws DeviceError.
inline constexpr const char* kOpenSymbol = "systole_gpu_open";
using OpenBackend = Backend* (*)(int index);

}  // namespace systole::compare::gpu
