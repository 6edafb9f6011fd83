// A pair of the record: a model compiled for a machine, by a name that says all of it.
//
// "MODEL [batch N] [divisor N] [batches N] [schedule NAME] [timing] on MACHINE". MODEL is an
// inline shape, a network of `systole models` (divisor: of its widths), cases/NAME of
// tests/conformance, models/NAME or scalesim/NAME; MACHINE as --machine takes it. timing: no values
// are computed.
#pragma once

#include <map>
#include <string>

#include "base/tensor.h"
#include "isa/program.h"

namespace systole::golden {

struct Pair {
  isa::Program program;
  std::map<std::string, Tensor> inputs;  // none with timing
  bool timing = false;
};

// Float products get quantisations that no calibration chose: fixed ones, so that no sum of floats
// enters the record. Steps of the host that call the mathematical library are not compared: what
// they read becomes an output, what they write no output.
[[nodiscard]] Pair make_pair(const std::string& name);

}  // namespace systole::golden
