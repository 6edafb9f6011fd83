// Inline shapes: quantised graphs (or their float models, inline_floats.h) with seeded weights, for
// timing and for engine comparisons.
//
// The weights are the bytes of std::mt19937_64, whose sequence the C++ standard fixes, so they are
// the same everywhere. Output scales are set from the variance of a sum of k products of uniform
// bytes, so that results use the uint8 range instead of saturating.
#include "compiler/frontend/inline.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <random>

#include "compiler/frontend/inline_floats.h"
#include "compiler/frontend/load_options.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMaxDim = std::int64_t{1} << 31;
constexpr std::int64_t kMaxWeightBytes = std::int64_t{1} << 31;
constexpr std::uint64_t kSeed = 0x5E5701E;
constexpr float kWeightScale = 1.0F / 128.0F;

struct Form {
  std::string_view prefix, text;
  std::size_t low, high;  // how many numbers
};
constexpr auto kForms = std::to_array<Form>({
    {"gemm:", "gemm:M,K,N with three sizes from 1 to 2^31", 3, 3},
    {"mlp:", "mlp:D0,D1,...,Dn with two or more sizes from 1 to 2^31", 2, 1000},
    {"conv:",
     "conv:N,C,H,W,K,R,S,stride,pad: batch, channels, height, width, filters, filter height "
     "and width, stride, pad",
     9, 9},
    {"vadd:", "vadd:N with one size from 1 to 2^31", 1, 1},
});

constexpr std::size_t kConvForm = 2, kVaddForm = 3;  // in kForms
constexpr std::size_t kConvPad = 8;                  // among its numbers

std::vector<std::int64_t> parse_sizes(const std::string& model, const Form& form) {
  std::vector<std::int64_t> sizes;
  const char* next = model.data() + form.prefix.size();
  const char* const end = model.data() + model.size();
  for (bool more = true; more; ++next) {
    std::int64_t size = 0;
    const auto [stop, error] = std::from_chars(next, end, size);
    const bool separated = stop == end || *stop == ',';
    const bool may_be_zero = sizes.size() == kConvPad && form.prefix == kForms[kConvForm].prefix;
    const bool in_range = size >= (may_be_zero ? 0 : 1) && size <= kMaxDim;
    if (error != std::errc{} || !in_range || !separated) {
      throw InputError(model, "malformed inline shape", std::string(form.text));
    }
    sizes.push_back(size);
    next = stop;
    more = stop != end;
  }
  if (sizes.size() < form.low || sizes.size() > form.high) {
    throw InputError(model, fmt::format("{} sizes", sizes.size()), std::string(form.text));
  }
  return sizes;
}

// Weights that are there stay below 2^31 bytes; weights that are absent are counted only.
void check_weights(const std::string& model, const std::vector<std::int64_t>& dims,
                   bool structure_only) {
  for (std::size_t i = 0; i + 1 < dims.size(); ++i) {
    static_cast<void>(element_count({dims[i], dims[i + 1]}, model));
  }
  if (structure_only) return;
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i + 1 < dims.size(); ++i) {
    const std::int64_t room = kMaxWeightBytes - bytes;
    if (dims[i + 1] > room / dims[i]) {
      throw InputError(model, "weights of more than 2^31 bytes", "a smaller shape");
    }
    bytes += dims[i] * dims[i + 1];
  }
}

void check_elements(const std::string& model, const std::vector<std::int64_t>& dims,
                    std::int64_t rows) {
  for (const std::int64_t dim : dims) static_cast<void>(element_count({rows, dim}, model));
}

// Root mean squares of (q - zero point), in steps: a uniform byte about its middle and about 0, and
// a rectified normal variable that spans 255 steps in four deviations.
constexpr float kCentredRms = 74.0F, kUnsignedRms = 147.0F, kRectifiedRms = 45.0F;

class LayerMaker {
 public:
  LayerMaker(std::string model, std::int64_t rows, bool structure_only) : rows_(rows) {
    graph_.name = std::move(model);
    graph_.structure_only = structure_only;
  }

  void input(std::int64_t columns, Quant quant) { input(Shape{rows_, columns}, std::move(quant)); }
  void input(Shape shape, Quant quant) {
    current_ = graph_.add_value({"x", quant.type, std::move(shape), {}});
    graph_.inputs = {current_};
    rms_ = quant.zero_points[0] == 0 ? kUnsignedRms : kCentredRms;
    quant_ = std::move(quant);
  }

