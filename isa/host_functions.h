// Functions that the host alone has: the rows of host_functions.def. Each has one body, for the
// reference evaluator and for the machine's host alike, as no form on the device could differ from
// it; tests hold the bodies against the operators' references.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.h"

namespace systole::isa {

enum class HostFn : std::uint8_t {
#define SYSTOLE_HOST_FN(name, ...) name,
#include "isa/host_functions.def"
};

// A function with its attributes.
struct HostFunction {
  HostFn fn = HostFn::kTopK;
  std::vector<std::int64_t> numbers = {};
  std::vector<float> reals = {};
};

struct TensorKind {
  DType type = DType::kFloat32;
  Shape shape;
};

// The attributes and inputs that each row asks for.
struct HostFnRow {
  std::string_view name;
  std::size_t least, most, numbers, reals;
};
[[nodiscard]] const HostFnRow& host_fn_row(HostFn fn);

// What does not fit together, if anything does not: attributes, element types, shapes.
[[nodiscard]] std::optional<std::string> fault_of(const HostFunction& function,
                                                  const std::vector<TensorKind>& inputs,
                                                  const TensorKind& result);

// The result, of this kind, of inputs that fit. Throws InputError naming `where` for an index
// outside of its dimension and for more results than there is room for.
[[nodiscard]] Tensor compute(const HostFunction& function, const std::vector<const Tensor*>& inputs,
                             const TensorKind& result, const std::string& where);

}  // namespace systole::isa
