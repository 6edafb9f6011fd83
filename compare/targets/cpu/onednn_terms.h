// A graph's shapes, types, functions and requantisation in oneDNN's terms.
#pragma once

#include <cstdint>
#include <dnnl.hpp>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "compiler/ir/graph.h"

namespace systole::compare {

// Elements in row-major order.
[[nodiscard]] dnnl::memory::desc row_major_desc(const dnnl::memory::dims& dims,
                                                dnnl::memory::data_type type);
// The same layout of elements as wide.
[[nodiscard]] dnnl::memory::desc with_type(dnnl::memory::desc desc, dnnl::memory::data_type type);
[[nodiscard]] std::int64_t elements(const dnnl::memory::dims& dims);

// Throws InputError with the node's name.
[[noreturn]] void refuse(const compiler::Node& node, std::string what, std::string expected);

// float32, uint8, int8 or int32; anything else is an InputError naming `where`.
[[nodiscard]] dnnl::memory::data_type dnnl_type(DType type, const std::string& where);

// An element-wise function in oneDNN's terms.
struct Eltwise {
  dnnl::algorithm algorithm{};
  float alpha = 0.0F, beta = 0.0F;
};

[[nodiscard]] Eltwise eltwise(const compiler::Node& map);
void append(dnnl::post_ops& ops, const Eltwise& fn);

// The quantisation itself if it has one scale, else an InputError naming the node.
const compiler::Quant& per_tensor(const compiler::Quant& quant, const compiler::Node& node);

// bias[n] - zero_point * sum_k w[k, n] of int8 w [K, N], int32 as the accumulators: what makes a
// multiplication of the raw activations equal to one of activations minus zero point.
// The columns are w's last dimension.
[[nodiscard]] std::vector<std::int32_t> folded_bias(const Tensor& w, const Tensor* bias,
                                                    std::int32_t zero_point);

// The factor of each column's sum (x at alpha * x_scale), as ONNX computes it: one of each or one
// for all.
[[nodiscard]] std::vector<float> requantise_multipliers(const compiler::ProductQuants& attrs,
                                                        float alpha);

// Throws InputError naming the node: integers that are no single product of x, with one scale, and
// int8 weights w around 0.
void check_integer_product(const compiler::Node& node, const compiler::ProductQuants& quants,
                           const Tensor& w);

// Scale (x at alpha * x_scale), clip to [lo, hi] before rounding (integer bounds, so the same as
// after it), zero point.
[[nodiscard]] dnnl::primitive_attr requantisation(const compiler::ProductQuants& attrs,
                                                  float alpha);

}  // namespace systole::compare
