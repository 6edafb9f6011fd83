// Device: what all CUDA files share: error checks, the stream, generic launches and the choice of
// the fastest of several ways.
#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>
#include <cudnn.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "compare/targets/gpu/backend.h"
#include "compare/targets/gpu/bodies.h"

namespace systole::compare::gpu {

// Throw DeviceError with the library's own words.
void check(cudaError_t status, const char* what);
void check(cublasStatus_t status, const char* what);
void check(cudnnStatus_t status, const char* what);

// Everything that is opened once.
struct Device {
  explicit Device(int index);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  cudaDeviceProp properties{};
  cudaStream_t stream = nullptr;
  cudaEvent_t begin = nullptr, end = nullptr;
  cublasLtHandle_t blas = nullptr;
  cudnnHandle_t dnn = nullptr;
  Memory workspace;  // shared by all library calls, which run one after the other

  // 32 MiB is what cuBLASLt advises for Hopper; convolutions gain from more.
  static constexpr std::size_t kWorkspaceBytes = std::size_t{256} << 20;
};

[[nodiscard]] Memory device_memory(std::size_t bytes);

// A launch made of a function that returns whether it could be started.
class FunctionLaunch : public Launch {
 public:
  FunctionLaunch(std::string name, std::function<bool()> function)
      : name_(std::move(name)), function_(std::move(function)) {}
  void start() const override {
    if (!function_()) throw DeviceError(name_ + " could not be started");
  }
  [[nodiscard]] bool try_start() const { return function_(); }
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  std::string name_;
  std::function<bool()> function_;
};

// The fastest of the candidates that run at all: each is started once to see whether it can, then
// timed. Throws DeviceError if none can.
[[nodiscard]] std::unique_ptr<Launch> fastest(
    const Device& device, std::vector<std::unique_ptr<FunctionLaunch>> candidates);

inline constexpr int kBlock = 256;  // threads of a block of a generic kernel

// The one generic kernel: thread i computes results i, i + threads, ...
template <typename W>
__global__ void each(W work, Index count) {
  const Index step = gridDim.x * blockDim.x;
  for (Index i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) body(work, i);
}

template <typename W>
bool start_each(const Device& device, const W& work) {
  if (work.count == 0) return true;
  const auto count = static_cast<Index>(work.count);
  const Index blocks = (count + kBlock - 1) / kBlock;
  each<<<blocks, kBlock, 0, device.stream>>>(work, count);
  return cudaGetLastError() == cudaSuccess;
}

// gemm.cu, conv.cu, generic.cu and lesson.cu
[[nodiscard]] std::unique_ptr<Launch> prepare_gemm(const Device& device, const Gemm& work);
[[nodiscard]] std::unique_ptr<Launch> prepare_conv(const Device& device, const Conv& work);
[[nodiscard]] std::unique_ptr<FunctionLaunch> prepare_library_pool(const Device& device,
                                                                   const Pool& work);
[[nodiscard]] std::unique_ptr<Launch> prepare_generic(const Device& device, const Work& work);
[[nodiscard]] std::unique_ptr<Launch> prepare_lesson(const Device& device, const LessonGemm& work);
[[nodiscard]] std::unique_ptr<Launch> prepare_nothing(const Device& device);

}  // namespace systole::compare::gpu
