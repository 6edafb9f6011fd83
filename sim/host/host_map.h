// Host operations of one element: the loops.
#pragma once

#include "base/diag.h"
#include "sim/host/host_call.h"

namespace systole::sim::host {

template <typename T, typename Function>
void map_elements(const Call& call, Function function) {
  const std::int64_t count = element_count(call.in().shape);
  for (std::int64_t i = 0; i < count; ++i)
    store(call.output.data, i, function(load<T>(call.inputs[0].data, i)));
}

// Of float32 alone, with `reals` numbers in the step.
template <typename Function>
void map_floats(const Call& call, std::size_t reals, Function function) {
  require_same_shape(call);
  require_one_type(call);
  require(call.in().type == DType::kFloat32, call,
          fmt::format("element type {}", dtype_name(call.in().type)), "float32");
  require(call.step.reals.size() == reals, call, fmt::format("{} numbers", call.step.reals.size()),
          fmt::format("{}", reals));
  map_elements<float>(call, function);
}

}  // namespace systole::sim::host
