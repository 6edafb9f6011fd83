// SCALE-Sim topologies. What its reader does and this one keeps: blank rows and blanks around
// fields do not matter, an output extent is ceil((ifmap - filter + stride) / stride), a row whose
// name holds "DP" is a depthwise convolution and becomes one layer per channel. As its first
// version did, rows of a name only (titles) are skipped. What it would lose silently is read here
// or is an error: the header says what each column holds, and every field is under a name; a last
// field without a comma behind it counts; tabs, semicolons and blanks separate too; a first line
// that is a layer is refused.
#include "compiler/frontend/scalesim_topology.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include "base/diag.h"
#include "base/files.h"
#include "base/fnv.h"
#include "base/units.h"
#include "isa/file_kind.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMaxFile = std::int64_t{1} << 24;  // bytes
constexpr std::int64_t kMaxExtent = std::int64_t{1} << 31;
constexpr std::size_t kMaxLayers = 10'000;
constexpr std::string_view kBlank = " \t\r\v\f";

// What a column holds. The first kExtents are whole numbers from 1.
enum class Column : std::uint8_t {
  kIfmapHeight,
  kIfmapWidth,
  kFilterHeight,
  kFilterWidth,
  kChannels,
  kFilters,
  kStrides,
  kStrideHeight,
  kStrideWidth,
  kBatch,
  kM,
  kN,
  kK,
  kSparsity,
  kName,
};
constexpr std::size_t kExtents = static_cast<std::size_t>(Column::kSparsity);

// How a header may call a column, in small letters without blanks; of each column the first as it
// is shown.
struct ColumnName {
  Column column;
  std::string_view key, shown;
};
constexpr auto kColumnNames = std::to_array<ColumnName>({
    {Column::kIfmapHeight, "ifmapheight", "IFMAP Height"},
    {Column::kIfmapHeight, "ifmaph", ""},
    {Column::kIfmapHeight, "inputheight", ""},
    {Column::kIfmapWidth, "ifmapwidth", "IFMAP Width"},
    {Column::kIfmapWidth, "ifmapw", ""},
    {Column::kIfmapWidth, "inputwidth", ""},
    {Column::kFilterHeight, "filterheight", "Filter Height"},
    {Column::kFilterHeight, "filterh", ""},
    {Column::kFilterWidth, "filterwidth", "Filter Width"},
    {Column::kFilterWidth, "filterw", ""},
    {Column::kChannels, "channels", "Channels"},
    {Column::kChannels, "channel", ""},
    {Column::kChannels, "numchannels", ""},
    {Column::kChannels, "numchannel", ""},
    {Column::kFilters, "numfilter", "Num Filter"},
    {Column::kFilters, "numfilters", ""},
    {Column::kFilters, "filters", ""},
    {Column::kFilters, "numoffilters", ""},
    {Column::kStrides, "strides", "Strides"},
    {Column::kStrides, "stride", ""},
    {Column::kStrideHeight, "strideheight", "Stride Height"},
    {Column::kStrideHeight, "strideh", ""},
    {Column::kStrideWidth, "stridewidth", "Stride Width"},
    {Column::kStrideWidth, "stridew", ""},
    {Column::kBatch, "batchsize", "Batch Size"},
    {Column::kBatch, "batch", ""},
    {Column::kM, "m", "M"},
    {Column::kN, "n", "N"},
    {Column::kK, "k", "K"},
    {Column::kSparsity, "sparsity", "Sparsity"},
    {Column::kSparsity, "sparsityratio", ""},
    {Column::kName, "layername", "Layer name"},
});

constexpr std::array kGemmColumns = {Column::kM, Column::kN, Column::kK};
constexpr std::array kConvColumns = {Column::kIfmapHeight,  Column::kIfmapWidth,
                                     Column::kFilterHeight, Column::kFilterWidth,
                                     Column::kChannels,     Column::kFilters};
