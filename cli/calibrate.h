// Calibration: a float model and a file of samples make a quantised model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/frontend/load.h"

namespace systole::cli {

inline constexpr std::int64_t kDefaultSamples = 512;

struct QuantisedModel {
  std::vector<std::uint8_t> bytes;  // an ONNX file
  std::int64_t rows = 0;            // samples it was calibrated with
};

// `model` quantised with the ranges its tensors take over the first `samples` rows of
// the tensor file `data` (float32, or bytes taken as x / 255), or over as many random ones where it
// is `random[:SEED]`. Throws InputError: the model has
// several inputs, the data does not fit it.
[[nodiscard]] QuantisedModel quantised_model(const std::string& model, const std::string& data,
                                             std::int64_t samples,
                                             const compiler::LoadOptions& options,
                                             const compiler::QuantizeOptions& how = {});

// What --calibration says: "minmax" or "percentile:99.9". Throws InputError for anything else.
[[nodiscard]] compiler::QuantizeOptions calibration_named(const std::string& text);

// The same, loaded as a graph.
[[nodiscard]] compiler::Graph load_quantised(const std::string& model, const std::string& data,
                                             const compiler::LoadOptions& options);

}  // namespace systole::cli
