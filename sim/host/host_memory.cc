// Host: memory, inputs, outputs and stages; what each step computes is in host_ops.cc.
#include "sim/host/host_memory.h"

#include <algorithm>
#include <cstring>

#include "base/diag.h"
#include "sim/host/host_ops.h"

namespace systole::sim {
namespace {

std::string describe(DType type, const Shape& shape) {
  return fmt::format("{} {}", dtype_name(type), shape_text(shape));
}

void check_placement(const isa::Program& program) {
  if (program.host_bytes < static_cast<std::int64_t>(program.constants.size())) {
    throw InputError("program", fmt::format("host memory of {} bytes", program.host_bytes),
                     fmt::format("room for {} bytes of constants", program.constants.size()));
  }
  for (const isa::HostTensor& t : program.tensors) {
    const std::int64_t bytes = t.bytes();
    if (t.address >= 0 && bytes <= program.host_bytes && t.address <= program.host_bytes - bytes) {
      continue;
    }
    throw InputError(fmt::format("tensor '{}'", t.name),
                     fmt::format("{} bytes at host address {}", bytes, t.address),
                     fmt::format("a place within {} bytes", program.host_bytes));
  }
}

Bytes bytes_moved(const isa::Program& program, const isa::HostStep& step) {
  Bytes sum;
  for (const auto* list : {&step.inputs, &step.outputs}) {
    for (const std::int64_t i : *list) {
      sum += Bytes(program.tensors.at(static_cast<std::size_t>(i)).bytes());
    }
  }
  return sum;
}

}  // namespace

double host_price(const isa::Machine& machine, Bytes bytes) {
  return static_cast<double>(machine.host_call_nanoseconds) * 1e-9 +
         static_cast<double>(bytes.value) / static_cast<double>(machine.host_bytes_per_second);
}

HostMemory::HostMemory(const isa::Program& program, bool values)
    : program_(program), values_(values) {
  check_placement(program);
  if (!values) return;
  if (!program.has_values) {
    throw InputError("program", "was compiled for timing only and holds no weights",
                     "a program with values, or --timing-only");
  }
  size_ = static_cast<std::size_t>(program.host_bytes);
  bytes_.reset(static_cast<std::uint8_t*>(std::calloc(std::max<std::size_t>(size_, 1), 1)));
  if (!bytes_) {
    throw InputError("program", fmt::format("needs {} bytes of host memory", size_),
                     "no more than this computer has");
  }
  std::copy(program.constants.begin(), program.constants.end(), bytes_.get());
}

void HostMemory::load_inputs(const std::map<std::string, Tensor>& inputs) {
  if (!values_) return;
  std::string known;
  std::size_t used = 0;
  for (const isa::HostTensor& t : program_.tensors) {
    if (t.role != isa::Role::kInput) continue;
    known += (known.empty() ? "'" : ", '") + t.name + "'";
    const std::string where = fmt::format("input '{}'", t.name);
    const auto found = inputs.find(t.name);
    if (found == inputs.end()) throw InputError(where, "is missing", describe(t.type, t.shape));
    const Tensor& tensor = found->second;
    if (tensor.type != t.type || tensor.shape != t.shape) {
      throw InputError(where, "is " + describe(tensor.type, tensor.shape),
                       describe(t.type, t.shape));
    }
    SYSTOLE_CHECK(tensor.bytes() == t.bytes(), "{} bytes in '{}'", tensor.bytes(), t.name);
    std::copy(tensor.data.begin(), tensor.data.end(), bytes_.get() + t.address);
    ++used;
  }
  if (used == inputs.size()) return;
  for (const auto& [name, tensor] : inputs) {
    const auto is_it = [&name = name](const isa::HostTensor& t) {
      return t.role == isa::Role::kInput && t.name == name;
    };
    if (std::none_of(program_.tensors.begin(), program_.tensors.end(), is_it)) {
      throw InputError(fmt::format("input '{}'", name), "is not an input of the program", known);
    }
  }
}

void HostMemory::run_stage(std::int64_t stage, const isa::Machine& machine,
                           std::vector<HostReport>& report) {
  for (const isa::HostStep& step : program_.host_steps) {
    if (step.stage != stage) continue;
    if (values_) run_host_step(step, program_.tensors, bytes());
    const Bytes moved = bytes_moved(program_, step);
    report.push_back(
        {step.name, std::string(host_op_name(step.op)), host_price(machine, moved), moved});
  }
}

std::map<std::string, Tensor> HostMemory::outputs() const {
  std::map<std::string, Tensor> result;
  if (!values_) return result;
  for (const isa::HostTensor& t : program_.tensors) {
    if (t.role != isa::Role::kOutput) continue;
    Tensor tensor(t.type, t.shape);
    std::copy_n(bytes_.get() + t.address, tensor.data.size(), tensor.data.begin());
    result.emplace(t.name, std::move(tensor));
  }
  return result;
}

}  // namespace systole::sim
