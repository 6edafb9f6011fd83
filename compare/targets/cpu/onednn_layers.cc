// Everything that is no product: element-wise functions, sums and products of two tensors,
// look-ups, reductions, pools, and the way into and out of integers.
//
// oneDNN multiplies by a scale's reciprocal where ONNX divides, so a quantised value may differ by
// one step at a tie. What it has no integer form of (averages, products of two tensors) runs in
// float32 between a dequantise and a quantise.
#include <fmt/core.h>

#include <algorithm>

#include "compare/targets/cpu/onednn_builder.h"

namespace systole::compare {

using compiler::Quant;
using dnnl::memory;

// --- element-wise ---

// A map that follows no product is a layer of its own.
void OnednnBuilder::add_map(const Node& node) {
  const auto& map = std::get<compiler::MapAttrs>(node.attrs);
  if (map.x_quant || map.output)
    refuse(node, "a map of integers", "floats, or 8 bits between quantisers");
  const memory x = value(node.inputs[0]);
  const Eltwise fn = eltwise(node);
  const dnnl::eltwise_forward::desc desc(dnnl::prop_kind::forward_inference, fn.algorithm,
                                         x.get_desc(), fn.alpha, fn.beta);
  const dnnl::eltwise_forward::primitive_desc chosen(desc, engine_);
  const memory y(chosen.dst_desc(), engine_);
  push(node, chosen.impl_info_str(), dnnl::eltwise_forward(chosen),
       {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}});
  set_value(node.outputs[0], y);
}

namespace {

// Shape `dims` seen with `rank` dimensions: ones in front.
memory::dims with_rank(memory::dims dims, std::size_t rank) {
  dims.insert(dims.begin(), rank - dims.size(), 1);
  return dims;
}

dnnl::algorithm algorithm_of(compiler::ZipFn fn, const compiler::Node& node) {
  switch (fn) {
    case compiler::ZipFn::kAdd:
      return dnnl::algorithm::binary_add;
    case compiler::ZipFn::kSub:
      return dnnl::algorithm::binary_sub;
    case compiler::ZipFn::kMul:
      return dnnl::algorithm::binary_mul;
    case compiler::ZipFn::kMax:
      return dnnl::algorithm::binary_max;
    case compiler::ZipFn::kMin:
      return dnnl::algorithm::binary_min;
    case compiler::ZipFn::kDiv:
      return dnnl::algorithm::binary_div;
    default:
      break;
  }
  refuse(node, "a function of two operands that oneDNN does not have",
         "another target for this model");
}

dnnl::algorithm algorithm_of(compiler::ReduceFn fn) {
  switch (fn) {
    case compiler::ReduceFn::kMean:
      return dnnl::algorithm::reduction_mean;
    case compiler::ReduceFn::kSum:
      return dnnl::algorithm::reduction_sum;
    case compiler::ReduceFn::kProd:
      return dnnl::algorithm::reduction_mul;
    case compiler::ReduceFn::kMax:
      return dnnl::algorithm::reduction_max;
    case compiler::ReduceFn::kMin:
      return dnnl::algorithm::reduction_min;
    case compiler::ReduceFn::kSoftmax:
      break;  // a primitive of its own
  }
  SYSTOLE_CHECK(false, "reduction {}", static_cast<int>(fn));
}

dnnl::algorithm algorithm_of(const compiler::PoolAttrs& attrs) {
  switch (attrs.fn) {
    case compiler::PoolFn::kMax:
      return dnnl::algorithm::pooling_max;
    case compiler::PoolFn::kAverage:
      return attrs.count_padding ? dnnl::algorithm::pooling_avg_include_padding
                                 : dnnl::algorithm::pooling_avg_exclude_padding;
  }
  SYSTOLE_CHECK(false, "pool function {}", static_cast<int>(attrs.fn));
}

}  // namespace

