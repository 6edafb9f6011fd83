// ONNX model -> Graph. Everything is checked before the first rewrite: names, then the operators of
// the nodes that an output needs (others are dropped, whatever they are), every tensor's length.
// Nodes are ordered by Kahn's algorithm, in file order where there is a choice.
#include "compiler/frontend/onnx_import.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <queue>
#include <set>

#include "compiler/frontend/onnx_constants.h"
#include "compiler/frontend/onnx_inputs.h"
#include "compiler/frontend/onnx_missing.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/frontend/onnx_subgraphs.h"

namespace systole::compiler {
namespace {

constexpr auto kOperators = std::to_array<OnnxOperator>({
#define SYSTOLE_ONNX_OP(name, first, newest, rewrite, text, example) \
  {"", #name, first, newest, rewrite, text, example},
#define SYSTOLE_ONNX_MAP(name, first, newest, function, attributes, text, example) \
  {"", #name, first, newest, rewrite_map<MapFn::function>, text, example},
#define SYSTOLE_MICROSOFT_OP(name, rewrite, text, example) \
  {"com.microsoft", #name, 1, 1, rewrite, text, example},
#include "compiler/frontend/onnx_ops.def"
});

std::string where_of(const OnnxFile& file, const onnx::NodeProto& node) {
  return fmt::format("{}: node '{}' ({})", file.path, node_name(node), node.op_type());
}

void check_nodes(const OnnxFile& file) {
  for (const onnx::NodeProto& node : file.model.graph().node()) {
    const auto is_named = [](const std::string& name) { return !name.empty(); };
    if (std::ranges::none_of(node.output(), is_named)) {
      throw InputError(where_of(file, node), "has no output", "one");
    }
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.has_t()) check_tensor(file, attribute.t());
    }
  }
}

// The opset of the model has the operator.
void check_opset(const OnnxFile& file, const onnx::NodeProto& node, std::int64_t first) {
  const bool standard = node.domain().empty() || node.domain() == "ai.onnx";
  if (!standard || file.opset >= first) return;
  throw InputError(where_of(file, node), fmt::format("operator in opset {}", file.opset),
                   fmt::format("opset {} or newer", first));
}

// Every name has one origin: an input or initialiser, or one node's output.
std::map<std::string, int> find_producers(const OnnxFile& file) {
  const onnx::GraphProto& graph = file.model.graph();
  std::map<std::string, int> producer;  // index of the node, or -1
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    check_tensor(file, tensor);
    if (tensor.name().empty() || !producer.emplace(tensor.name(), -1).second) {
      throw InputError(file.path,
                       fmt::format("initialiser '{}' is given twice or has no name", tensor.name()),
                       "a name for each, each once");
    }
  }
  std::set<std::string> inputs;
  for (const onnx::ValueInfoProto& input : graph.input()) {
    if (input.name().empty() || !inputs.insert(input.name()).second) {
      throw InputError(file.path,
                       fmt::format("input '{}' is given twice or has no name", input.name()),
                       "a name for each, each once");
    }
    producer.emplace(input.name(), -1);
  }
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const std::string& name : graph.node(i).output()) {
      if (!name.empty() && !producer.emplace(name, i).second) {
        throw InputError(where_of(file, graph.node(i)), "output '" + name + "' is defined twice",
                         "one definition of each name");
      }
    }
  }
  return producer;
}

