// Quantisation of an ONNX file that is read already; load.h has the form for files by name.
#pragma once

#include "compiler/frontend/load.h"
#include "compiler/frontend/onnx_file.h"

namespace systole::compiler {

// As quantize_model.
[[nodiscard]] std::vector<std::uint8_t> quantize_onnx(OnnxFile file, const Tensor& samples,
                                                      const QuantizeOptions& options);

}  // namespace systole::compiler
