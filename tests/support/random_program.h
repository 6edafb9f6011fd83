// Random programs: valid, free of races, with host steps, repeats and every implemented
// instruction.
//
// Each belongs to a small random machine and comes with its inputs. Operands are drawn from what
// has been written so far, so that no row is read before it holds something; RandomSync adds the
// waits.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/tensor.h"
#include "isa/machine.h"
#include "isa/program.h"

namespace systole {

struct RandomCase {
  isa::Machine machine;
  isa::Program program;
  std::map<std::string, Tensor> inputs;
};

// What a random machine has.
enum class Width {
  kOne,     // one unit of each kind, a memory for weights alone
  kMany,    // up to three matrix units (T11) and a memory that is loaded and stored (T12)
  kFloats,  // the same, and bf16 beside integers or alone
};

// The case of this seed; `length` is about how many units' instructions it has.
[[nodiscard]] RandomCase random_case(std::uint64_t seed, std::int64_t length = 40,
                                     Width width = Width::kOne);

}  // namespace systole