// Leaves the nodes that an output needs, and their indices in `producers`. Without outputs all
// stay, so that it is the outputs' lack that is told.
void drop_dead_nodes(OnnxFile& file, std::map<std::string, int>& producers) {
  onnx::GraphProto& graph = *file.model.mutable_graph();
  std::vector<bool> live(static_cast<std::size_t>(graph.node_size()), graph.output_size() == 0);
  std::vector<int> reached;
  const auto reach = [&](const std::string& name) {
    const auto from = producers.find(name);
    if (from == producers.end() || from->second < 0) return;
    const auto node = static_cast<std::size_t>(from->second);
    if (!live[node]) reached.push_back(from->second);
    live[node] = true;
  };
  for (const onnx::ValueInfoProto& output : graph.output()) reach(output.name());
  while (!reached.empty()) {
    const onnx::NodeProto& node = graph.node(reached.back());
    reached.pop_back();
    each_read(node, reach);
  }
  google::protobuf::RepeatedPtrField<onnx::NodeProto> all;
  all.Swap(graph.mutable_node());
  for (int i = 0; i < all.size(); ++i) {
    const bool kept = live[static_cast<std::size_t>(i)];
    for (const std::string& name : all[i].output())
      if (!name.empty()) producers[name] = kept ? graph.node_size() : -1;
    if (kept) graph.add_node()->Swap(&all[i]);
  }
}

[[noreturn]] void fail_cycle(const OnnxFile& file, const std::map<std::string, int>& producers,
                             const std::vector<int>& waiting) {
  const onnx::GraphProto& graph = file.model.graph();
  const auto stuck = std::find_if(waiting.begin(), waiting.end(), [](int n) { return n > 0; });
  int at = static_cast<int>(stuck - waiting.begin());
  std::vector<int> path;
  while (std::ranges::find(path, at) == path.end()) {  // upstream, until a stuck node comes back
    path.push_back(at);
    int next = -1;
    each_read(graph.node(at), [&](const std::string& name) {
      const auto from = producers.find(name);
      const bool waits = from != producers.end() && from->second >= 0 &&
                         waiting[static_cast<std::size_t>(from->second)] > 0;
      if (waits && next < 0) next = from->second;
    });
    at = next;
  }
  constexpr std::ptrdiff_t kMostNames = 8;
  std::string names;
  const auto cycle = std::ranges::find(path, at);
  const std::ptrdiff_t length = path.end() - cycle;
  for (auto node = cycle; node != cycle + std::min(length, kMostNames); ++node)
    names += fmt::format("'{}' of ", node_name(graph.node(*node)));
  if (length > kMostNames) names += fmt::format("{} more, of ", length - kMostNames);
  names += fmt::format("'{}'", node_name(graph.node(at)));
  throw InputError(where_of(file, graph.node(at)),
                   "needs its own result: it reads that of " + names, "a graph without cycles");
}

std::vector<int> order_nodes(const OnnxFile& file, const std::map<std::string, int>& producers) {
  const onnx::GraphProto& graph = file.model.graph();
  const auto count = static_cast<std::size_t>(graph.node_size());
  std::vector<int> waiting(count);
  std::vector<std::vector<int>> users(count);
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const std::string& name : graph.node(i).input()) {
      if (name.empty() || producers.contains(name)) continue;
      throw InputError(where_of(file, graph.node(i)), "input '" + name + "' is not defined",
                       "an input, an initialiser or a node's output");
    }
    each_read(graph.node(i), [&](const std::string& name) {
      const auto from = producers.find(name);
      if (from == producers.end() || from->second < 0) return;
      users[static_cast<std::size_t>(from->second)].push_back(i);
      ++waiting[static_cast<std::size_t>(i)];
    });
  }
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (std::size_t i = 0; i < count; ++i) {
    if (waiting[i] == 0) ready.push(static_cast<int>(i));
  }
  std::vector<int> order;
  while (!ready.empty()) {
    order.push_back(ready.top());
    ready.pop();
    for (const int user : users[static_cast<std::size_t>(order.back())]) {
      if (--waiting[static_cast<std::size_t>(user)] == 0) ready.push(user);
    }
  }
  if (order.size() < count) fail_cycle(file, producers, waiting);
  return order;
}

// Brings the nodes in an order in which each comes behind those it reads from.
void sort_nodes(OnnxFile& file, const std::map<std::string, int>& producers) {
  const std::vector<int> order = order_nodes(file, producers);
  google::protobuf::RepeatedPtrField<onnx::NodeProto> all;
  all.Swap(file.model.mutable_graph()->mutable_node());
  for (const int index : order) file.model.mutable_graph()->add_node()->Swap(&all[index]);
}

