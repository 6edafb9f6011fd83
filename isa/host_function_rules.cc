// Which inputs, attributes and results of the host's functions fit together.
#include <algorithm>

#include "isa/host_functions.h"

namespace systole::isa {
namespace {

struct Fault {
  std::string text;
};

void demand(bool holds, std::string_view rule) {
  if (!holds) throw Fault{std::string(rule)};
}

bool is_index(DType type) { return type == DType::kInt64 || type == DType::kInt32; }
bool is_byte(DType type) { return type == DType::kUint8 || type == DType::kInt8; }

Shape part(const Shape& shape, std::size_t first, std::size_t end) {
  return {shape.begin() + static_cast<std::ptrdiff_t>(first),
          shape.begin() + static_cast<std::ptrdiff_t>(end)};
}
Shape joined(Shape a, const Shape& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class Rules {
 public:
  Rules(const HostFunction& f, const std::vector<TensorKind>& inputs, const TensorKind& result)
      : f_(f), in_(inputs), out_(result), x_(inputs.at(0).shape) {}

  void check() const {
    switch (f_.fn) {
      case HostFn::kTopK:
        return top_k();
      case HostFn::kGather:
        return gather();
      case HostFn::kGatherElements:
        return gather_elements();
      case HostFn::kGatherNd:
        return gather_nd();
      case HostFn::kScatterElements:
        return scatter_elements();
      case HostFn::kScatterNd:
        return scatter_nd();
      case HostFn::kOneHot:
        return one_hot();
      case HostFn::kCumSum:
        flag(1), flag(2);
        static_cast<void>(axis(0, x_.size()));
        return demand(alike(in_[0]) && in_[0].type != DType::kBool, "numbers to numbers");
      case HostFn::kDet:
        return det();
      case HostFn::kReverseSequence:
        return reverse_sequence();
      case HostFn::kNonZero:
        return demand(!x_.empty() && out_.type == DType::kInt64 && out_.shape.size() == 2 &&
                          out_.shape[0] == std::ssize(x_),
                      "int64 [dimensions, n]");
      case HostFn::kUnique:
        return unique();
      case HostFn::kNonMaxSuppression:
        return non_max_suppression();
      case HostFn::kMatmulInteger:
        return matmul_integer();
    }
  }

 private:
  [[nodiscard]] bool alike(const TensorKind& kind) const {
    return kind.type == out_.type && kind.shape == out_.shape;
  }
  [[nodiscard]] std::size_t axis(std::size_t number, std::size_t rank) const {
    const std::int64_t a = f_.numbers.at(number);
    demand(a >= 0 && a < static_cast<std::int64_t>(rank), "a dimension");
    return static_cast<std::size_t>(a);
  }
  void flag(std::size_t number) const {
    demand(f_.numbers.at(number) == 0 || f_.numbers.at(number) == 1, "0 or 1");
  }
  void indices() const { demand(is_index(in_[1].type), "indices of int32 or int64"); }

  void top_k() const {
    const std::size_t a = axis(0, x_.size());
    flag(1), flag(2);
    demand(out_.shape.size() == x_.size() && out_.shape[a] <= x_[a], "as many as there are");
    Shape kept = x_;
    kept[a] = out_.shape[a];
    demand(out_.shape == kept && out_.type == DType::kInt64, "int64, of the other dimensions");
  }

  void gather() const {
    const std::size_t a = axis(0, x_.size());
    indices();
    const Shape shape = joined(joined(part(x_, 0, a), in_[1].shape), part(x_, a + 1, x_.size()));
    demand(out_.shape == shape && out_.type == in_[0].type, "x's slices");
  }

  // Whether each index has a place in x, whatever it says of dimension `a`.
  void inside(std::size_t a) const {
    const Shape& at = in_[1].shape;
    demand(at.size() == x_.size(), "indices of as many dimensions");
    for (std::size_t d = 0; d < at.size(); ++d)
      demand(d == a || at[d] <= x_[d], "indices in x's dimensions");
  }

  void gather_elements() const {
    inside(axis(0, x_.size()));
    indices();
    demand(out_.shape == in_[1].shape && out_.type == in_[0].type, "an element for each index");
  }

  // What tuples of indices, behind `shared` dimensions, pick from x: their places, then its slices.
  [[nodiscard]] Shape picked(std::size_t shared) const {
    const Shape& at = in_[1].shape;
    demand(!at.empty() && shared < at.size() && shared <= x_.size(), "tuples of indices");
    const std::int64_t length = at.back();
    demand(length >= 0 && length <= static_cast<std::int64_t>(x_.size() - shared),
           "tuples no longer than x has dimensions");
    demand(part(at, 0, shared) == part(x_, 0, shared), "dimensions that both share");
    return joined(part(at, 0, at.size() - 1),
                  part(x_, shared + static_cast<std::size_t>(length), x_.size()));
  }

  void gather_nd() const {
    indices();
    demand(f_.numbers[0] >= 0 && f_.numbers[0] <= std::ssize(x_), "shared dimensions");
    demand(out_.shape == picked(static_cast<std::size_t>(f_.numbers[0])), "x's slices");
    demand(out_.type == in_[0].type, "one element type");
  }

  void reduction(std::size_t number) const {
    demand(f_.numbers.at(number) >= 0 && f_.numbers.at(number) <= 4, "a reduction of 0 to 4");
    demand(f_.numbers.at(number) == 0 || in_[0].type != DType::kBool, "numbers to reduce");
    demand(alike(in_[0]) && in_[2].type == in_[0].type, "a result like x, updates of its type");
  }

  void scatter_elements() const {
    inside(axis(0, x_.size()));
    indices();
    reduction(1);
    demand(in_[2].shape == in_[1].shape, "an update for each index");
  }

  void scatter_nd() const {
    indices();
    reduction(0);
    demand(in_[2].shape == picked(0), "updates like what they replace");
  }

  void one_hot() const {
    const std::size_t a = axis(0, x_.size() + 1);
    demand(in_[0].type != DType::kBool, "numbers as indices");
    demand(in_[1].shape == Shape{2} && in_[1].type == out_.type, "two values of the result's type");
    Shape shape = out_.shape;
    demand(shape.size() == x_.size() + 1, "one dimension more");
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(a));
    demand(shape == x_, "the indices' dimensions");
  }

  void det() const {
    const std::size_t rank = x_.size();
    demand(rank >= 2 && x_[rank - 1] == x_[rank - 2], "[..., n, n]");
    demand(out_.shape == part(x_, 0, rank - 2), "one number a matrix");
    demand(in_[0].type == DType::kFloat32 && out_.type == DType::kFloat32, "float32");
  }

  void reverse_sequence() const {
    const std::size_t batch = axis(0, x_.size());
    demand(axis(1, x_.size()) != batch, "two dimensions");
    indices();
    demand(in_[1].shape == Shape{x_[batch]}, "a length for each of the batch");
    demand(alike(in_[0]), "a result like x");
  }

  void unique() const {
    const bool flat = f_.numbers[0] == -1;
    flag(1);
    demand(f_.numbers[2] >= 0 && f_.numbers[2] <= 3, "a part of 0 to 3");
    const std::size_t a = flat ? 0 : axis(0, x_.size());
    if (f_.numbers[2] > 0) {
      demand(out_.type == DType::kInt64 && out_.shape.size() == 1, "a list of int64");
      const std::int64_t all = flat ? element_count(x_) : x_[a];
      return demand(f_.numbers[2] != 2 || out_.shape[0] == all, "a number for each");
    }
    demand(out_.type == in_[0].type, "one element type");
    if (flat) return demand(out_.shape.size() == 1, "a list");
    Shape shape = x_;
    demand(out_.shape.size() == x_.size(), "as many dimensions");
    shape[a] = out_.shape[a];
    demand(out_.shape == shape, "slices of x");
  }

  void non_max_suppression() const {
    flag(0);
    demand(f_.numbers[1] >= 0, "a number of boxes");
    const Shape& scores = in_[1].shape;
    demand(x_.size() == 3 && x_[2] == 4 && scores.size() == 3, "[N, B, 4] and [N, C, B]");
    demand(x_[0] == scores[0] && x_[1] == scores[2], "scores of the boxes");
    demand(in_[0].type == DType::kFloat32 && in_[1].type == DType::kFloat32, "float32");
    demand(out_.type == DType::kInt64 && out_.shape.size() == 2 && out_.shape[1] == 3,
           "int64 [n, 3]");
  }

  void leading_fits(const Shape& shape) const {
    const std::size_t missing = out_.shape.size() - shape.size();
    for (std::size_t d = 0; d + 2 < shape.size(); ++d)
      demand(shape[d] == 1 || shape[d] == out_.shape[d + missing], "leading dimensions");
  }

  void matmul_integer() const {
    const Shape& b = in_[1].shape;
    const std::size_t rank = out_.shape.size();
    demand(x_.size() >= 2 && b.size() >= 2 && rank == std::max(x_.size(), b.size()), "matrices");
    demand(x_.back() == b[b.size() - 2] && out_.shape[rank - 2] == x_[x_.size() - 2] &&
               out_.shape.back() == b.back(),
           "[..., M, K] times [..., K, N] to [..., M, N]");
    leading_fits(x_);
    leading_fits(b);
    demand(is_byte(in_[0].type) && is_byte(in_[1].type) && out_.type == DType::kInt32,
           "bytes to int32");
    for (const std::size_t i : {0UL, 1UL}) {
      const std::int64_t count = element_count(in_[2 + i].shape);
      demand(in_[2 + i].type == in_[i].type, "zero points of the operands' types");
      demand(count == 1 || count == out_.shape[rank - 2 + i], "zero points");
    }
  }

  const HostFunction& f_;
  const std::vector<TensorKind>& in_;
  const TensorKind& out_;
  const Shape& x_;
};

constexpr HostFnRow kFunctions[] = {
#define SYSTOLE_HOST_FN(name, text, least, most, numbers, reals, meaning) \
  {text, least, most, numbers, reals},
#include "isa/host_functions.def"
};

}  // namespace

const HostFnRow& host_fn_row(HostFn fn) { return kFunctions[static_cast<std::size_t>(fn)]; }

std::optional<std::string> fault_of(const HostFunction& function,
                                    const std::vector<TensorKind>& inputs,
                                    const TensorKind& result) {
  const HostFnRow& row = host_fn_row(function.fn);
  try {
    demand(inputs.size() >= row.least && inputs.size() <= row.most, "number of inputs");
    demand(function.numbers.size() == row.numbers && function.reals.size() == row.reals,
           "number of attributes");
    Rules(function, inputs, result).check();
  } catch (const Fault& fault) {
    return fault.text;
  }
  return std::nullopt;
}

}  // namespace systole::isa