void OnednnBuilder::add_zip(const Node& node) {
  const auto& zip = std::get<compiler::ZipAttrs>(node.attrs);
  const ValueId a = node.inputs[0], b = node.inputs[1], y = node.outputs[0];
  if (!zip.output) {
    const bool same = dims(a) == dims(b);
    const memory x = same ? value(a) : plain(node, a);
    const memory other = same ? in_layout(node, value(b), x.get_desc()) : plain(node, b);
    return set_value(y, float_zip(node, x, other));
  }
  if (dtype_bytes(zip.output->type) != 1) refuse(node, "16-bit integers", "8 bits or floats");
  if (zip.fn == compiler::ZipFn::kAdd && dims(a) == dims(b)) {
    return set_value(y, integer_sum(node, zip));
  }
  const memory sums = float_zip(node, dequantised(node, plain(node, a), *zip.a_quant, true),
                                dequantised(node, plain(node, b), *zip.b_quant, true));
  set_value(y, quantised(node, sums, *zip.output, true));
}

// The first operand has the result's shape; where it has not, the two change places.
memory OnednnBuilder::float_zip(const Node& node, const memory& a, const memory& b) {
  const memory::dims shape = dims(node.outputs[0]);
  const bool swapped = elements(a.get_desc().dims()) != elements(shape);
  const memory& large = swapped ? b : a;
  const memory& small = swapped ? a : b;
  const compiler::ZipFn function = std::get<compiler::ZipAttrs>(node.attrs).fn;
  if (swapped && !compiler::commutes(function)) {
    refuse(node, "a first operand that repeats", "one of the result's shape");
  }
  if (elements(large.get_desc().dims()) != elements(shape)) {
    refuse(node, "two operands that both repeat", "one of the result's shape");
  }
  const bool same = large.get_desc() == small.get_desc();
  const memory::desc first =
      same ? large.get_desc() : row_major_desc(shape, large.get_desc().data_type());
  const memory::desc second = same
                                  ? first
                                  : row_major_desc(with_rank(small.get_desc().dims(), shape.size()),
                                                   small.get_desc().data_type());
  const auto fn = algorithm_of(function, node);
  const dnnl::binary::primitive_desc chosen(dnnl::binary::desc(fn, first, second, first), engine_);
  const memory y(first, engine_);
  push(node, chosen.impl_info_str(), dnnl::binary(chosen),
       {{DNNL_ARG_SRC_0, same ? large : view(large, first)},
        {DNNL_ARG_SRC_1, same ? small : view(small, second)},
        {DNNL_ARG_DST, y}});
  return y;
}

// (sa (a - za) + sb (b - zb)) / sy + zy, clipped and rounded: two factors and one constant.
memory OnednnBuilder::integer_sum(const Node& node, const compiler::ZipAttrs& zip) {
  const Quant& qa = per_tensor(*zip.a_quant, node);
  const Quant& qb = per_tensor(*zip.b_quant, node);
  const Quant& qy = per_tensor(*zip.output, node);
  const float fa = qa.scales[0] / qy.scales[0], fb = qb.scales[0] / qy.scales[0];
  const float constant = static_cast<float>(qy.zero_points[0]) -
                         fa * static_cast<float>(qa.zero_points[0]) -
                         fb * static_cast<float>(qb.zero_points[0]);
  dnnl::primitive_attr attributes;
  attributes.set_scales(DNNL_ARG_SRC_0, 0, {fa});
  attributes.set_scales(DNNL_ARG_SRC_1, 0, {fb});
  dnnl::post_ops ops;
  append(ops, {dnnl::algorithm::eltwise_linear, 1.0F, constant});
  append(ops,
         {dnnl::algorithm::eltwise_clip, static_cast<float>(zip.lo), static_cast<float>(zip.hi)});
  attributes.set_post_ops(ops);
  const memory a = value(node.inputs[0]);
  const memory b = in_layout(node, value(node.inputs[1]),
                             a.get_desc().data_type() == type(node.inputs[1])
                                 ? a.get_desc()
                                 : value(node.inputs[1]).get_desc());
  memory::desc result = a.get_desc();
  result.data.data_type = static_cast<dnnl_data_type_t>(dnnl_type(qy.type, node.name));
  const dnnl::binary::desc desc(dnnl::algorithm::binary_add, a.get_desc(), b.get_desc(), result);
  const dnnl::binary::primitive_desc chosen(desc, attributes, engine_);
  const memory y(result, engine_);
  push(node, chosen.impl_info_str(), dnnl::binary(chosen),
       {{DNNL_ARG_SRC_0, a}, {DNNL_ARG_SRC_1, b}, {DNNL_ARG_DST, y}});
  return y;
}