void set_shape(onnx::TypeProto_Tensor& type, const Shape& shape) {
  for (const std::int64_t dim : shape) type.mutable_shape()->add_dim()->set_dim_value(dim);
  static_cast<void>(type.mutable_shape());  // of a scalar, too
}

// What ONNX's checker wants and no reader needs: in IR 3 each initialiser as an input, too, in all
// versions the shapes of inputs and outputs.
void complete(OnnxFile& file, const Graph& graph) {
  if (file.model.ir_version() < kFreeInitialiserIr) file.model.set_ir_version(kFreeInitialiserIr);
  for (onnx::ValueInfoProto& input : *file.model.mutable_graph()->mutable_input()) {
    onnx::TypeProto_Tensor& type = *input.mutable_type()->mutable_tensor_type();
    const auto is_input = [&](ValueId id) { return graph.value(id).name == input.name(); };
    const auto read = std::ranges::find_if(graph.inputs, is_input);
    if (!type.has_shape() && read != graph.inputs.end()) set_shape(type, graph.value(*read).shape);
  }
  std::map<std::string, std::size_t> places;  // a graph has an output once, however often named
  for (onnx::ValueInfoProto& output : *file.model.mutable_graph()->mutable_output()) {
    const std::size_t place = places.emplace(output.name(), places.size()).first->second;
    const Value& value = graph.value(graph.outputs.at(place));
    onnx::TypeProto_Tensor& type = *output.mutable_type()->mutable_tensor_type();
    if (type.elem_type() == 0) type.set_elem_type(dtype_onnx_code(value.type));
    if (!type.has_shape()) set_shape(type, value.shape);
  }
}

void count_uses(OnnxImport& import) {
  const onnx::GraphProto& graph = import.file.model.graph();
  for (const onnx::NodeProto& node : graph.node()) {
    each_read_within(node, [&](const std::string& name) { ++import.uses[name]; });
  }
  for (const onnx::ValueInfoProto& output : graph.output()) ++import.uses[output.name()];
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    import.initialisers.emplace(tensor.name(), &tensor);
  }
}

// An initialiser becomes a value when it is first named.
ValueId output_named(OnnxImport& import, const std::string& name) {
  if (const auto found = import.values.find(name); found != import.values.end())
    return found->second;
  const auto stored = import.initialisers.find(name);
  if (stored == import.initialisers.end()) {
    throw InputError(import.file.path, "output '" + name + "'",
                     "a result of a node, an input or an initialiser");
  }
  return import.builder.add_constant(name, read_tensor(import.file, *stored->second));
}

// Each name once, however often the file lists it.
std::vector<std::pair<std::string, ValueId>> find_outputs(OnnxImport& import) {
  const OnnxFile& file = import.file;
  std::vector<std::pair<std::string, ValueId>> outputs;
  std::set<std::string> seen;
  for (const onnx::ValueInfoProto& output : file.model.graph().output()) {
    const std::string& name = output.name();
    if (seen.insert(name).second) outputs.emplace_back(name, output_named(import, name));
  }
  if (outputs.empty()) throw InputError(file.path, "has no outputs", "at least one");
  return outputs;
}

// Outputs that the file says to have another shape than they get, unless a changed batch is why.
void note_other_shapes(OnnxImport& import, const Graph& graph) {
  if (import.batch && import.batch->from != import.batch->to) return;
  for (const onnx::ValueInfoProto& output : import.file.model.graph().output()) {
    const onnx::TypeProto_Tensor& type = output.type().tensor_type();
    const auto is_output = [&](ValueId id) { return graph.value(id).name == output.name(); };
    const auto made = std::ranges::find_if(graph.outputs, is_output);
    if (!type.has_shape() || made == graph.outputs.end()) continue;
    const Shape& shape = graph.value(*made).shape;
    const auto fits = [](const auto& dim, std::int64_t n) {
      return dim.dim_value() <= 0 || dim.dim_value() == n;
    };
    if (std::ranges::equal(type.shape().dim(), shape, fits)) continue;
    Shape declared;
    for (const auto& dim : type.shape().dim()) declared.push_back(dim.dim_value());
    import.notes.push_back(fmt::format("{}: output '{}' has shape {}, where the file says {}{}",
                                       import.file.path, output.name(), shape_text(shape),
                                       shape_text(declared),
                                       std::ranges::count(declared, 0) > 0 ? " (0: open)" : ""));
  }
}