constexpr std::string_view kForms =
    "'Layer name, M, N, K' or 'Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, "
    "Channels, Num Filter, Strides (or Stride Height, Stride Width)', then Batch Size or Sparsity";

std::string_view shown(Column column) {
  return std::ranges::find(kColumnNames, column, &ColumnName::column)->shown;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::optional<std::int64_t> parse_whole(std::string_view field) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc{} || end != field.data() + field.size()) return std::nullopt;
  return value;
}

bool is_whole(std::string_view field) { return parse_whole(field).has_value(); }

std::optional<Column> column_named(std::string_view name) {
  std::string key;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) continue;
    key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  const auto* const found = std::ranges::find(kColumnNames, key, &ColumnName::key);
  if (found == kColumnNames.end()) return std::nullopt;
  return found->column;
}

using Fields = std::vector<std::string_view>;

Fields words_of(std::string_view row) {
  Fields words;
  for (row = trimmed(row); !row.empty(); row = trimmed(row)) {
    const std::size_t end = std::min(row.find_first_of(kBlank), row.size());
    words.push_back(row.substr(0, end));
    row.remove_prefix(end);
  }
  return words;
}

// The fields of a row, blanks around them removed. What separates them is the first of these that
// the row has: commas, semicolons, tabs; blanks if that gives a header or a row of numbers, else
// the row is one field: a title. A separator at the end closes the last field.
Fields fields_of(std::string_view row) {
  for (const char separator : {',', ';', '\t'}) {
    std::string_view rest = separator == '\t' ? row : trimmed(row);
    if (rest.find(separator) == std::string_view::npos) continue;
    Fields fields;
    for (std::size_t end = 0; end != std::string_view::npos; rest.remove_prefix(end + 1)) {
      end = rest.find(separator);
      fields.push_back(trimmed(rest.substr(0, end)));
      if (end == std::string_view::npos) break;
    }
    if (fields.back().empty()) fields.pop_back();
    return fields;
  }
  Fields words = words_of(row);
  const auto known = [](std::string_view word) { return column_named(word).has_value(); };
  const bool parts = words.size() > 2 && (std::ranges::count_if(words, is_whole) > 1 ||
                                          std::all_of(words.begin() + 1, words.end(), known));
  if (parts) return words;
  return {trimmed(row)};
}

// The extents of a row by what they are; 0: the row has no such column.
struct Extents {
  std::array<std::int64_t, kExtents> values{};
  [[nodiscard]] std::int64_t operator[](Column column) const {
    return values.at(static_cast<std::size_t>(column));
  }
};

class TopologyParser {
 public:
  explicit TopologyParser(const std::string& where) : where_(where) {}

