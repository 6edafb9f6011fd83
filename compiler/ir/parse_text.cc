// A statement a line: inputs, constants, nodes and outputs, each after what it uses.
#include "compiler/ir/parse_text.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "compiler/ir/fields.h"
#include "compiler/ir/text_reader.h"
#include "isa/suggest.h"

namespace systole::compiler {
namespace {

using Token = TextReader::Token;

constexpr std::int64_t kMostElements = std::int64_t{1} << 28;  // of a list

Attrs attrs_of(OpKind kind) {
  switch (kind) {
    case OpKind::kMatmul:
      return MatmulAttrs{};
    case OpKind::kConv:
      return ConvAttrs{};
    case OpKind::kMap:
      return MapAttrs{};
    case OpKind::kZip:
      return ZipAttrs{};
    case OpKind::kTable:
      return TableAttrs{};
    case OpKind::kReduce:
      return ReduceAttrs{};
    case OpKind::kPool:
      return PoolAttrs{};
    case OpKind::kMove:
      return MoveAttrs{};
    case OpKind::kQuantise:
    case OpKind::kDequantise:
      return QuantAttrs{};
    case OpKind::kSelect:
    case OpKind::kCast:
      return std::monostate{};
    case OpKind::kHost:
      return HostAttrs{};
  }
  SYSTOLE_CHECK(false, "op {}", static_cast<int>(kind));
}

const std::vector<std::string>& op_names() {
  static const std::vector<std::string> names = {
#define SYSTOLE_OP(name, text, meaning) text,
#include "compiler/ir/ops.def"
  };
  return names;
}

class Parser {
 public:
  Parser(std::string_view where, std::string_view text, const LongLists& long_lists)
      : in_(where, text), long_lists_(long_lists) {}

  Graph parse() {
    in_.expect("graph");
    graph_.name = in_.name("the graph's name");
    read_fields(graph_);
    in_.end_line();
    while (in_.next().kind != Token::Kind::kEnd) {
      statement();
      in_.end_line();
    }
    return std::move(graph_);
  }

 private:
  void statement() {
    if (in_.accept("input")) {
      const Token token = in_.next();
      graph_.inputs.push_back(define(token, declaration()));
    } else if (in_.accept("constant")) {
      constant();
    } else if (in_.accept("output")) {
      graph_.outputs.push_back(use());
    } else {
      node();
    }
  }

  void constant() {
    const Token token = in_.next();
    Value value = declaration();
    Tensor tensor;
    tensor.type = value.type;
    tensor.shape = value.shape;
    if (!graph_.structure_only || in_.at("=")) {
      in_.expect("=");
      const Token list = in_.next();
      tensor.data = read_list(value.type);
      const std::int64_t given = tensor.bytes() / dtype_bytes(value.type);
      if (given != tensor.count())
        throw InputError(in_.place(list), fmt::format("{} numbers", given),
                         std::to_string(tensor.count()));
    }
    value.constant = std::move(tensor);
    define(token, std::move(value));
  }

  void node() {
    const Token token = in_.next();
    Value result = declaration();
    in_.expect("=");
    Node node;
    node.kind = static_cast<OpKind>(one_of(op_names(), "an op"));
    node.name = result.name;
    in_.expect("(");
    do {
      node.inputs.push_back(use());
    } while (in_.accept(","));
    in_.expect(")");
    node.attrs = attrs_of(node.kind);
    std::visit([this](auto& attrs) { read_fields(attrs); }, node.attrs);
    if (in_.accept("@")) {
      node.name = in_.name("the node's name");
      if (in_.accept("(")) {
        node.origin = in_.name("the operator that the node comes from");
        in_.expect(")");
      }
    }
    node.outputs = {define(token, std::move(result))};
    graph_.nodes.push_back(std::move(node));
  }

  // "x: uint8[2, 3]"
  Value declaration() {
    Value value;
    value.name = in_.name("a value's name, or input, constant or output");
    in_.expect(":");
    const Token type = in_.next();
    value.type = dtype_from_name(in_.word("an element type"), in_.place(type));
    const Token shape = in_.next();
    value.shape = read_whole_numbers();
    static_cast<void>(element_count(value.shape, in_.place(shape)));
    return value;
  }

  ValueId define(const Token& token, Value value) {
    const auto [at, is_new] = ids_.try_emplace(value.name, static_cast<ValueId>(ids_.size()));
    if (!is_new) in_.fail(token, "a name that no other value has");
    return graph_.add_value(std::move(value));
  }

  ValueId use() {
    const Token token = in_.next();
    const auto found = ids_.find(in_.name("a value's name"));
    if (found != ids_.end()) return found->second;
    std::vector<std::string> known;
    for (const auto& [name, id] : ids_) known.push_back(name);
    in_.fail(token, "a value of a line above", isa::did_you_mean(token.text, known));
  }

  // The number of the word that comes next.
  template <typename Words>
  std::size_t one_of(const Words& words, const std::string& what) {
    const Token token = in_.next();
    const std::string expected = fmt::format("{}: {}", what, fmt::join(words, ", "));
    const auto found = std::ranges::find(words, in_.word(expected));
    if (found == words.end())
      in_.fail(token, expected, isa::did_you_mean(token.text, {words.begin(), words.end()}));
    return static_cast<std::size_t>(found - words.begin());
  }

