// Calibration: a float model and files of samples make a quantised model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "compiler/load.h"
#include "compiler/quantize/quantize.h"

namespace systole::cli {

inline constexpr std::int64_t kDefaultSamples = 512;

struct QuantisedModel {
  std::vector<std::uint8_t> bytes;  // an ONNX file
  std::int64_t rows = 0;            // samples it was calibrated with
};

// `model` quantised with the ranges its tensors take over `[NAME=]DATA`, one for each input: the
// first `samples` rows of a tensor file (of the input's type; for a float one also bytes, taken as
// x / 255), or as many random ones where it is `random[:SEED]` or not given. Throws InputError: the
// data do not fit the model.
[[nodiscard]] QuantisedModel quantised_model(const std::string& model,
                                             const std::vector<std::string>& data,
                                             std::int64_t samples,
                                             const compiler::LoadOptions& options,
                                             const compiler::QuantizeOptions& how = {});

// --calibrate, once for each input.
void add_calibrate_option(Command app, std::vector<std::string>& data);

// What --calibration says: "minmax" or "percentile:99.9". Throws InputError for anything else.
[[nodiscard]] compiler::QuantizeOptions calibration_named(const std::string& text);

// The same, loaded as a graph.
[[nodiscard]] compiler::Graph load_quantised(const std::string& model,
                                             const std::vector<std::string>& data,
                                             const compiler::LoadOptions& options);

}  // namespace systole::cli
