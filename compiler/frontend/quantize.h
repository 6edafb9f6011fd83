// Quantisation of an ONNX file that is read already; load.h has the form for files by name.
#pragma once

#include "compiler/frontend/load.h"
#include "compiler/frontend/onnx_file.h"
#include "compiler/frontend/quantize_ranges.h"

namespace systole::compiler {

// As quantize_model.
[[nodiscard]] std::vector<std::uint8_t> quantize_onnx(OnnxFile file, const Tensor& samples,
                                                      const QuantizeOptions& options);
// The same of any number of inputs; `load` gives open dimensions (a batch is not used).
[[nodiscard]] std::vector<std::uint8_t> quantize_onnx(OnnxFile file, const CalibrationData& data,
                                                      const LoadOptions& load,
                                                      const QuantizeOptions& options);

}  // namespace systole::compiler
