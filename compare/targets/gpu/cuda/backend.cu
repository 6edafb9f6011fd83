// The CUDA backend: one device, one stream, two events, and the libraries on top of them.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "compare/targets/gpu/cuda/device.cuh"
#include "compare/targets/gpu/cuda/trace.cuh"

namespace systole::compare::gpu {

namespace {
[[noreturn]] void fail(const char* what, const char* why) {
  throw DeviceError(std::string(what) + ": " + why);
}
}  // namespace

void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess) fail(what, cudaGetErrorString(status));
}
void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) fail(what, cublasLtGetStatusString(status));
}
void check(cudnnStatus_t status, const char* what) {
  if (status != CUDNN_STATUS_SUCCESS) fail(what, cudnnGetErrorString(status));
}

Memory device_memory(std::size_t bytes) {
  void* address = nullptr;
  check(cudaMalloc(&address, bytes), "device memory");
  return {address, [](void* p) { cudaFree(p); }};
}

Device::Device(int index) {
  check(cudaSetDevice(index), "no GPU can be used");
  check(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties");
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
  check(cudaEventCreate(&begin), "cudaEventCreate");
  check(cudaEventCreate(&end), "cudaEventCreate");
  check(cublasLtCreate(&blas), "cublasLtCreate");
  check(cudnnCreate(&dnn), "cudnnCreate");
  check(cudnnSetStream(dnn, stream), "cudnnSetStream");
  workspace = device_memory(kWorkspaceBytes);
}

Device::~Device() {
  workspace.reset();
  if (dnn != nullptr) cudnnDestroy(dnn);
  if (blas != nullptr) cublasLtDestroy(blas);
  if (end != nullptr) cudaEventDestroy(end);
  if (begin != nullptr) cudaEventDestroy(begin);
  if (stream != nullptr) cudaStreamDestroy(stream);
}

namespace {

// Seconds of one start, the least of a few.
double seconds_of(const Device& device, const FunctionLaunch& launch) {
  constexpr int kTries = 5;
  float best = std::numeric_limits<float>::infinity();
  for (int i = 0; i < kTries; ++i) {
    check(cudaEventRecord(device.begin, device.stream), "cudaEventRecord");
    launch.start();
    check(cudaEventRecord(device.end, device.stream), "cudaEventRecord");
    check(cudaEventSynchronize(device.end), launch.name().c_str());
    float milliseconds = 0.0F;
    check(cudaEventElapsedTime(&milliseconds, device.begin, device.end), "cudaEventElapsedTime");
    best = std::min(best, milliseconds);
  }
  return static_cast<double>(best) * 1e-3;
}

}  // namespace

std::unique_ptr<Launch> fastest(const Device& device,
                                std::vector<std::unique_ptr<FunctionLaunch>> candidates) {
  std::unique_ptr<Launch> best;
  double best_seconds = std::numeric_limits<double>::infinity();
  for (auto& candidate : candidates) {
    if (!candidate->try_start()) continue;  // the library does not have this one
    check(cudaStreamSynchronize(device.stream), candidate->name().c_str());
    const double seconds = seconds_of(device, *candidate);
    if (seconds >= best_seconds) continue;
    best_seconds = seconds;
    best = std::move(candidate);
  }
  if (!best) throw DeviceError("the library has no algorithm for this shape and type");
  return best;
}

namespace {

// A function of the driver's management library, or null: that library comes with the driver, and
// what it tells (version, power) is left out where it is absent.
template <typename Function>
Function nvml(const char* name) {
  static void* const library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  return library == nullptr ? nullptr : reinterpret_cast<Function>(dlsym(library, name));
}

std::string driver_version() {
  const auto start = nvml<int (*)()>("nvmlInit_v2");
  const auto version = nvml<int (*)(char*, unsigned)>("nvmlSystemGetDriverVersion");
  char text[96] = "";
  if (start == nullptr || version == nullptr || start() != 0 || version(text, sizeof text) != 0) {
    return "unknown";
  }
  return text;
}

// The power limit in watts, or nothing known.
std::string power_cap(const cudaDeviceProp& properties) {
  using ByBus = int (*)(const char*, void**);
  const auto by_bus = nvml<ByBus>("nvmlDeviceGetHandleByPciBusId_v2");
  const auto limit = nvml<int (*)(void*, unsigned*)>("nvmlDeviceGetEnforcedPowerLimit");
  char bus[32] = "";
  std::snprintf(bus, sizeof bus, "%08x:%02x:%02x.0", properties.pciDomainID, properties.pciBusID,
                properties.pciDeviceID);
  void* handle = nullptr;
  unsigned milliwatts = 0;
  const bool known = by_bus != nullptr && limit != nullptr && by_bus(bus, &handle) == 0 &&
                     limit(handle, &milliwatts) == 0;
  return known ? std::to_string(milliwatts / 1000) + " W" : "unknown";
}

std::string version_text(const char* library, std::size_t major, std::size_t minor,
                         std::size_t patch) {
  return std::string(library) + " " + std::to_string(major) + "." + std::to_string(minor) + "." +
         std::to_string(patch);
}

std::vector<std::string> libraries() {
  int runtime = 0;
  check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  const std::size_t blas = cublasLtGetVersion();
  const std::size_t dnn = cudnnGetVersion();
  return {
      "CUDA runtime " + std::to_string(runtime / 1000) + "." + std::to_string(runtime % 1000 / 10),
      version_text("cuBLASLt", blas / 10000, blas / 100 % 100, blas % 100),
      version_text("cuDNN", dnn / 10000, dnn / 100 % 100, dnn % 100)};
}

std::string clocks(int device) {
  int kilohertz = 0;
  check(cudaDeviceGetAttribute(&kilohertz, cudaDevAttrClockRate, device), "clock rate");
  return "as found, up to " + std::to_string(kilohertz / 1000) + " MHz";
}

// A recorded graph.
class GraphLaunch : public Launch {
 public:
  GraphLaunch(cudaStream_t stream, const std::function<void()>& start) : stream_(stream) {
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "start of a capture");
    cudaGraph_t graph = nullptr;
    try {
      start();
    } catch (...) {
      cudaStreamEndCapture(stream, &graph);
      throw;
    }
    check(cudaStreamEndCapture(stream, &graph), "end of a capture");
    const auto status = cudaGraphInstantiate(&executable_, graph, 0);
    cudaGraphDestroy(graph);
    check(status, "cudaGraphInstantiate");
  }
  ~GraphLaunch() override { cudaGraphExecDestroy(executable_); }
  GraphLaunch(const GraphLaunch&) = delete;
  GraphLaunch& operator=(const GraphLaunch&) = delete;
  void start() const override { check(cudaGraphLaunch(executable_, stream_), "cudaGraphLaunch"); }
  [[nodiscard]] std::string name() const override { return "graph"; }

 private:
  cudaStream_t stream_;
  cudaGraphExec_t executable_ = nullptr;
};

class CudaBackend : public Backend {
 public:
  explicit CudaBackend(int index) : index_(index), device_(index) {}

  DeviceInfo info() const override {
    return {
        .name = device_.properties.name,
        .driver = "NVIDIA " + driver_version(),
        .libraries = libraries(),
        .settings = {{"clocks", clocks(index_)},
                     {"power_cap", power_cap(device_.properties)},
                     {"multiprocessors", std::to_string(device_.properties.multiProcessorCount)}}};
  }

  Memory allocate(std::size_t bytes) override { return device_memory(bytes); }
  Memory allocate_host(std::size_t bytes) override {
    void* address = nullptr;
    check(cudaMallocHost(&address, bytes), "pinned host memory");
    return {address, [](void* p) { cudaFreeHost(p); }};
  }
  void upload(Address to, std::span<const std::uint8_t> from) override {
    check(cudaMemcpyAsync(to, from.data(), from.size(), cudaMemcpyHostToDevice, device_.stream),
          "copy to the device");
    check(cudaStreamSynchronize(device_.stream), "copy to the device");
  }
  void download(std::span<std::uint8_t> to, ConstAddress from) override {
    check(cudaMemcpyAsync(to.data(), from, to.size(), cudaMemcpyDeviceToHost, device_.stream),
          "copy from the device");
    check(cudaStreamSynchronize(device_.stream), "copy from the device");
  }

  std::unique_ptr<Launch> prepare(const Work& work) override {
    return prepare_generic(device_, work);
  }
  std::unique_ptr<Launch> record(const std::function<void()>& start) override {
    return std::make_unique<GraphLaunch>(device_.stream, start);
  }
  Times run(const Transfer& transfer, const std::function<void()>& start) override;

  void start_trace() override { start_cupti(); }
  std::vector<Activity> finish_trace() override { return finish_cupti(); }
  void mark(std::int64_t number) override { mark_cupti(number); }

 private:
  int index_;
  Device device_;
};

Times CudaBackend::run(const Transfer& t, const std::function<void()>& start) {
  using Clock = std::chrono::steady_clock;
  const cudaStream_t stream = device_.stream;
  const auto begin = Clock::now();
  if (!t.input.empty()) {
    check(cudaMemcpyAsync(t.to, t.input.data(), t.input.size(), cudaMemcpyHostToDevice, stream),
          "copy to the device");
  }
  check(cudaEventRecord(device_.begin, stream), "cudaEventRecord");
  start();
  check(cudaEventRecord(device_.end, stream), "cudaEventRecord");
  if (!t.output.empty()) {
    check(cudaMemcpyAsync(t.output.data(), t.from, t.output.size(), cudaMemcpyDeviceToHost, stream),
          "copy from the device");
  }
  check(cudaStreamSynchronize(stream), "a run on the device");
  const auto end = Clock::now();
  float milliseconds = 0.0F;
  check(cudaEventElapsedTime(&milliseconds, device_.begin, device_.end), "cudaEventElapsedTime");
  return {std::chrono::duration<double>(end - begin).count(),
          static_cast<double>(milliseconds) * 1e-3};
}

}  // namespace
}  // namespace systole::compare::gpu

// The module's one symbol (kOpenSymbol).
extern "C" __attribute__((visibility("default"))) systole::compare::gpu::Backend* systole_gpu_open(
    int index) {
  return new systole::compare::gpu::CudaBackend(index);
}
