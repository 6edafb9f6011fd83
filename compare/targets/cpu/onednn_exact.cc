// Integer products on hosts whose oneDNN saturates (host_isa.h): exact_product.h's in their place.
//
// Those take int8, channels last. What a product leaves stays so for the next of its kind; uint8
// less 128 becomes uint8 again, in the product's own step, only where something else reads it.
#include <fmt/core.h>

#include <algorithm>

#include "compare/targets/cpu/exact_product.h"
#include "compare/targets/cpu/onednn_builder.h"

namespace systole::compare {

using dnnl::memory;

namespace {

// The dimensions [batch, channels, height, width] with the channels' elements beside each other.
memory::desc channels_last(const memory::dims& d, memory::data_type type) {
  return {d, type, memory::dims{d[1] * d[2] * d[3], 1, d[3] * d[1], d[1]}};
}

// uint8 less 128, or int8 as it is: by flipping these bits, or by taking this away.
std::uint8_t sign_flip(DType type) { return type == DType::kUint8 ? 0x80 : 0; }
std::int32_t sign_shift(DType type) { return type == DType::kUint8 ? 128 : 0; }

// [K, N] as [N][K].
std::vector<std::int8_t> turned(const Tensor& w) {
  const std::int64_t k = w.shape[0], n = w.shape[1];
  const auto from = w.as<std::int8_t>();
  std::vector<std::int8_t> to;
  to.reserve(from.size());
  for (std::int64_t c = 0; c < n; ++c) {
    for (std::int64_t r = 0; r < k; ++r) to.push_back(from[static_cast<std::size_t>(r * n + c)]);
  }
  return to;
}

// [filters, depth, kH, kW] as [filters][kH][kW][depth].
std::vector<std::int8_t> depth_last(const Tensor& w) {
  const std::int64_t depth = w.shape[1], window = w.shape[2] * w.shape[3];
  const auto from = w.as<std::int8_t>();
  std::vector<std::int8_t> to;
  to.reserve(from.size());
  for (std::int64_t f = 0; f < w.shape[0]; ++f) {
    for (std::int64_t i = 0; i < window; ++i) {
      for (std::int64_t d = 0; d < depth; ++d) {
        to.push_back(from[static_cast<std::size_t>((f * depth + d) * window + i)]);
      }
    }
  }
  return to;
}

void require_bytes(const compiler::Node& node, DType type) {
  if (type == DType::kUint8 || type == DType::kInt8) return;
  refuse(node, fmt::format("{} in a product of integers", dtype_name(type)), "uint8 or int8");
}

std::uint8_t* bytes_of(const memory& m) { return static_cast<std::uint8_t*>(m.get_data_handle()); }

}  // namespace

void OnednnBuilder::add_exact_matmul(const Node& node) {
  const auto& attrs = std::get<compiler::MatmulAttrs>(node.attrs);
  const Tensor& w = constant(node, 1);
  check_integer_product(node, attrs, w);
  if (w.shape.size() != 2)
    refuse(node, fmt::format("weights of rank {}", w.shape.size()), "a matrix");
  const memory::dims x = dims(node.inputs[0]), y = dims(node.outputs[0]);
  ExactProductSpec spec;
  spec.channels = w.shape[0];
  spec.filters = w.shape[1];
  spec.height = spec.out_height = elements(y) / spec.filters;
  spec.weights = turned(w);
  set_quants(node, attrs, attrs.alpha, spec);
  add_exact_product(
      node, attrs, std::move(spec),
      {row_major_desc(x, memory::data_type::s8), row_major_desc(y, memory::data_type::s8)});
}

void OnednnBuilder::add_exact_conv(const Node& node) {
  const auto& attrs = std::get<compiler::ConvAttrs>(node.attrs);
  const Tensor& w = constant(node, 1);
  check_integer_product(node, attrs, w);
  const memory::dims x = dims(node.inputs[0]), y = dims(node.outputs[0]);
  ExactProductSpec spec;
  spec.batch = x[0];
  spec.channels = x[1];
  spec.height = x[2];
  spec.width = x[3];
  spec.filters = y[1];
  spec.out_height = y[2];
  spec.out_width = y[3];
  spec.window = attrs.window;
  spec.groups = attrs.groups;
  spec.weights = depth_last(w);
  set_quants(node, attrs, 1.0F, spec);
  add_exact_product(
      node, attrs, std::move(spec),
      {channels_last(x, memory::data_type::s8), channels_last(y, memory::data_type::s8)});
}

// Bias, zero points and requantisation, all of int8.
void OnednnBuilder::set_quants(const Node& node, const compiler::ProductQuants& quants, float alpha,
                               ExactProductSpec& spec) const {
  const DType x_type = graph_.value(node.inputs[0]).type;
  require_bytes(node, x_type);
  spec.x_zero = per_tensor(*quants.x_quant, node).zero_points[0] - sign_shift(x_type);
  spec.bias.assign(static_cast<std::size_t>(spec.filters), 0);
  if (compiler::bias_of(node) != compiler::kNoValue) {
    std::ranges::copy(constant(node, 2).as<std::int32_t>(), spec.bias.begin());
  }
  if (!quants.output) return;
  const compiler::Quant& y = per_tensor(*quants.output, node);
  require_bytes(node, y.type);
  spec.multipliers = requantise_multipliers(quants, alpha);
  spec.multipliers.resize(static_cast<std::size_t>(spec.filters), spec.multipliers[0]);
  const std::int32_t shift = sign_shift(y.type);
  spec.limits = {y.zero_points[0] - shift, std::max(quants.lo - shift, -128),
                 std::min(quants.hi - shift, 127)};
}

void OnednnBuilder::add_exact_product(const Node& node, const compiler::ProductQuants& quants,
                                      ExactProductSpec spec, const ExactLayouts& layouts) {
  const ValueId x_id = node.inputs[0], y_id = node.outputs[0];
  const std::shared_ptr<ExactProduct> product = make_exact_product(std::move(spec), pool_);
  const auto before = signed_.find(x_id);
  const bool ready = before != signed_.end() && before->second.get_desc() == layouts.x;
  memory given;  // where x comes from, unless it is ready
  if (!ready) given = in_layout(node, value(x_id), with_type(layouts.x, type(x_id)));
  const memory x = ready ? before->second : with_slack(layouts.x);
  const memory y =
      with_slack(quants.output ? layouts.y : with_type(layouts.y, memory::data_type::s32));
  const memory result = result_of(node, quants, y);
  steps.push_back(
      {node.name, std::string(compiler::op_name(node.kind)), product->kernel(), true,
       [=, pool = pool_, in = sign_flip(graph_.value(x_id).type)](const dnnl::stream&) {
         if (given)
           flip_bytes(bytes_of(given), elements(given.get_desc().dims()), in, bytes_of(x), pool);
         product->run(static_cast<const std::int8_t*>(x.get_data_handle()), y.get_data_handle());
         if (result && result != y)
           flip_bytes(bytes_of(y), elements(y.get_desc().dims()), 0x80, bytes_of(result), pool);
       }});
  libraries.insert(product->library());
  precisions.insert("int8");
  if (quants.output && !quants.lookup) signed_[y_id] = y;
  if (!result) return;
  set_product(y_id, quants.lookup ? looked_up(node, *quants.lookup, result) : result);
}

// Where the node's result goes for those that read it as it is; empty if only products do.
memory OnednnBuilder::result_of(const Node& node, const compiler::ProductQuants& quants,
                                const memory& y) {
  const DType kind = quants.output ? quants.output->type : DType::kInt32;
  if (sign_flip(kind) == 0) return y;
  if (!quants.lookup && !read_as_it_is(node)) return {};
  return {with_type(y.get_desc(), memory::data_type::u8), engine_};
}

// True unless all that reads the product's result are products of its kind.
bool OnednnBuilder::read_as_it_is(const Node& product) const {
  const ValueId result = product.outputs[0];
  if (std::ranges::count(graph_.outputs, result) > 0) return true;
  bool read = false;
  for (const Node& node : graph_.nodes) {
    if (std::ranges::count(node.inputs, result) == 0) continue;
    if (node.kind != product.kind) return true;
    read = true;
  }
  return !read;
}

memory OnednnBuilder::with_slack(const memory::desc& desc) {
  const auto bytes = static_cast<std::int64_t>(desc.get_size()) + kReadableBehind;
  const memory::desc all({bytes}, memory::data_type::u8, memory::format_tag::a);
  return view(memory(all, engine_), desc);
}

}  // namespace systole::compare
