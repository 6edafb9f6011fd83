// The text form of a graph, written: docs/compiler.md has its grammar, parse_text.h reads it back.
#include <algorithm>
#include <iterator>
#include <set>

#include "compiler/ir/fields.h"
#include "compiler/ir/graph.h"
#include "compiler/ir/number_list.h"
#include "compiler/ir/parse_text.h"
#include "compiler/ir/text_reader.h"
#include "isa/text.h"

namespace systole::compiler {
namespace {

// As it stands where it cannot be taken for anything else.
std::string name_text(const std::string& name) {
  const bool plain =
      !name.empty() && std::ranges::all_of(name, is_word_char) && !is_statement(name);
  return plain ? name : isa::quote(name);
}

// One attribute after another.
class FieldWriter {
 public:
  explicit FieldWriter(LongLists* long_lists) : long_lists_(long_lists) {}

  template <typename T>
  void operator()(std::string_view name, const T& field) {
    if constexpr (std::is_enum_v<T>) {
      fields_.push_back({fmt::format(" {}", kWords<T>[static_cast<std::size_t>(field)]), true});
    } else {
      fields_.push_back({fmt::format(" {}={}", name, text(field)), false});
    }
  }

  // All that differs from `defaults`.
  [[nodiscard]] std::string beside(const FieldWriter& defaults) const {
    std::string all;
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (fields_[i].is_word || fields_[i].text != defaults.fields_[i].text) all += fields_[i].text;
    }
    return all;
  }

 private:
  struct Field {
    std::string text;
    bool is_word;
  };

  template <typename T>
  static std::string text(const T& number) {
    return fmt::format("{}", number);
  }
  static std::string text(const std::array<std::int64_t, 2>& pair) {
    return fmt::format("{}x{}", pair[0], pair[1]);
  }
  static std::string text(const std::array<std::int64_t, 4>& pads) {
    return shape_text({pads.begin(), pads.end()});
  }
  static std::string text(const Shape& numbers) { return shape_text(numbers); }
  std::string text(const std::vector<float>& reals) const {
    return list_text(DType::kFloat32, bytes_of(reals), long_lists_);
  }
  std::string text(const std::vector<std::uint8_t>& entries) const {
    return list_text(DType::kUint8, bytes_of(entries), long_lists_);
  }
  std::string text(const std::vector<std::int16_t>& points) const {
    return list_text(DType::kInt16, bytes_of(points), long_lists_);
  }
  std::string text(const TableAttrs& table) const {
    return table.points.empty() ? "entries " + text(table.entries) : "points " + text(table.points);
  }
  std::string text(const Quant& q) const {
    const std::string axis = q.axis == 0 ? "" : fmt::format(" axis {}", q.axis);
    const std::string_view type = dtype_name(q.type);
    if (q.per_tensor() && q.zero_points.size() == 1)
      return fmt::format("{} * ({} - {}){}", q.scales[0], type, q.zero_points[0], axis);
    return fmt::format("{} * ({} - {}){}",
                       list_text(DType::kFloat32, bytes_of(q.scales), long_lists_), type,
                       list_text(DType::kInt32, bytes_of(q.zero_points), long_lists_), axis);
  }
  template <typename T>
  std::string text(const std::optional<T>& field) const {
    return field ? text(*field) : "";
  }

  LongLists* long_lists_;
  std::vector<Field> fields_;
};

// The fields of T that are not what they are by default.
template <typename T>
std::string fields_text(T value, LongLists* long_lists) {
  T defaults{};
  FieldWriter there(long_lists), plain(nullptr);
  each_field(value, there);
  each_field(defaults, plain);
  return there.beside(plain);
}

class Writer {
 public:
  Writer(const Graph& graph, LongLists* long_lists) : graph_(graph), long_lists_(long_lists) {}

  std::string write() {
    name_values();
    std::string text = "graph " + name_text(graph_.name);
    Graph flags;
    flags.structure_only = graph_.structure_only;
    flags.separate_layers = graph_.separate_layers;
    flags.images_together = graph_.images_together;
    text += fields_text(std::move(flags), long_lists_) + "\n";
    for (ValueId id : graph_.inputs) text += "  input " + declaration(id) + "\n";
    for (ValueId id : constants()) text += "  constant " + declaration(id) + constant(id) + "\n";
    for (const Node& node : graph_.nodes) text += "  " + node_text(node) + "\n";
    for (ValueId id : graph_.outputs) text += "  output " + name(id) + "\n";
    return text;
  }

 private:
  // Those that something reads.
  [[nodiscard]] std::vector<ValueId> constants() const {
    std::set<ValueId> used(graph_.outputs.begin(), graph_.outputs.end());
    for (const Node& node : graph_.nodes) used.insert(node.inputs.begin(), node.inputs.end());
    std::vector<ValueId> ids;
    std::ranges::copy_if(used, std::back_inserter(ids),
                         [this](ValueId id) { return graph_.value(id).constant.has_value(); });
    return ids;
  }

  // Names in a graph need not differ; in its text they do.
  void name_values() {
    names_.resize(graph_.values.size());
    std::set<std::string> taken;
    const auto give = [&](ValueId id) {
      std::string name = graph_.value(id).name;
      for (int copy = 2; !taken.insert(name).second; ++copy)
        name = fmt::format("{}~{}", graph_.value(id).name, copy);
      names_[static_cast<std::size_t>(id)] = name;
    };
    for (ValueId id : graph_.inputs) give(id);
    for (ValueId id : constants()) give(id);
    for (const Node& node : graph_.nodes) give(node.outputs.at(0));
  }

  [[nodiscard]] std::string name(ValueId id) const {
    return name_text(names_.at(static_cast<std::size_t>(id)));
  }

  [[nodiscard]] std::string declaration(ValueId id) const {
    const Value& v = graph_.value(id);
    return fmt::format("{}: {}{}", name(id), dtype_name(v.type), shape_text(v.shape));
  }

  [[nodiscard]] std::string constant(ValueId id) const {
    const Tensor& t = *graph_.value(id).constant;
    const bool unknown = t.data.empty() && t.count() > 0;
    return unknown ? "" : " = " + list_text(t.type, t.data, long_lists_);
  }

  [[nodiscard]] std::string node_text(const Node& node) const {
    std::string inputs;
    for (ValueId id : node.inputs) inputs += (inputs.empty() ? "" : ", ") + name(id);
    const ValueId result = node.outputs.at(0);
    const std::string fields =
        std::visit([&](const auto& attrs) { return fields_text(attrs, long_lists_); }, node.attrs);
    std::string text =
        fmt::format("{} = {}({}){}", declaration(result), op_name(node.kind), inputs, fields);
    const bool named = node.name != names_[static_cast<std::size_t>(result)];
    if (named || !node.origin.empty()) text += " @ " + name_text(node.name);
    if (!node.origin.empty()) text += fmt::format(" ({})", name_text(node.origin));
    return text;
  }

  const Graph& graph_;
  LongLists* long_lists_;
  std::vector<std::string> names_;  // by value, each another
};

}  // namespace

std::string to_text(const Graph& graph) { return Writer(graph, nullptr).write(); }

LongLists long_lists(const Graph& graph) {
  LongLists lists;
  static_cast<void>(Writer(graph, &lists).write());
  return lists;
}

}  // namespace systole::compiler
