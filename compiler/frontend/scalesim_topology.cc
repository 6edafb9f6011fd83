// SCALE-Sim topologies. What its reader does and this one keeps: the first line is skipped whatever
// it says, blank rows and blanks around fields are ignored, an output extent is
// ceil((ifmap - filter + stride) / stride), a row whose name holds "DP" is a depthwise convolution
// and becomes one layer per channel, columns after the stride are ignored unless they are a
// sparsity ratio. As its first version did, rows of a name only (titles) are skipped. What it would
// lose silently is an error here or is read: a last field without a comma behind it is read, a
// first line that is a layer is refused.
#include "compiler/frontend/scalesim_topology.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/diag.h"
#include "base/files.h"
#include "base/units.h"
#include "compiler/frontend/fnv.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMaxFile = std::int64_t{1} << 24;  // bytes
constexpr std::int64_t kMaxExtent = std::int64_t{1} << 31;
constexpr std::size_t kMaxLayers = 10'000;
constexpr std::size_t kConvNumbers = 7, kGemmNumbers = 3;
constexpr std::string_view kForms =
    "'name, IFMAP height, IFMAP width, filter height, filter width, channels, filters, stride,' or "
    "'name, M, N, K,'";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::vector<std::string_view> split(std::string_view row) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t comma = row.find(',');
    fields.push_back(trimmed(row.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    row.remove_prefix(comma + 1);
  }
  return fields;
}

std::optional<std::int64_t> parse_extent(std::string_view field) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc{} || end != field.data() + field.size()) return std::nullopt;
  return value;
}

// A row after its name: the numbers up to the first field that is none.
struct Row {
  std::string_view name;
  std::vector<std::int64_t> numbers;
  std::vector<std::string_view> rest;  // the fields behind them
};

Row parse_row(std::string_view line) {
  const std::vector<std::string_view> fields = split(line);
  Row row{fields.front(), {}, {}};
  std::size_t next = 1;
  for (; next < fields.size(); ++next) {
    const auto number = parse_extent(fields[next]);
    if (!number) break;
    row.numbers.push_back(*number);
  }
  row.rest.assign(fields.begin() + static_cast<std::ptrdiff_t>(next), fields.end());
  return row;
}

class TopologyParser {
 public:
  explicit TopologyParser(const std::string& where) : where_(where) {}

