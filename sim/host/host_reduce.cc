// Host operation `reduce`: the elements along some dimensions to one, by a row of
// isa/reductions.def. Sums, products and means are kept in float64.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/diag.h"
#include "sim/host/host_call.h"

namespace systole::sim::host {
namespace {

enum class Reduction : std::uint8_t {
#define SYSTOLE_REDUCTION(name, text) name,
#include "isa/reductions.def"
};

// Elements `stride` apart.
struct Line {
  const std::uint8_t* data = nullptr;
  std::int64_t first = 0, count = 0, stride = 1;
  [[nodiscard]] float at(std::int64_t i) const { return load<float>(data, first + i * stride); }
};

double sum(const Line& line) {
  double total = 0.0;
  for (std::int64_t i = 0; i < line.count; ++i) total += double{line.at(i)};
  return total;
}

double product_of(const Line& line) {
  double total = 1.0;
  for (std::int64_t i = 0; i < line.count; ++i) total *= double{line.at(i)};
  return total;
}

// The largest of `sign` times each element, times `sign`; NaN if there is one.
double extreme(const Line& line, double sign) {
  double best = -std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < line.count; ++i) {
    const double value = sign * double{line.at(i)};
    if (std::isnan(value)) return value;
    best = std::max(best, value);
  }
  return sign * best;
}

double reduced(Reduction how, const Line& line) {
  switch (how) {
    case Reduction::kSoftmax:
      break;  // an operation of its own
    case Reduction::kMean:
      return sum(line) / static_cast<double>(line.count);
    case Reduction::kSum:
      return sum(line);
    case Reduction::kProd:
      return product_of(line);
    case Reduction::kMax:
      return extreme(line, 1.0);
    case Reduction::kMin:
      return extreme(line, -1.0);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

template <>
void apply<isa::HostOp::kReduce>(const Call& call) {
  require(call.in().type == DType::kFloat32 && call.out().type == DType::kFloat32, call,
          "element types other than float32", "float32");
  const Shape& shape = call.in().shape;
  const auto rank = static_cast<std::int64_t>(shape.size());
  const std::vector<std::int64_t>& n = call.step.numbers;
  require(n.size() == 3 && n[0] >= 0 && n[0] <= n[1] && n[1] <= rank, call,
          "numbers " + shape_text(n), "first and end axis of the input, and a function");
  const auto how = static_cast<Reduction>(n[2]);
  require(how != Reduction::kSoftmax, call, "the function is softmax", "another, or its own step");
  const std::int64_t outer = product(shape, 0, n[0]);
  const std::int64_t count = product(shape, n[0], n[1]);
  const std::int64_t inner = product(shape, n[1], rank);
  require(element_count(call.out().shape) == outer * inner, call,
          fmt::format("{} to {}", shape_text(shape), shape_text(call.out().shape)),
          fmt::format("an output of {} elements", outer * inner));
  // A result that overwrites the input lies where no later line reads.
  for (std::int64_t o = 0; o < outer * inner; ++o) {
    const Line line{call.inputs[0].data, o / inner * count * inner + o % inner, count, inner};
    store(call.output.data, o, static_cast<float>(reduced(how, line)));
  }
}

}  // namespace systole::sim::host