  // A layer whose result is clipped below at its zero point if it has a relu.
  void layer(const std::string& name, std::int64_t columns, bool bias, bool relu) {
    const std::int64_t k = graph_.value(current_).shape[1];
    MatmulAttrs attrs;
    quantise(attrs, k, relu);
    std::vector<ValueId> inputs = {current_,
                                   constant(name + ".weight", DType::kInt8, {k, columns})};
    if (bias) inputs.push_back(constant(name + ".bias", DType::kInt32, {columns}));
    node(OpKind::kMatmul, name, std::move(inputs), {rows_, columns}, attrs);
  }

  // A convolution of the current value, [N, C, H, W], with `filters` filters.
  void convolution(const std::string& name, std::int64_t filters, const Window& window) {
    const Shape x = graph_.value(current_).shape;
    const Shape weights = {filters, x[1], window.kernel[0], window.kernel[1]};
    ConvAttrs attrs;
    attrs.window = window;
    quantise(attrs, element_count(weights, graph_.name) / filters, false);
    Shape y = {x[0], filters};
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const std::int64_t padded = x[2 + axis] + window.pads[axis] + window.pads[2 + axis];
      y.push_back((padded - window.kernel[axis]) / window.strides[axis] + 1);
    }
    static_cast<void>(element_count(y, graph_.name));
    node(OpKind::kConv, name, {current_, constant(name + ".weight", DType::kInt8, weights)}, y,
         attrs);
  }

  Graph finish() {
    graph_.value(current_).name = "y";
    graph_.outputs = {current_};
    verify(graph_);
    return std::move(graph_);
  }

 private:
  // Scales for sums of k products: a result's step is such that the sum's deviation, of which four
  // (or +-4 without a relu) count, spans 255 steps.
  void quantise(ProductQuants& attrs, std::int64_t k, bool relu) {
    const float deviation = rms_ * kCentredRms * std::sqrt(static_cast<float>(k));
    const float step = deviation * (relu ? 4.0F : 8.0F) / 255.0F;
    const float scale = quant_.scales[0] * kWeightScale * step;
    attrs.x_quant = quant_;
    attrs.w_quant = Quant{{kWeightScale}, {0}, 0, DType::kInt8};
    attrs.output = Quant{{scale}, {relu ? 0 : 128}, 0, DType::kUint8};
    quant_ = *attrs.output;
    rms_ = relu ? kRectifiedRms : kCentredRms;
  }

  void node(OpKind kind, const std::string& name, std::vector<ValueId> inputs, Shape shape,
            Attrs attrs) {
    current_ = graph_.add_value({name, DType::kUint8, std::move(shape), {}});
    graph_.nodes.push_back({kind, name, "inline", std::move(inputs), {current_}, std::move(attrs)});
  }

  ValueId constant(std::string name, DType type, Shape shape) {
    if (graph_.structure_only) {
      Tensor absent;
      absent.type = type;
      absent.shape = shape;
      return graph_.add_value({std::move(name), type, std::move(shape), std::move(absent)});
    }
    Tensor t(type, shape);
    if (type == DType::kInt32) {  // a bias of up to +-2^12 steps of the sum
      for (std::int32_t& v : t.as<std::int32_t>())
        v = static_cast<std::int32_t>(random_() >> 51) - 4096;
    } else {
      fill(t.data);
    }
    return graph_.add_value({std::move(name), type, std::move(shape), std::move(t)});
  }

  void fill(std::span<std::uint8_t> bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      const std::uint64_t bits = random_();
      for (std::size_t b = 0; b < std::min<std::size_t>(8, bytes.size() - i); ++b) {
        bytes[i + b] = static_cast<std::uint8_t>(bits >> (8 * b));
      }
    }
  }

  Graph graph_;
  std::int64_t rows_;
  std::mt19937_64 random_{kSeed};
  ValueId current_ = kNoValue;
  Quant quant_;
  float rms_ = kCentredRms;  // of the current value
};

Graph make_gemm(const std::string& model, const std::vector<std::int64_t>& sizes,
                bool structure_only) {
  check_weights(model, {sizes[1], sizes[2]}, structure_only);
  check_elements(model, {sizes[1], sizes[2]}, sizes[0]);
  LayerMaker maker(model, sizes[0], structure_only);
  maker.input(sizes[1], Quant{{1.0F / 128.0F}, {128}, 0, DType::kUint8});
  maker.layer("gemm", sizes[2], false, false);
  return maker.finish();
}

