// What a model must be before it is quantised: float32, and of an opset with per-axis
// QuantizeLinear.
#pragma once

#include "compiler/frontend/onnx_file.h"
#include "compiler/frontend/quantize_ranges.h"

namespace systole::compiler {

// Throws InputError if the model is quantised already or is not a float32 model.
void check_float_model(const OnnxFile& file);

// Raises opsets below 13 to 13 and IR versions below 4 to 7 (opset 13's), rewriting the operators
// whose meaning changed in between: Softmax and Dropout. Throws InputError where that is
// impossible.
void upgrade_opset(OnnxFile& file, const FloatModel& model);

}  // namespace systole::compiler