void OnednnBuilder::add_table(const Node& node) {
  const auto& table = std::get<compiler::TableAttrs>(node.attrs);
  set_value(node.outputs[0], looked_up(node, table, value(node.inputs[0])));
}

// oneDNN looks nothing up: a plain loop over bytes, in whatever order they lie.
memory OnednnBuilder::looked_up(const Node& node, const compiler::TableAttrs& table,
                                const memory& x) {
  if (!table.points.empty()) refuse(node, "16-bit integers", "8 bits or floats");
  memory::desc result = x.get_desc();
  result.data.data_type = static_cast<dnnl_data_type_t>(type(node.outputs[0]));
  const memory y(result, engine_);
  const std::size_t bytes = result.get_size();
  steps.push_back({node.name, "table", "loop", true,
                   [x, y, bytes, entries = table.entries](const dnnl::stream&) {
                     const auto* from = static_cast<const std::uint8_t*>(x.get_data_handle());
                     auto* to = static_cast<std::uint8_t*>(y.get_data_handle());
                     for (std::size_t i = 0; i < bytes; ++i) to[i] = entries[from[i]];
                   }});
  return y;
}

// --- reductions ---

void OnednnBuilder::add_reduce(const Node& node) {
  const auto& reduce = std::get<compiler::ReduceAttrs>(node.attrs);
  const bool softmaxes = reduce.fn == compiler::ReduceFn::kSoftmax;
  set_value(node.outputs[0], softmaxes ? softmax(node, reduce) : reduced(node, reduce));
}

// Over dimensions [first, end) together: a matrix of [outer, together, inner].
memory OnednnBuilder::softmax(const Node& node, const compiler::ReduceAttrs& reduce) {
  const memory::dims shape = dims(node.inputs[0]);
  memory::dims blocks(3, 1);
  for (std::int64_t d = 0; d < std::ssize(shape); ++d) {
    const std::size_t part = d < reduce.first_axis ? 0 : d < reduce.end_axis ? 1 : 2;
    blocks[part] *= shape[static_cast<std::size_t>(d)];
  }
  const memory::desc all = row_major_desc(blocks, type(node.inputs[0]));
  const dnnl::softmax_forward::desc desc(dnnl::prop_kind::forward_inference, all, 1);
  const dnnl::softmax_forward::primitive_desc chosen(desc, engine_);
  const memory y(plain_desc(node.outputs[0]), engine_);
  push(node, chosen.impl_info_str(), dnnl::softmax_forward(chosen),
       {{DNNL_ARG_SRC, view(plain(node, node.inputs[0]), all)}, {DNNL_ARG_DST, view(y, all)}},
       false);
  return y;
}

memory OnednnBuilder::reduced(const Node& node, const compiler::ReduceAttrs& reduce) {
  const memory x = plain(node, node.inputs[0]);
  memory::dims kept = dims(node.inputs[0]);
  for (std::int64_t d = reduce.first_axis; d < reduce.end_axis; ++d) {
    kept[static_cast<std::size_t>(d)] = 1;
  }
  const memory::desc reduced = row_major_desc(kept, x.get_desc().data_type());
  const dnnl::reduction::desc desc(algorithm_of(reduce.fn), x.get_desc(), reduced, 0.0F, 0.0F);
  const dnnl::reduction::primitive_desc chosen(desc, engine_);
  const memory y(plain_desc(node.outputs[0]), engine_);
  push(node, chosen.impl_info_str(), dnnl::reduction(chosen),
       {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, view(y, reduced)}});
  return y;
}