std::string graph_name(const OnnxFile& file) {
  const std::string& name = file.model.graph().name();
  return name.empty() ? std::filesystem::path(file.path).stem().string() : name;
}

// A changed batch is what is wrong with a node that fits the model's own.
void import_with_batch(OnnxImport& import, const onnx::NodeProto& proto) {
  const bool changed = import.batch && import.batch->from != import.batch->to;
  if (!changed) return import_node(import, proto);
  try {
    import_node(import, proto);
  } catch (const InputError& error) {
    throw forbidden_batch(import, node_name(proto), error.diag().what);
  }
}

}  // namespace

void import_node(OnnxImport& import, const onnx::NodeProto& proto) {
  OnnxNode node(import, proto);
  const OnnxConstant* constant = find_onnx_constant(proto);
  const bool folds =
      constant != nullptr && (constant->reads == ConstantReads::kShapes || node.use_known_inputs());
  const OnnxOperator* op = find_onnx_operator(proto);
  if (folds) {
    check_opset(import.file, proto, constant->first);
    constant->fold(node);
  } else {
    node.require(op != nullptr,
                 constant != nullptr ? "an input is computed" : "the operator is not known",
                 constant != nullptr ? "constants only" : "an operator that `systole ops` lists");
    check_opset(import.file, proto, op->first);
    op->rewrite(node);
  }
  node.check_attributes();
  const bool reads = (folds && constant->reads == ConstantReads::kShapes) ||
                     std::any_of(proto.input().begin(), proto.input().end(), [&](const auto& name) {
                       return import.from_shapes.contains(name);
                     });
  if (reads) import.from_shapes.insert(proto.output().begin(), proto.output().end());
}

std::span<const OnnxOperator> onnx_operators() { return kOperators; }

const OnnxOperator* find_onnx_operator(const onnx::NodeProto& node) {
  const std::string_view domain = node.domain() == "ai.onnx" ? "" : std::string_view(node.domain());
  const auto* const row = std::find_if(
      kOperators.begin(), kOperators.end(),
      [&](const OnnxOperator& r) { return r.name == node.op_type() && r.domain == domain; });
  return row == kOperators.end() ? nullptr : row;
}

Graph import_onnx(OnnxFile& file, const LoadOptions& options,
                  std::map<std::string, ValueId>* names) {
  std::map<std::string, int> producers = find_producers(file);
  drop_dead_nodes(file, producers);
  check_nodes(file);
  sort_nodes(file, producers);
  check_operators(file);
  OnnxImport import{.file = file};
  count_uses(import);
  add_inputs(import, options);
  for (const onnx::NodeProto& proto : file.model.graph().node()) import_with_batch(import, proto);
  std::vector<ValueId> map;
  Graph graph = import.builder.finish(find_outputs(import), &map);
  note_other_shapes(import, graph);
  complete(file, graph);
  run_onnx_checker(file);
  graph.name = graph_name(file);
  graph.hash = fmt::format("{:016x}", file.hash);
  graph.notes = import.notes;
  verify(graph);
  check_batch(import, graph);
  if (names != nullptr) {
    for (const auto& [name, id] : import.values) (*names)[name] = map[static_cast<std::size_t>(id)];
  }
  if (graph.inputs.empty()) throw InputError(file.path, "has no inputs", "a model of at least one");
  return graph;
}

}  // namespace systole::compiler
