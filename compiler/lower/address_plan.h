// Address plan: what lies where in the memories that outlive a job, each byte handed out once.
//
// The device's memory and the host's are cut into areas; what is placed in an area lies behind all
// that was placed there before. (Rows of the unified buffer are taken and given back while a
// segment runs: segment.h.)
#pragma once

#include <cstdint>

#include "isa/program.h"

namespace systole::compiler {

enum class Area : std::uint8_t {
  kWeights,    // device memory from 0: tiles
  kConstants,  // host memory from 0: parameter rows, tables, operands that are known
  kTensors,    // host memory behind the constants: inputs, results, what crosses between segments
};

class AddressPlan {
 public:
  // Keeps the sizes of `program`'s memories and the room of its constants, which outlives this.
  explicit AddressPlan(isa::Program& program) : program_(program) {}

  // The address of `bytes` bytes, a multiple of `align` (a cache line's, where the host reads
  // whole tensors). The first tensor ends the constants.
  std::int64_t place(Area area, std::int64_t bytes, std::int64_t align = kLine);

  static constexpr std::int64_t kLine = 64;

 private:
  isa::Program& program_;
};

}  // namespace systole::compiler
