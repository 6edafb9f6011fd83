// ONNX's Einsum: each operand's diagonals and lonely labels are resolved first, then two operands
// at a time are one product of matrices for each index of the labels that both and the result have.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

// Letters, or for a dimension that an ellipsis stands for, -1 for the last one and down from there.
using Label = int;
using Labels = std::vector<Label>;

struct Operand {
  ValueId id = kNoValue;
  Labels labels;
};

bool has(const Labels& labels, Label label) { return std::ranges::count(labels, label) > 0; }

struct Equation {
  std::vector<std::string> operands;
  std::string result;
  bool explicit_result = false;
};

Equation read_equation(OnnxNode& node) {
  std::string text = node.string_or("equation", "");
  std::erase(text, ' ');
  Equation equation;
  const std::size_t arrow = text.find("->");
  equation.explicit_result = arrow != std::string::npos;
  if (equation.explicit_result) equation.result = text.substr(arrow + 2);
  std::string left = text.substr(0, arrow);
  for (std::size_t comma = left.find(','); comma != std::string::npos; comma = left.find(',')) {
    equation.operands.push_back(left.substr(0, comma));
    left.erase(0, comma + 1);
  }
  equation.operands.push_back(left);
  node.require(static_cast<int>(equation.operands.size()) == node.input_count(),
               fmt::format("equation '{}' for {} inputs", text, node.input_count()),
               "an operand for each input");
  return equation;
}

// The labels of a term, whose ellipsis stands for so many dimensions.
Labels labels_of(const OnnxNode& node, const std::string& term, std::size_t ellipsis) {
  Labels labels;
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (term.compare(i, 3, "...") == 0) {
      for (std::size_t d = ellipsis; d-- > 0;) labels.push_back(-1 - static_cast<Label>(d));
      i += 2;
      continue;
    }
    const bool letter = std::isalpha(static_cast<unsigned char>(term[i])) != 0;
    node.require(letter, "equation term '" + term + "'", "letters and one ellipsis");
    labels.push_back(term[i]);
  }
  return labels;
}

std::size_t ellipsis_of(const OnnxNode& node, const std::string& term, std::size_t rank) {
  const std::size_t at = term.find("...");
  if (at == std::string::npos) return 0;
  const std::size_t letters = term.size() - 3;
  node.require(letters <= rank, "equation term '" + term + "'",
               fmt::format("at most {} letters", rank));
  return rank - letters;
}

class Contraction {
 public:
  explicit Contraction(OnnxNode& node) : node_(node), builder_(node.builder()) {}

  ValueId run() {
    const Equation equation = read_equation(node_);
    std::size_t widest = 0;
    for (std::size_t i = 0; i < equation.operands.size(); ++i)
      widest = std::max(widest, read_operand(equation.operands[i], static_cast<int>(i)));
    result_ = equation.explicit_result ? labels_of(node_, equation.result, widest)
                                       : implicit_result(widest);
    check_result();
    for (Operand& operand : operands_) operand = plain(operand);
    Operand all = lonely_summed(operands_[0], 1);
    for (std::size_t i = 1; i < operands_.size(); ++i)
      all = product(all, lonely_summed(operands_[i], i + 1), i + 1);
    return builder_.transpose(all.id, order(all.labels, result_));
  }

 private:
  std::size_t read_operand(const std::string& term, int i) {
    const ValueId id = node_.input(i);
    node_.require_type(fmt::format("input {}", i), id, DType::kFloat32);
    const Shape shape = node_.shape(i);
    const std::size_t ellipsis = ellipsis_of(node_, term, shape.size());
    const Labels labels = labels_of(node_, term, ellipsis);
    node_.require(labels.size() == shape.size(),
                  fmt::format("equation term '{}' for shape {}", term, shape_text(shape)),
                  "a letter for each dimension");
    for (std::size_t d = 0; d < shape.size(); ++d) {
      const auto known = extent_.emplace(labels[d], shape[d]).first;
      node_.require(known->second == shape[d],
                    fmt::format("a label of {} and {} elements", known->second, shape[d]),
                    "one extent for each label; Einsum's broadcast of 1 is not supported");
    }
    operands_.push_back({id, labels});
    return ellipsis;
  }

  // The ellipsis, then each letter that occurs once, in the order of the alphabet.
  [[nodiscard]] Labels implicit_result(std::size_t widest) const {
    std::map<Label, int> uses;
    for (const Operand& operand : operands_) {
      for (const Label label : operand.labels) ++uses[label];
    }
    Labels labels;
    for (std::size_t d = widest; d-- > 0;) labels.push_back(-1 - static_cast<Label>(d));
    for (const auto& [label, count] : uses) {
      if (label > 0 && count == 1) labels.push_back(label);
    }
    return labels;
  }

  void check_result() const {
    for (const Label label : result_) {
      node_.require(extent_.contains(label) && std::ranges::count(result_, label) == 1,
                    "a label of the result", "one of the operands', once");
    }
  }

  static std::vector<std::int64_t> order(const Labels& from, const Labels& to) {
    std::vector<std::int64_t> permutation;
    for (const Label label : to)
      permutation.push_back(std::ranges::find(from, label) - from.begin());
    return permutation;
  }

  [[nodiscard]] Shape shape_of(const Labels& labels) const {
    Shape shape;
    for (const Label label : labels) shape.push_back(extent_.at(label));
    return shape;
  }
  [[nodiscard]] std::int64_t count_of(const Labels& labels) const {
    return element_count(shape_of(labels));
  }

