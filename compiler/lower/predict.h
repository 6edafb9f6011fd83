// Prediction: how many cycles a program will take, layer by layer, before it is simulated.
//
// A clock for each unit, advanced in order of time: an instruction starts when it has been
// delivered and decoded, its unit is free, its syncs are met and what it needs has arrived, and
// takes the time of docs/machine.md's rules. Buffer ports and the host link are shared in chunks;
// weight memory is a rate between refreshes, without banks. tests/compiler/lower/predict_test.cc
// holds it against the simulation.
#pragma once

#include <vector>

#include "compiler/lower/explanation.h"
#include "isa/program.h"

namespace systole::compiler {

// By layer of the program. Of a repeat's repetitions four and eight are looked at, and the others
// taken to be like the last four.
[[nodiscard]] std::vector<LayerPrediction> predict(const isa::Program& program);
// The same for this code, without repeats, in place of the program's.
using Code = std::vector<isa::Insn>;
[[nodiscard]] std::vector<LayerPrediction> predict_code(const isa::Program& program, Code code);

}  // namespace systole::compiler
