// The lesson: a matrix product on a GPU, first as one would write it down, then with shared memory.
//
// Both compute c = a b^T for row-major a[m][k] and b[n][k], so c[i][j] is row i of a times row j of
// b. Each thread computes one element of c. What differs is how often an element is fetched from
// the GPU's main memory, and that decides the speed.
#include "compare/targets/gpu/cuda/device.cuh"

namespace systole::compare::gpu {
namespace {

// 32 x 32 threads to a block: the largest square that a block may have (1,024 threads), and a
// multiple of the 32 threads (a "warp") that a GPU always runs in step.
constexpr int kTile = 32;

// Naive: thread (i, j) walks along row i of a and row j of b.
//
// Every thread fetches 2 k numbers, so the whole product fetches 2 m n k of them to do m n k
// multiply-adds: two fetches for each! The caches catch some, but the arithmetic units, which could
// do dozens of multiply-adds in the time of one fetch, mostly wait.
__global__ void naive_gemm(LessonGemm g) {
  const auto i = static_cast<std::int64_t>(blockIdx.y) * kTile + threadIdx.y;
  const auto j = static_cast<std::int64_t>(blockIdx.x) * kTile + threadIdx.x;
  if (i >= g.m || j >= g.n) return;  // the last blocks stick out over the edge of c
  float sum = 0.0F;
  for (std::int64_t k = 0; k < g.k; ++k) sum = fmaf(g.a[i * g.k + k], g.b[j * g.k + k], sum);
  g.c[i * g.n + j] = sum;
}

// Tiled: the 1,024 threads of a block need only 32 rows of a and 32 rows of b between them. So they
// fetch those rows together, 32 columns at a time, into shared memory: a few ten kilobytes inside
// the processor, which every thread of the block can read about as fast as its registers.
//
//              k -->
//      +--------[tile]--------+   32 rows of b
//      a: 32    [tile]            c: 32 x 32 results, one a thread
//      rows +---------------+
//
// Each number is now fetched once per block instead of once per thread: 2 m n k / 32 fetches. The
// matrix unit of a TPU takes the same idea further, to 256 x 256, with wires in place of a memory.
__global__ void tiled_gemm(LessonGemm g) {
  // One column more than needed. Shared memory has 32 banks, word w in bank w mod 32, and serves
  // one word per bank at a time. Below, the 32 threads of a warp read b_tile[threadIdx.x][k], a
  // column: with 32 words to a row all of these lie in one bank and take 32 turns; with 33 words
  // they lie in 32 different banks and take one.
  __shared__ float a_tile[kTile][kTile + 1];
  __shared__ float b_tile[kTile][kTile + 1];
  const auto row = static_cast<std::int64_t>(blockIdx.y) * kTile + threadIdx.y;
  const auto column = static_cast<std::int64_t>(blockIdx.x) * kTile + threadIdx.x;
  const auto b_row = static_cast<std::int64_t>(blockIdx.x) * kTile + threadIdx.y;

  float sum = 0.0F;
  for (std::int64_t first = 0; first < g.k; first += kTile) {
    // Fetch: each thread one number of either tile. Neighbouring threads (threadIdx.x) fetch
    // neighbouring numbers, which the memory delivers as one piece of 128 bytes ("coalesced").
    // Beyond the edges there are zeros: they add nothing to a sum.
    const std::int64_t k = first + threadIdx.x;
    a_tile[threadIdx.y][threadIdx.x] = row < g.m && k < g.k ? g.a[row * g.k + k] : 0.0F;
    b_tile[threadIdx.y][threadIdx.x] = b_row < g.n && k < g.k ? g.b[b_row * g.k + k] : 0.0F;
    __syncthreads();  // nobody reads before everybody has written

    for (int t = 0; t < kTile; ++t) {
      sum = fmaf(a_tile[threadIdx.y][t], b_tile[threadIdx.x][t], sum);
    }
    __syncthreads();  // nobody overwrites what somebody still reads
  }
  if (row < g.m && column < g.n) g.c[row * g.n + column] = sum;
}

// Neither is what a library does: that keeps several results per thread in registers, loads the
// next tile while it multiplies this one, and uses the tensor cores. The sweep measures all three.

__global__ void nothing() {}

}  // namespace

std::unique_ptr<Launch> prepare_lesson(const Device& device, const LessonGemm& work) {
  const dim3 threads(kTile, kTile);
  const auto tiles = [](std::int64_t n) { return static_cast<unsigned>((n + kTile - 1) / kTile); };
  const dim3 blocks(tiles(work.n), tiles(work.m));
  if (work.m == 0 || work.n == 0) throw DeviceError("an empty matrix product");
  return std::make_unique<FunctionLaunch>(
      work.tiled ? "tiled_gemm" : "naive_gemm", [work, threads, blocks, stream = device.stream] {
        auto* const kernel = work.tiled ? tiled_gemm : naive_gemm;
        kernel<<<blocks, threads, 0, stream>>>(work);
        return cudaGetLastError() == cudaSuccess;
      });
}

std::unique_ptr<Launch> prepare_nothing(const Device& device) {
  return std::make_unique<FunctionLaunch>("nothing", [stream = device.stream] {
    nothing<<<1, 1, 0, stream>>>();
    return cudaGetLastError() == cudaSuccess;
  });
}

}  // namespace systole::compare::gpu