  // Each label once: of two dimensions with the same one the diagonal, every (n + 1)-th element of
  // both together.
  Operand plain(Operand x) {
    for (std::size_t a = 0; a < x.labels.size(); ++a) {
      const auto again = std::find(x.labels.begin() + static_cast<std::ptrdiff_t>(a) + 1,
                                   x.labels.end(), x.labels[a]);
      if (again == x.labels.end()) continue;
      const auto b = static_cast<std::size_t>(again - x.labels.begin());
      x = diagonal(x, a, b);
      a = static_cast<std::size_t>(-1);  // from the start again
    }
    return x;
  }

  Operand diagonal(const Operand& x, std::size_t a, std::size_t b) {
    std::vector<std::int64_t> permutation;
    Labels labels;
    for (std::size_t d = 0; d < x.labels.size(); ++d) {
      if (d == a || d == b) continue;
      permutation.push_back(static_cast<std::int64_t>(d));
      labels.push_back(x.labels[d]);
    }
    permutation.push_back(static_cast<std::int64_t>(a));
    permutation.push_back(static_cast<std::int64_t>(b));
    const std::int64_t n = extent_.at(x.labels[a]);
    Shape flat = shape_of(labels);
    flat.push_back(n * n);
    std::vector<std::int64_t> on;
    for (std::int64_t i = 0; i < n; ++i) on.push_back(i * (n + 1));
    const ValueId together = builder_.reshape(builder_.transpose(x.id, permutation), flat);
    labels.push_back(x.labels[a]);
    return {emit_take(builder_, together, labels.size() - 1, on), labels};
  }

  // Whether the result, or an operand from `next` on, has the label.
  [[nodiscard]] bool is_wanted(Label label, std::size_t next) const {
    if (has(result_, label)) return true;
    return std::any_of(operands_.begin() + static_cast<std::ptrdiff_t>(next), operands_.end(),
                       [&](const Operand& o) { return has(o.labels, label); });
  }
  [[nodiscard]] bool is_elsewhere(Label label, const Operand& x) const {
    return std::ranges::any_of(
        operands_, [&](const Operand& o) { return o.labels != x.labels && has(o.labels, label); });
  }

  // Without the labels that nothing else has.
  Operand lonely_summed(const Operand& x, std::size_t next) {
    std::vector<std::int64_t> axes;
    Labels kept;
    for (std::size_t d = 0; d < x.labels.size(); ++d) {
      const bool lonely = !is_wanted(x.labels[d], next) && !is_elsewhere(x.labels[d], x);
      if (lonely) axes.push_back(static_cast<std::int64_t>(d));
      if (!lonely) kept.push_back(x.labels[d]);
    }
    if (axes.empty() || operands_.size() == 2) return x;  // a product sums them, too
    return {builder_.reshape(emit_reduce(builder_, ReduceFn::kSum, x.id, axes), shape_of(kept)),
            kept};
  }

  // Labels by what a product makes of them.
  struct Roles {
    Labels batch, left, right, summed;
  };
  [[nodiscard]] Roles roles_of(const Operand& a, const Operand& b, std::size_t next) const {
    Roles roles;
    for (const Label label : a.labels) {
      const bool wanted = is_wanted(label, next);
      const bool shared = has(b.labels, label);
      Labels& to = shared ? (wanted ? roles.batch : roles.summed) : roles.left;
      to.push_back(label);
    }
    for (const Label label : b.labels) {
      if (!has(a.labels, label)) roles.right.push_back(label);
    }
    return roles;
  }

  // The labels as the matrices' dimensions, or nothing of them where a product has none.
  ValueId arranged(const Operand& x, const std::array<Labels, 3>& parts, bool batched) {
    Labels all;
    Shape shape;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      all.insert(all.end(), parts[i].begin(), parts[i].end());
      if (i > 0 || batched) shape.push_back(count_of(parts[i]));
    }
    return builder_.reshape(builder_.transpose(x.id, order(x.labels, all)), shape);
  }

  Operand product(const Operand& a, const Operand& b, std::size_t next) {
    const Roles roles = roles_of(a, b, next);
    const bool batched = !roles.batch.empty();
    const ValueId x = arranged(a, {roles.batch, roles.left, roles.summed}, batched);
    const ValueId w = arranged(b, {roles.batch, roles.summed, roles.right}, batched);
    Shape shape = builder_.value(x).shape;
    shape.back() = count_of(roles.right);
    Operand y;
    for (const Labels* part : {&roles.batch, &roles.left, &roles.right})
      y.labels.insert(y.labels.end(), part->begin(), part->end());
    const ValueId sums =
        builder_.emit(OpKind::kMatmul, {x, w}, DType::kFloat32, shape, MatmulAttrs{});
    y.id = builder_.reshape(sums, shape_of(y.labels));
    return unwanted_summed(y, next);
  }

  Operand unwanted_summed(const Operand& x, std::size_t next) {
    std::vector<std::int64_t> axes;
    Labels kept;
    for (std::size_t d = 0; d < x.labels.size(); ++d) {
      const bool wanted = is_wanted(x.labels[d], next);
      if (!wanted) axes.push_back(static_cast<std::int64_t>(d));
      if (wanted) kept.push_back(x.labels[d]);
    }
    if (axes.empty()) return x;
    return {builder_.reshape(emit_reduce(builder_, ReduceFn::kSum, x.id, axes), shape_of(kept)),
            kept};
  }

  OnnxNode& node_;
  GraphBuilder& builder_;
  std::vector<Operand> operands_;
  std::map<Label, std::int64_t> extent_;
  Labels result_;
};

}  // namespace

void rewrite_einsum(OnnxNode& node) {
  node.require(node.input_count() >= 1, "no inputs", "one or more");
  node.result(Contraction(node).run());
}

}  // namespace systole::compiler
