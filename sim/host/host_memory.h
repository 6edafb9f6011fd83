// Host: the flat memory a program and its host share, and the host steps the machine cannot do.
//
// The memory holds the program's constants at address 0 and its host tensors where the tensor table
// puts them; DMA instructions address the same bytes. A stage's steps run in order, each is one
// function per row of isa/host_ops.def, and each is priced by the machine's host.* parameters:
// a fixed cost a call plus the bytes read and written.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "isa/machine.h"
#include "isa/program.h"
#include "sim/kernel/report.h"

namespace systole::sim {

// Seconds of a step that reads and writes so many bytes.
[[nodiscard]] double host_price(const isa::Machine& machine, Bytes bytes);

class HostMemory {
 public:
  // Without `values` nothing is allocated and steps are only priced. The program must outlive this.
  // Throws InputError if values are asked of a program without them, a tensor lies outside host
  // memory, or the memory cannot be had.
  HostMemory(const isa::Program& program, bool values);

  // Copies each tensor of role kInput in. Throws InputError naming the tensor that is missing, not
  // the program's, or of another type or shape. Without values the inputs are ignored.
  void load_inputs(const std::map<std::string, Tensor>& inputs);

  // All program.host_bytes bytes; empty without values.
  [[nodiscard]] std::span<std::uint8_t> bytes() { return {bytes_.get(), size_}; }
  [[nodiscard]] bool has_values() const { return values_; }

  // Runs (with values) and prices the steps of one stage, in order; appends a HostReport for each.
  // Throws InputError if a step's tensors or attributes do not fit its operation.
  void run_stage(std::int64_t stage, const isa::Machine& machine, std::vector<HostReport>& report);

  // The tensors of role kOutput as they are now; empty without values.
  [[nodiscard]] std::map<std::string, Tensor> outputs() const;

 private:
  struct Free {
    void operator()(std::uint8_t* p) const { std::free(p); }
  };

  const isa::Program& program_;
  bool values_;
  std::size_t size_ = 0;
  std::unique_ptr<std::uint8_t, Free> bytes_;  // calloc: pages nobody touches cost nothing
};

}  // namespace systole::sim