  std::vector<TopologyLayer> parse(std::string_view text) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    for (line_ = 1; !text.empty(); ++line_) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      if (line.find_first_not_of(", ;\t\r\v\f") != std::string_view::npos) row(fields_of(line));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    if (layers_.empty()) throw InputError(where_, "no layer", std::string(kForms));
    return std::move(layers_);
  }

 private:
  [[nodiscard]] std::string place() const { return fmt::format("{}:{}", where_, line_); }

  [[noreturn]] void fail(std::string what, std::string expected) const {
    throw InputError(place(), std::move(what), std::move(expected));
  }

  // "column 3 (N)", counted from 1
  [[nodiscard]] std::string column_text(std::size_t at) const {
    return fmt::format("column {} ({})", at + 1, shown(columns_[at]));
  }

  void row(const Fields& fields) {
    const bool first = std::exchange(first_, false);
    const bool title = fields.size() == 1;
    if (first && line_ == 1 &&
        std::ranges::count_if(fields, is_whole) >= std::ssize(kGemmColumns)) {
      fail("a layer where SCALE-Sim skips the header", "a line of column names first");
    }
    if (title) return;
    if (columns_.empty() && std::ranges::none_of(fields.begin() + 1, fields.end(), is_whole)) {
      return header(fields);
    }
    if (columns_.empty()) usual_header(fields);
    layer(fields);
  }

  // --- header ---

  void header(Fields names) {
    while (names.back().empty()) names.pop_back();
    if (names.size() == 1) return;  // a title in its place
    columns_ = {Column::kName};
    for (std::size_t at = 1; at < names.size(); ++at) {
      const auto column = column_named(names[at]);
      if (!column || *column == Column::kName) {
        fail(fmt::format("column {} is called '{}'", at + 1, names[at]), std::string(kForms));
      }
      // Some of SCALE-Sim's own files call the height a width, too.
      const bool height = *column == Column::kIfmapWidth && columns_.back() == *column &&
                          !has(Column::kIfmapHeight);
      if (height) {
        columns_.back() = Column::kIfmapHeight;
      } else if (has(*column)) {
        fail(fmt::format("column {} is '{}' again", at + 1, shown(*column)), "each once");
      }
      columns_.push_back(*column);
    }
    check_form();
  }

  // Of rows without a header: SCALE-Sim's columns in its order.
  void usual_header(const Fields& fields) {
    const auto numbers =
        std::ranges::find_if_not(fields.begin() + 1, fields.end(), is_whole) - fields.begin() - 1;
    columns_ = {Column::kName};
    if (numbers == std::ssize(kGemmColumns)) {
      columns_.insert(columns_.end(), kGemmColumns.begin(), kGemmColumns.end());
    } else {
      columns_.insert(columns_.end(), kConvColumns.begin(), kConvColumns.end());
      columns_.push_back(Column::kStrides);
    }
    check_form();
  }

  [[nodiscard]] bool has(Column column) const {
    return std::ranges::find(columns_, column) != columns_.end();
  }

  void require_columns(std::span<const Column> wanted) const {
    for (const Column column : wanted) {
      if (!has(column)) fail(fmt::format("no column '{}'", shown(column)), std::string(kForms));
    }
  }

  void check_form() {
    gemm_ = has(Column::kM) || has(Column::kN) || has(Column::kK);
    if (gemm_) {
      require_columns(kGemmColumns);
      for (const Column column : columns_) {
        const bool belongs = column == Column::kName || column == Column::kSparsity ||
                             std::ranges::find(kGemmColumns, column) != kGemmColumns.end();
        if (!belongs) fail(fmt::format("M, N, K and '{}'", shown(column)), std::string(kForms));
      }
      return;
    }
    require_columns(kConvColumns);
    const bool two = has(Column::kStrideHeight) || has(Column::kStrideWidth);
    if (!two) return require_columns(std::array{Column::kStrides});
    require_columns(std::array{Column::kStrideHeight, Column::kStrideWidth});
    if (has(Column::kStrides)) fail("'Strides' beside 'Stride Height' and 'Stride Width'", "one");
  }

  // --- rows ---

  void layer(const Fields& fields) {
    check_fields(fields);
    Extents extents;
    for (std::size_t at = 1; at < std::min(fields.size(), columns_.size()); ++at) {
      if (columns_[at] == Column::kSparsity) {
        check_sparsity(fields[at]);
      } else {
        extents.values.at(static_cast<std::size_t>(columns_[at])) = extent(fields[at], at);
      }
    }
    const std::string name(fields.front());
    if (!gemm_) return convolution(name, extents);
    add(name, extents[Column::kM], extents[Column::kK], extents[Column::kN]);
  }

  // Each field is there and under a name. A sparsity ratio needs no name of its own.
  void check_fields(const Fields& fields) const {
    for (std::size_t at = 0; at < std::min(fields.size(), columns_.size()); ++at) {
      if (fields[at].empty()) fail(column_text(at) + " is empty", "a field in every column");
    }
    std::size_t needed = columns_.size();
    if (columns_.back() == Column::kSparsity) --needed;  // 1:1 if it is not there
    if (fields.size() < needed) {
      fail(fmt::format("{} fields", fields.size()),
           fmt::format("{}, as there is no {}", needed, column_text(fields.size())));
    }
    for (std::size_t at = columns_.size(); at < fields.size(); ++at) {
      if (fields[at].empty()) continue;
      const bool ratio = fields[at].find(':') != std::string_view::npos && !has(Column::kSparsity);
      if (ratio) return check_sparsity(fields[at]);
      fail(fmt::format("'{}' in column {}, which no header names", fields[at], at + 1),
           "a name in the header for every column");
    }
  }

  [[nodiscard]] std::int64_t extent(std::string_view field, std::size_t at) const {
    const auto value = parse_whole(field);
    if (value && *value >= 1 && *value <= kMaxExtent) return *value;
    fail(fmt::format("'{}' in {}", field, column_text(at)),
         fmt::format("a whole number from 1 to {}", kMaxExtent));
  }

  void check_sparsity(std::string_view field) const {
    const std::size_t colon = std::min(field.find(':'), field.size());
    const auto n = parse_whole(trimmed(field.substr(0, colon)));
    const auto m = parse_whole(trimmed(field.substr(std::min(colon + 1, field.size()))));
    if (n && m && *n == *m && *n > 0) return;
    fail(fmt::format("sparsity ratio {}", field), "1:1, as sparse weights are not modelled");
  }

  // Output extent of an axis.
  [[nodiscard]] std::int64_t positions(std::int64_t map, std::int64_t filter,
                                       std::int64_t stride) const {
    if (filter <= map) return ceil_div(map - filter + stride, stride);
    fail(fmt::format("a filter of {} on a map of {}", filter, map),
         "a filter no larger than its map");
  }

  void convolution(const std::string& name, const Extents& e) {
    const auto stride = [&](Column column) { return std::max(e[Column::kStrides], e[column]); };
    const std::int64_t height =
        positions(e[Column::kIfmapHeight], e[Column::kFilterHeight], stride(Column::kStrideHeight));
    const std::int64_t width =
        positions(e[Column::kIfmapWidth], e[Column::kFilterWidth], stride(Column::kStrideWidth));
    const std::int64_t batch = std::max<std::int64_t>(1, e[Column::kBatch]);
    const std::int64_t rows = product({batch, height, width});
    const std::int64_t window = product({e[Column::kFilterHeight], e[Column::kFilterWidth]});
    const std::int64_t channels = e[Column::kChannels], filters = e[Column::kFilters];
    const bool depthwise = name.find("DP") != std::string::npos;
    if (!depthwise) return add(name, rows, product({window, channels}), filters);
    for (std::int64_t channel = 0; channel < channels; ++channel) {
      add(fmt::format("{}Channel_{}", name, channel), rows, window, filters);
    }
  }

  [[nodiscard]] std::int64_t product(const Shape& extents) const {
    return element_count(extents, place());
  }

  void add(std::string name, std::int64_t m, std::int64_t k, std::int64_t n) {
    if (layers_.size() == kMaxLayers) {
      fail(fmt::format("more than {} layers", kMaxLayers), "fewer");
    }
    for (const Shape& matrix : {Shape{m, k}, Shape{k, n}, Shape{m, n}}) {
      static_cast<void>(product(matrix));
    }
    layers_.push_back({std::move(name), m, k, n});
  }

  const std::string& where_;
  std::int64_t line_ = 0;
  bool first_ = true, gemm_ = false;
  std::vector<Column> columns_;  // of each field; empty before the header
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

bool is_topology(const std::string& model) {
  return isa::file_kind(model) == isa::FileKind::kTopology;
}

std::vector<TopologyLayer> parse_topology(std::string_view text, const std::string& where) {
  return TopologyParser(where).parse(text);
}

Graph load_topology(const std::string& path, const LoadOptions& options) {
  const bool sizes = options.batch || !options.dims.empty() || !options.shapes.empty();
  if (sizes || !options.binds.empty()) {
    throw InputError(path, "a topology has its sizes already",
                     "no --batch, --dim, --shape or --bind");
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