  // A choice if there is one to make, then NAME=VALUE in any order.
  template <typename T>
  void read_fields(T& all) {
    std::vector<std::string> names;
    each_field(all, [&]<typename Field>(std::string_view name, Field& field) {
      if constexpr (std::is_enum_v<Field>) {
        field = static_cast<Field>(one_of(kWords<Field>, "a function"));
      } else {
        names.emplace_back(name);
      }
    });
    while (in_.next().kind == Token::Kind::kWord) {
      const std::string wanted = names.at(one_of(names, "an attribute"));
      in_.expect("=");
      each_field(all, [&]<typename Field>(std::string_view name, Field& field) {
        if constexpr (!std::is_enum_v<Field>) {
          if (name == wanted) read(field);
        }
      });
    }
  }

  template <typename T>
  void read(T& number) {
    number = in_.number<T>();
  }
  void read(bool& flag) {
    flag = one_of(std::array<std::string_view, 2>{"false", "true"}, "a truth value") == 1;
  }
  // "3x3"
  void read(std::array<std::int64_t, 2>& pair) {
    const Token token = in_.next();
    const std::string text = in_.word("two whole numbers as 3x3");
    const char* const end = text.data() + text.size();
    const auto [middle, first] = std::from_chars(text.data(), end, pair[0]);
    const bool parted = first == std::errc() && middle != end && *middle == 'x';
    const auto [rest, second] = std::from_chars(parted ? middle + 1 : end, end, pair[1]);
    if (second != std::errc() || rest != end) in_.fail(token, "two whole numbers as 3x3");
  }
  void read(std::array<std::int64_t, 4>& pads) {
    const Token token = in_.next();
    const Shape numbers = read_whole_numbers();
    if (numbers.size() != pads.size()) in_.fail(token, "four whole numbers");
    std::ranges::copy(numbers, pads.begin());
  }
  void read(Shape& numbers) { numbers = read_whole_numbers(); }
  void read(std::vector<float>& reals) { reals = read_numbers<float>(); }
  void read(std::vector<std::uint8_t>& entries) { entries = read_list(DType::kUint8); }
  void read(std::vector<std::int16_t>& points) { points = read_numbers<std::int16_t>(); }
  void read(TableAttrs& table) {
    if (one_of(std::array<std::string_view, 2>{"entries", "points"}, "a table") == 0) {
      read(table.entries);
    } else {
      read(table.points);
    }
  }
  template <typename T>
  void read(std::optional<T>& field) {
    read(field.emplace());
  }
  // "0.5 * (uint8 - 10)", or with a list for each number and its axis
  void read(Quant& q) {
    q.scales = one_or_more<float>();
    in_.expect("*");
    in_.expect("(");
    const Token type = in_.next();
    q.type = dtype_from_name(in_.word("an element type"), in_.place(type));
    in_.expect("-");
    q.zero_points = one_or_more<std::int32_t>();
    in_.expect(")");
    if (in_.accept("axis")) read(q.axis);
  }

  template <typename T>
  std::vector<T> one_or_more() {
    if (in_.at("[") || in_.at("hash")) return read_numbers<T>();
    return {in_.number<T>()};
  }

  Shape read_whole_numbers() { return read_numbers<std::int64_t>(); }

  template <typename T>
  std::vector<T> read_numbers() {
    const std::vector<std::uint8_t> bytes = read_list(DTypeOf<T>::value);
    std::vector<T> numbers(bytes.size() / sizeof(T));
    std::ranges::copy(bytes, reinterpret_cast<std::uint8_t*>(numbers.data()));
    return numbers;
  }

  std::vector<std::uint8_t> read_list(DType type) {
    if (in_.accept("hash")) return known_list(type);
    in_.expect("[");
    std::vector<std::uint8_t> bytes;
    with_element_type(type, [&](auto zero) { read_elements<decltype(zero)>(bytes); });
    return bytes;
  }

  // Behind "hash".
  std::vector<std::uint8_t> known_list(DType type) {
    in_.expect(":");
    const Token token = in_.next();
    const auto found = long_lists_.find(in_.word("a hash of 16 digits"));
    const bool fits = found != long_lists_.end() &&
                      found->second.size() % static_cast<std::size_t>(dtype_bytes(type)) == 0;
    if (fits) return found->second;
    throw InputError(in_.place(token),
                     fmt::format("the numbers behind hash:{} are not here", token.text),
                     "them in [ ], as [1, 2] or [0 x 4096]");
  }

  // Up to the closing bracket.
  template <typename T>
  void read_elements(std::vector<std::uint8_t>& bytes) {
    std::int64_t count = 0;
    while (!in_.accept("]")) {
      if (count > 0) in_.expect(",");
      const T element = read_element<T>();
      const Token token = in_.next();
      const std::int64_t times = in_.accept("x") ? in_.number<std::int64_t>() : 1;
      if (times < 1 || times > kMostElements - count)
        in_.fail(token, fmt::format("1 to {} numbers in all", kMostElements));
      count += times;
      const auto* const first = reinterpret_cast<const std::uint8_t*>(&element);
      for (std::int64_t i = 0; i < times; ++i) bytes.insert(bytes.end(), first, first + sizeof(T));
    }
  }

  template <typename T>
  T read_element() {
    if constexpr (std::is_same_v<T, bool>) {
      return one_of(std::array<std::string_view, 2>{"0", "1"}, "a truth value") == 1;
    } else if constexpr (std::is_same_v<T, Bfloat16>) {
      return Bfloat16(in_.number<float>());
    } else {
      return in_.number<T>();
    }
  }

  Graph graph_;
  TextReader in_;
  const LongLists& long_lists_;
  std::map<std::string, ValueId> ids_;
};

}  // namespace

Graph parse_text(std::string_view where, std::string_view text, const LongLists& long_lists) {
  Graph graph = Parser(where, text, long_lists).parse();
  if (const auto fault = fault_of(graph))
    throw InputError(std::string(where), *fault, "a graph that keeps the rules of its ops");
  return graph;
}

}  // namespace systole::compiler
