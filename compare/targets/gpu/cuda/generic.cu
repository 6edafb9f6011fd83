// One generic kernel per op: a thread per result, whose body is the same code that the tests run on
// the host. Compiled without contraction (-fmad=false), so integers come out bit for bit.
#include "compare/targets/gpu/cuda/device.cuh"

namespace systole::compare::gpu {
namespace {

// A warp: 32 threads that exchange registers without any memory.
struct Warp {
  Index rank, size;
  template <typename Combine>
  __device__ float combined(float x, Combine combine) const {
    for (int distance = 16; distance > 0; distance /= 2) {
      x = combine(x, __shfl_xor_sync(0xFFFFFFFFU, x, distance));
    }
    return x;  // the same in every thread, as each step swaps both ways
  }
  __device__ float max(float x) const {
    return combined(x, [](float a, float b) { return fmaxf(a, b); });
  }
  __device__ float sum(float x) const {
    return combined(x, [](float a, float b) { return a + b; });
  }
};

// A warp for each line.
__global__ void reduce(Reduce work) {
  const Index line = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (line < work.count) reduce_line(work, line, Warp{threadIdx.x % 32, 32});
}

bool start_reduce(const Device& device, const Reduce& work) {
  if (work.count == 0) return true;
  constexpr int kLines = kBlock / 32;  // of a block
  const auto blocks = static_cast<unsigned>((work.count + kLines - 1) / kLines);
  reduce<<<blocks, kBlock, 0, device.stream>>>(work);
  return cudaGetLastError() == cudaSuccess;
}

template <typename W>
std::unique_ptr<FunctionLaunch> generic(const char* name, const Device& device, const W& work) {
  return std::make_unique<FunctionLaunch>(name,
                                          [&device, work] { return start_each(device, work); });
}

std::unique_ptr<Launch> prepare_pool(const Device& device, const Pool& work) {
  std::vector<std::unique_ptr<FunctionLaunch>> candidates;
  candidates.push_back(generic("pool", device, work));
  if (work.library) candidates.push_back(prepare_library_pool(device, work));
  return fastest(device, std::move(candidates));
}

struct Prepare {
  const Device& device;
  std::unique_ptr<Launch> operator()(const Map& w) const { return generic("map", device, w); }
  std::unique_ptr<Launch> operator()(const Zip& w) const { return generic("zip", device, w); }
  std::unique_ptr<Launch> operator()(const Table& w) const { return generic("table", device, w); }
  std::unique_ptr<Launch> operator()(const Reorder& w) const {
    return generic("reorder", device, w);
  }
  std::unique_ptr<Launch> operator()(const Patches& w) const {
    return generic("patches", device, w);
  }
  std::unique_ptr<Launch> operator()(const Requantise& w) const {
    return generic("requantise", device, w);
  }
  std::unique_ptr<Launch> operator()(const VectorAdd& w) const {
    return generic("vector_add", device, w);
  }
  std::unique_ptr<Launch> operator()(const Reduce& w) const {
    return std::make_unique<FunctionLaunch>(
        "reduce", [this_device = &device, w] { return start_reduce(*this_device, w); });
  }
  std::unique_ptr<Launch> operator()(const Pool& w) const { return prepare_pool(device, w); }
  std::unique_ptr<Launch> operator()(const Gemm& w) const { return prepare_gemm(device, w); }
  std::unique_ptr<Launch> operator()(const Conv& w) const { return prepare_conv(device, w); }
  std::unique_ptr<Launch> operator()(const LessonGemm& w) const {
    return prepare_lesson(device, w);
  }
  std::unique_ptr<Launch> operator()(const Nothing& /*w*/) const { return prepare_nothing(device); }
};

}  // namespace

std::unique_ptr<Launch> prepare_generic(const Device& device, const Work& work) {
  return std::visit(Prepare{device}, work);
}

}  // namespace systole::compare::gpu
