// Samples: a float model's file and, for each of its inputs, the rows it is calibrated with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/frontend/load_options.h"
#include "compiler/frontend/onnx_file.h"
#include "compiler/quantize/quantize_ranges.h"

namespace systole::cli {

struct Samples {
  compiler::OnnxFile file;
  compiler::LoadOptions options;
  compiler::CalibrationData data;
  std::int64_t rows = 0;
};
[[nodiscard]] Samples read_samples(const std::string& model, const std::vector<std::string>& data,
                                   std::int64_t samples, const compiler::LoadOptions& options);

}  // namespace systole::cli
