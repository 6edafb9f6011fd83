// Inline shapes: quantised graphs with seeded weights, for timing and for engine comparisons.
//
// The weights are the bytes of std::mt19937_64, whose sequence the C++ standard fixes, so they are
// the same everywhere. Output scales are set from the variance of a sum of k products of uniform
// bytes, so that results use the uint8 range instead of saturating.
#include "compiler/frontend/inline.h"

#include <array>
#include <charconv>
#include <cmath>
#include <random>

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
});

std::vector<std::int64_t> parse_sizes(const std::string& model, const Form& form) {
  std::vector<std::int64_t> sizes;
  const char* next = model.data() + form.prefix.size();
  const char* const end = model.data() + model.size();
  for (bool more = true; more; ++next) {
    std::int64_t size = 0;
    const auto [stop, error] = std::from_chars(next, end, size);
    const bool separated = stop == end || *stop == ',';
    if (error != std::errc{} || size < 1 || size > kMaxDim || !separated) {
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

  void input(std::int64_t columns, Quant quant) {
    current_ = graph_.add_value({"x", quant.type, {rows_, columns}, {}});
    graph_.inputs = {current_};
    rms_ = quant.zero_points[0] == 0 ? kUnsignedRms : kCentredRms;
    quant_ = std::move(quant);
  }

  // A layer whose result is clipped below at its zero point if it has a relu.
  void layer(const std::string& name, std::int64_t columns, bool bias, bool relu) {
    const std::int64_t k = graph_.value(current_).shape[1];
    const Quant weights{{kWeightScale}, {0}, 0, DType::kInt8};
    // Products of independent factors: the sum's deviation, of which four (or +-4) span 255 steps.
    const float deviation = rms_ * kCentredRms * std::sqrt(static_cast<float>(k));
    const float step = deviation * (relu ? 4.0F : 8.0F) / 255.0F;
    const float scale = quant_.scales[0] * kWeightScale * step;
    const Quant output{{scale}, {relu ? 0 : 128}, 0, DType::kUint8};
    std::vector<ValueId> inputs = {current_,
                                   constant(name + ".weight", DType::kInt8, {k, columns})};
    if (bias) inputs.push_back(constant(name + ".bias", DType::kInt32, {columns}));
    current_ = graph_.add_value({name, DType::kUint8, {rows_, columns}, {}});
    MatmulAttrs attrs;
    attrs.x_quant = quant_;
    attrs.w_quant = weights;
    attrs.output = output;
    graph_.nodes.push_back({OpKind::kMatmul, name, "inline", std::move(inputs), {current_}, attrs});
    quant_ = output;
    rms_ = relu ? kRectifiedRms : kCentredRms;
  }

  Graph finish() {
    graph_.value(current_).name = "y";
    graph_.outputs = {current_};
    verify(graph_);
    return std::move(graph_);
  }

 private:
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

}  // namespace

bool is_inline_shape(const std::string& model) {
  for (const Form& form : kForms) {
    if (model.starts_with(form.prefix)) return true;
  }
  return false;
}

Graph load_inline_shape(const std::string& model, const LoadOptions& options) {
  if (!options.dims.empty() || !options.shapes.empty()) {
    throw InputError(model, "an inline shape has no open dimensions", "sizes in the shape itself");
  }
  const bool gemm = model.starts_with(kForms[0].prefix);
  std::vector<std::int64_t> sizes = parse_sizes(model, kForms[gemm ? 0 : 1]);
  if (options.batch && *options.batch < 1) {
    throw InputError(model, fmt::format("batch {}", *options.batch), "1 or more");
  }
  if (!gemm) return make_mlp(model, sizes, options.batch.value_or(1), options.structure_only);
  sizes[0] = options.batch.value_or(sizes[0]);
  return make_gemm(model, sizes, options.structure_only);
}

}  // namespace systole::compiler
