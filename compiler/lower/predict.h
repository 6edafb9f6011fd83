// Prediction: how many cycles a program will take, layer by layer, before it is simulated.
//
// One pass over the code with a clock for each unit: an instruction starts when its unit is free,
// its syncs are met and what it needs has arrived, and takes the time of docs/machine.md's rules.
// Ports are not arbitrated, instructions are there at once and memory runs at its sustained rate,
// so the result is an estimate: within 3 % for products (tests/compiler/predict_test.cc), lower
// than the simulation where the vector unit or the delivery of instructions matters.
#pragma once

#include <vector>

#include "compiler/explanation.h"
#include "isa/program.h"

namespace systole::compiler {

// By layer of the program.
[[nodiscard]] std::vector<LayerPrediction> predict(const isa::Program& program);

}  // namespace systole::compiler