// --- pools ---

void OnednnBuilder::add_pool(const Node& node) {
  const auto& attrs = std::get<compiler::PoolAttrs>(node.attrs);
  const memory x = value(node.inputs[0]);
  if (!attrs.x_quant) return set_value(node.outputs[0], pool(node, x));
  const memory averages = pool(node, dequantised(node, x, *attrs.x_quant, true));
  set_value(node.outputs[0], quantised(node, averages, *attrs.output, true));
}

memory OnednnBuilder::pool(const Node& node, const memory& x) {
  const auto& attrs = std::get<compiler::PoolAttrs>(node.attrs);
  const compiler::Window& w = attrs.window;
  const bool overhangs = attrs.overhang[0] != 0 || attrs.overhang[1] != 0;
  if (attrs.count_padding && overhangs) {
    refuse(node, "an average that counts padding, rounded up", "floor, or padding left out");
  }
  const memory::desc result(dims(node.outputs[0]), x.get_desc().data_type(),
                            memory::format_tag::any);
  const dnnl::pooling_v2_forward::desc desc(
      dnnl::prop_kind::forward_inference, algorithm_of(attrs), x.get_desc(), result,
      {w.strides[0], w.strides[1]}, {w.kernel[0], w.kernel[1]},
      {w.dilations[0] - 1, w.dilations[1] - 1}, {w.pads[0], w.pads[1]}, {w.pads[2], w.pads[3]});
  const dnnl::pooling_v2_forward::primitive_desc chosen(desc, engine_);
  const memory y(chosen.dst_desc(), engine_);
  push(node, chosen.impl_info_str(), dnnl::pooling_v2_forward(chosen),
       {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}});
  return y;
}

// --- integers and floats ---

void OnednnBuilder::add_quantise(const Node& node) {
  const Quant& quant = std::get<compiler::QuantAttrs>(node.attrs).quant;
  set_value(node.outputs[0], quantised(node, value(node.inputs[0]), quant, false));
}

void OnednnBuilder::add_dequantise(const Node& node) {
  const Quant& quant = std::get<compiler::QuantAttrs>(node.attrs).quant;
  set_value(node.outputs[0], dequantised(node, value(node.inputs[0]), quant, false));
}

memory OnednnBuilder::quantised(const Node& node, const memory& from, const Quant& quant,
                                bool device) {
  per_tensor(quant, node);
  dnnl::primitive_attr attributes;
  attributes.set_output_scales(0, {1.0F / quant.scales[0]});
  if (quant.zero_points[0] != 0) {
    attributes.set_zero_points(DNNL_ARG_DST, 0, {quant.zero_points[0]});
  }
  memory::desc to = from.get_desc();
  to.data.data_type = static_cast<dnnl_data_type_t>(dnnl_type(quant.type, node.name));
  return converted(node, from, to, attributes, device);
}

memory OnednnBuilder::dequantised(const Node& node, const memory& from, const Quant& quant,
                                  bool device) {
  dnnl::primitive_attr attributes;
  const bool whole = quant.per_tensor();
  attributes.set_output_scales(whole ? 0 : 1 << quant.axis, quant.scales);
  if (std::ranges::any_of(quant.zero_points, [](std::int32_t z) { return z != 0; })) {
    per_tensor(quant, node);
    attributes.set_zero_points(DNNL_ARG_SRC, 0, {quant.zero_points[0]});
  }
  memory::desc to = from.get_desc();
  to.data.data_type = dnnl_f32;
  return converted(node, from, to, attributes, device);
}

}  // namespace systole::compare