  std::vector<TopologyLayer> parse(std::string_view text) {
    for (line_ = 1; !text.empty(); ++line_) {
      const std::size_t end = text.find('\n');
      line(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    if (layers_.empty()) throw InputError(where_, "no layer", std::string(kForms));
    return std::move(layers_);
  }

 private:
  [[nodiscard]] std::string place() const { return fmt::format("{}:{}", where_, line_); }

  void line(std::string_view text) {
    const bool blank = text.find_first_not_of(", \t\r\v\f") == std::string_view::npos;
    if (blank) return;
    const Row row = parse_row(text);
    if (line_ == 1) return header(row);
    const bool title =
        row.numbers.empty() && std::all_of(row.rest.begin(), row.rest.end(),
                                           [](std::string_view field) { return field.empty(); });
    if (title) return;
    check(row);
    if (row.numbers.size() >= kConvNumbers) {
      convolution(row);
    } else {
      add(std::string(row.name), row.numbers[0], row.numbers[2], row.numbers[1]);
    }
  }

  void header(const Row& row) const {
    if (row.numbers.size() < kGemmNumbers) return;
    throw InputError(place(), "a layer where SCALE-Sim skips the header",
                     "a line of column names first");
  }

  void check(const Row& row) {
    const std::size_t count = row.numbers.size();
    if (count != kGemmNumbers && count < kConvNumbers) {
      const bool all = row.rest.empty() || row.rest.front().empty();
      throw InputError(place(),
                       all ? fmt::format("{} numbers after the name", count)
                           : fmt::format("'{}' as number {}", row.rest.front(), count + 1),
                       std::string(kForms));
    }
    const bool is_gemm = count == kGemmNumbers;
    if (!layers_.empty() && is_gemm != gemm_) {
      throw InputError(place(), "a GEMM row and convolution rows in one file", "one form");
    }
    gemm_ = is_gemm;
    for (std::size_t i = 0; i < std::min(count, kConvNumbers); ++i) {
      if (row.numbers[i] >= 1 && row.numbers[i] <= kMaxExtent) continue;
      throw InputError(place(), fmt::format("{} as number {}", row.numbers[i], i + 1),
                       fmt::format("1 to {}", kMaxExtent));
    }
    for (const std::string_view field : row.rest) check_sparsity(field);
  }

  void check_sparsity(std::string_view field) const {
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos) return;
    const auto n = parse_extent(trimmed(field.substr(0, colon)));
    const auto m = parse_extent(trimmed(field.substr(colon + 1)));
    if (n && m && *n == *m && *n > 0) return;
    throw InputError(place(), fmt::format("sparsity ratio {}", field),
                     "1:1, as sparse weights are not modelled");
  }

  void convolution(const Row& row) {
    const std::vector<std::int64_t>& v = row.numbers;
    const std::int64_t stride = v[6];
    for (std::size_t axis = 0; axis < 2; ++axis) {
      if (v[2 + axis] <= v[axis]) continue;
      throw InputError(place(), fmt::format("a filter of {} on a map of {}", v[2 + axis], v[axis]),
                       "a filter no larger than its map");
    }
    const std::int64_t height = ceil_div(v[0] - v[2] + stride, stride);
    const std::int64_t width = ceil_div(v[1] - v[3] + stride, stride);
    const std::int64_t rows = product({height, width}), window = product({v[2], v[3]});
    const bool depthwise = row.name.find("DP") != std::string_view::npos;
    if (!depthwise) return add(std::string(row.name), rows, product({window, v[4]}), v[5]);
    for (std::int64_t channel = 0; channel < v[4]; ++channel) {
      add(fmt::format("{}Channel_{}", row.name, channel), rows, window, v[5]);
    }
  }

  [[nodiscard]] std::int64_t product(const Shape& extents) const {
    return element_count(extents, place());
  }

  void add(std::string name, std::int64_t m, std::int64_t k, std::int64_t n) {
    if (layers_.size() == kMaxLayers) {
      throw InputError(place(), fmt::format("more than {} layers", kMaxLayers), "fewer");
    }
    for (const Shape& matrix : {Shape{m, k}, Shape{k, n}, Shape{m, n}}) {
      static_cast<void>(product(matrix));
    }
    layers_.push_back({std::move(name), m, k, n});
  }

  const std::string& where_;
  std::int64_t line_ = 0;
  bool gemm_ = false;
  std::vector<TopologyLayer> layers_;
};

// A matmul of its own input and its own weights, whose data is absent. The leading 1 is the batch,
// so that all rows of a layer are computed together.
void add_layer(Graph& graph, const TopologyLayer& layer) {
  const Quant x{{1.0F}, {0}, 0, DType::kUint8}, w{{1.0F}, {0}, 0, DType::kInt8};
  Tensor weights;
  weights.type = DType::kInt8;
  weights.shape = {layer.k, layer.n};
  const ValueId input =
      graph.add_value({layer.name + ".ifmap", DType::kUint8, {1, layer.m, layer.k}, {}});
  const ValueId filter = graph.add_value(
      {layer.name + ".filter", DType::kInt8, {layer.k, layer.n}, std::move(weights)});
  const ValueId output =
      graph.add_value({layer.name + ".ofmap", DType::kUint8, {1, layer.m, layer.n}, {}});
  MatmulAttrs attrs;
  attrs.x_quant = x;
  attrs.w_quant = w;
  attrs.output = x;
  graph.nodes.push_back(
      {OpKind::kMatmul, layer.name, "topology", {input, filter}, {output}, attrs});
  graph.inputs.push_back(input);
  graph.outputs.push_back(output);
}

}  // namespace

bool is_topology(const std::string& model) { return model.ends_with(".csv"); }

std::vector<TopologyLayer> parse_topology(std::string_view text, const std::string& where) {
  return TopologyParser(where).parse(text);
}

Graph load_topology(const std::string& path, const LoadOptions& options) {
  if (options.batch || !options.dims.empty() || !options.shapes.empty()) {
    throw InputError(path, "a topology has its sizes already", "no --batch, --dim or --shape");
  }
  const std::vector<std::uint8_t> bytes = read_file(path, kMaxFile);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Graph graph;
  graph.name = path;
  graph.hash = fmt::format("{:016x}", fnv1a(bytes));
  graph.structure_only = true;
  graph.separate_layers = true;
  for (const TopologyLayer& layer : parse_topology(text, path)) add_layer(graph, layer);
  verify(graph);
  return graph;
}

}  // namespace systole::compiler