Graph make_mlp(const std::string& model, const std::vector<std::int64_t>& dims, std::int64_t batch,
               bool structure_only) {
  check_weights(model, dims, structure_only);
  check_elements(model, dims, batch);
  LayerMaker maker(model, batch, structure_only);
  maker.input(dims[0], Quant{{1.0F / 255.0F}, {0}, 0, DType::kUint8});
  for (std::size_t i = 1; i < dims.size(); ++i) {
    maker.layer(fmt::format("fc{}", i), dims[i], true, i + 1 < dims.size());
  }
  return maker.finish();
}

Graph make_conv(const std::string& model, const std::vector<std::int64_t>& v,
                const LoadOptions& options) {
  const std::int64_t batch = options.batch.value_or(v[0]);
  Window window;
  window.kernel = {v[5], v[6]};
  window.strides = {v[7], v[7]};
  window.pads = {v[8], v[8], v[8], v[8]};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const bool fits = window.kernel[axis] <= v[2 + axis] + 2 * v[8];
    if (!fits || v[8] >= window.kernel[axis]) {
      throw InputError(model,
                       fmt::format("a filter of {} on a map of {} with {} of padding",
                                   window.kernel[axis], v[2 + axis], v[8]),
                       "a filter that fits the padded map and is larger than the padding");
    }
  }
  const std::int64_t k = element_count({v[1], v[5], v[6]}, model);
  check_weights(model, {k, v[4]}, options.structure_only);
  static_cast<void>(element_count({batch, v[1], v[2], v[3]}, model));
  LayerMaker maker(model, batch, options.structure_only);
  maker.input(Shape{batch, v[1], v[2], v[3]}, Quant{{1.0F / 128.0F}, {128}, 0, DType::kUint8});
  maker.convolution("conv", v[4], window);
  return maker.finish();
}

// The sum of two vectors of bytes, whose scale is twice theirs.
Graph make_vadd(const std::string& model, std::int64_t size, std::int64_t batch) {
  Graph graph;
  graph.name = model;
  const Shape shape = {batch, size};
  static_cast<void>(element_count(shape, model));
  const auto value = [&](const char* name) {
    return graph.add_value({name, DType::kUint8, shape, {}});
  };
  const ValueId a = value("a"), b = value("b"), y = value("y");
  const Quant x{{1.0F / 128.0F}, {128}, 0, DType::kUint8};
  const Quant sum{{1.0F / 64.0F}, {128}, 0, DType::kUint8};
  graph.inputs = {a, b};
  graph.outputs = {y};
  graph.nodes.push_back({OpKind::kZip,
                         "vadd",
                         "inline",
                         {a, b},
                         {y},
                         ZipAttrs{.fn = ZipFn::kAdd, .a_quant = x, .b_quant = x, .output = sum}});
  verify(graph);
  return graph;
}

}  // namespace

bool is_inline_shape(const std::string& model) {
  for (const Form& form : kForms) {
    if (model.starts_with(form.prefix)) return true;
  }
  return false;
}

std::vector<std::string> inline_forms() {
  std::vector<std::string> forms;
  for (const Form& form : kForms) {
    forms.emplace_back(form.text.substr(0, form.text.find_first_of(" :", form.prefix.size())));
  }
  return forms;
}

namespace {

Graph load_quantised(const std::string& model, const LoadOptions& options) {
  if (!options.dims.empty() || !options.shapes.empty() || !options.binds.empty()) {
    throw InputError(model, "an inline shape has no open dimensions", "sizes in the shape itself");
  }
  const auto* const form = std::find_if(kForms.begin(), kForms.end(),
                                        [&](const Form& f) { return model.starts_with(f.prefix); });
  std::vector<std::int64_t> sizes = parse_sizes(model, *form);
  if (options.batch && *options.batch < 1) {
    throw InputError(model, fmt::format("batch {}", *options.batch), "1 or more");
  }
  if (form == &kForms[kVaddForm]) return make_vadd(model, sizes[0], options.batch.value_or(1));
  if (form == &kForms[kConvForm]) return make_conv(model, sizes, options);
  if (form != &kForms[0])
    return make_mlp(model, sizes, options.batch.value_or(1), options.structure_only);
  sizes[0] = options.batch.value_or(sizes[0]);
  return make_gemm(model, sizes, options.structure_only);
}

}  // namespace

Graph load_inline_shape(const std::string& model, const LoadOptions& options) {
  Graph graph = load_quantised(model, options);
  return options.inline_floats ? inline_floats(std::move(graph)) : graph;
}

}  // namespace systole::compiler
