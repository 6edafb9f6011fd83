// Kernels of a GPU: the seconds of a product, a convolution, rows that are normalised, and
// element-wise work, as the libraries of NVIDIA and of PyTorch cut them.
//
// Beyond what device_model.h says of a product:
//   * single floats run on other units and in smaller tiles than what tensor cores multiply;
//   * a tile's pipeline is filled and emptied once: kPrologue steps of K;
//   * tiles run along the columns of the result. Those in flight (an SM's registers hold so many
//     sums) read each row and column of operands once between them; what does not fit the cache is
//     read again by the next ones, `reread` times that;
//   * a convolution is a product of its windows (implicit GEMM) that never splits K, in single
//     floats of 3 x 3 windows without stride also 16 products of 2 x 2 results each (Lavin, Gray,
//     "Fast Algorithms for Convolutional Neural Networks", 2015: 2.25 times fewer multiplications);
//     tensor cores take channels in eights, others go to the units for single floats;
//   * a softmax of rows beyond 1024 reads its input three times, a layer norm twice (PyTorch,
//     aten/src/ATen/native/cuda/SoftMax.cu and layer_norm_kernel.cu): again from memory as far as
//     the rows in flight leave the cache.
#pragma once

#include "compare/model/device_model.h"

namespace systole::compare {

[[nodiscard]] DeviceTime gpu_product_time(const Device& device, std::string_view precision,
                                          const Product& product);
[[nodiscard]] DeviceTime gpu_convolution_time(const Device& device, std::string_view precision,
                                              const Convolution& convolution);

// Rows that are normalised, each by its own sums.
struct NormRows {
  std::int64_t rows = 0, width = 0;
};
[[nodiscard]] DeviceTime gpu_softmax_time(const Device& device, std::string_view precision,
                                          const NormRows& rows);
[[nodiscard]] DeviceTime gpu_layer_norm_time(const Device& device, std::string_view precision,
                                             const NormRows& rows);

// Element-wise work: elements made, and how often as many are read or written; clocks of an SM that
// each takes, of kernels that move one element at a time.
struct ElementWork {
  double elements = 0.0, tensors = 2.0, clocks = 0.0;
};
[[nodiscard]] DeviceTime gpu_element_time(const Device& device, std::string_view precision,
                                          const ElementWork& work);

}  // namespace systole::compare
