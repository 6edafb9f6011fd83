// Host operations of whole tensors (isa/host_functions.def): the bodies are isa's, as nothing else
// computes them; here their operands are checked and copied, since they lie at any byte address.
#include "isa/host_functions.h"

#include <algorithm>
#include <cstring>

#include "sim/host/host_call.h"

namespace systole::sim::host {
namespace {

Tensor copied(const Operand& operand) {
  Tensor t(operand.tensor->type, operand.tensor->shape);
  std::memcpy(t.data.data(), operand.data, t.data.size());
  return t;
}

void run_function(const Call& call, isa::HostFn fn) {
  const isa::HostFunction function{fn, call.step.numbers, call.step.reals};
  std::vector<isa::TensorKind> kinds;
  for (const Operand& input : call.inputs)
    kinds.push_back({input.tensor->type, input.tensor->shape});
  const isa::TensorKind result{call.out().type, call.out().shape};
  const std::optional<std::string> fault = isa::fault_of(function, kinds, result);
  if (fault) require(false, call, "its operands do not fit", *fault);
  std::vector<Tensor> inputs;
  std::ranges::transform(call.inputs, std::back_inserter(inputs), copied);
  std::vector<const Tensor*> pointers;
  for (const Tensor& t : inputs) pointers.push_back(&t);
  const Tensor y =
      isa::compute(function, pointers, result, fmt::format("host step '{}'", call.step.name));
  std::memcpy(call.output.data, y.data.data(), y.data.size());
}

}  // namespace

#define SYSTOLE_HOST_FN(name, ...)                  \
  template <>                                       \
  void apply<isa::HostOp::name>(const Call& call) { \
    run_function(call, isa::HostFn::name);          \
  }
#include "isa/host_functions.def"

}  // namespace systole::sim::host
