// What the files of the host's functions share: a call with its inputs, and one body a row.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "isa/host_functions.h"

namespace systole::isa {

struct Call {
  const HostFunction& f;
  const std::vector<const Tensor*>& inputs;
  const std::string& where;

  [[nodiscard]] const Tensor& in(std::size_t i) const { return *inputs.at(i); }
  [[nodiscard]] const Tensor& x() const { return in(0); }
  [[nodiscard]] std::size_t axis() const { return static_cast<std::size_t>(f.numbers.at(0)); }
  // An index from the start; throws InputError unless it is in [-extent, extent).
  [[nodiscard]] std::int64_t place(std::int64_t index, std::int64_t extent) const;
  // `found`; throws InputError unless there are as many places.
  [[nodiscard]] std::int64_t room(std::int64_t found, std::int64_t places) const;
};

// Product of the dimensions [first, end).
[[nodiscard]] std::int64_t count_of(const Shape& shape, std::size_t first, std::size_t end);

// A tensor as lines along a dimension: `outer` * `inner` of `count` elements, `inner` apart.
struct Lines {
  std::int64_t outer, count, inner;
  [[nodiscard]] std::int64_t start(std::int64_t line) const {
    return line / inner * count * inner + line % inner;
  }
};
[[nodiscard]] Lines lines_of(const Shape& shape, std::size_t axis);

// The elements as int64; floats are cut.
[[nodiscard]] std::vector<std::int64_t> indices_of(const Tensor& t);

// Calls visit(span of elements), whatever their type is.
template <typename AnyTensor, typename Visit>
void with_numbers(AnyTensor& t, Visit visit) {
  switch (t.type) {
#define SYSTOLE_DTYPE(name, text, bytes, onnx, type) \
  case DType::name:                                  \
    return visit(t.template as<type>());
#include "base/dtype.def"
  }
}

void top_k(const Call& call, Tensor& y);
void gather(const Call& call, Tensor& y);
void gather_elements(const Call& call, Tensor& y);
void gather_nd(const Call& call, Tensor& y);
void scatter_elements(const Call& call, Tensor& y);
void scatter_nd(const Call& call, Tensor& y);
void one_hot(const Call& call, Tensor& y);
void cum_sum(const Call& call, Tensor& y);
void det(const Call& call, Tensor& y);
void reverse_sequence(const Call& call, Tensor& y);
void non_zero(const Call& call, Tensor& y);
void unique(const Call& call, Tensor& y);
void non_max_suppression(const Call& call, Tensor& y);
void matmul_integer(const Call& call, Tensor& y);

}  // namespace systole::isa
