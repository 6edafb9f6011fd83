// Hand-written scripts: passes on fresh tiles, all of it there from cycle 0.
#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "rtl/cosim.h"

namespace systole::rtl {

inline std::string name_of(const ModelInfo& model) {
  return fmt::format("{}x{}_{}{}", model.rows, model.columns, load_name(model.load),
                     model.faults ? "_faults" : "");
}
inline std::string model_name(const testing::TestParamInfo<ModelInfo>& test) {
  return name_of(test.param);
}

// The models of models.def without fault points.
inline std::vector<ModelInfo> plain_models() {
  std::vector<ModelInfo> found;
  for (const ModelInfo& model : models()) {
    if (!model.faults) found.push_back(model);
  }
  return found;
}

inline isa::Machine script_machine(const ModelInfo& model) {
  isa::Machine m;
  m.array_rows = model.rows;
  m.array_columns = model.columns;
  m.array_weight_load = model.load;
  m.sequencer_delivery = isa::Delivery::kPreloaded;
  m.dram_kind = isa::DramKind::kSimple;
  m.unified_buffer_row_bytes = model.rows;
  return m;
}

// `folds` passes of `rows` rows, each with a tile of its own. The bytes are distinct from row to
// row and never 0, so that a value out of place is a wrong value.
struct Folds {
  Folds(const ModelInfo& model, std::int64_t folds, std::int64_t rows)
      : buffer(DType::kUint8, {rows, model.rows}),
        weights(static_cast<std::size_t>(folds * model.rows * model.columns)) {
    for (std::size_t i = 0; i < buffer.data.size(); ++i) {
      buffer.data[i] = static_cast<std::uint8_t>(1 + 37 * i % 251);
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] = static_cast<std::uint8_t>(1 + 61 * i % 241);
    }
    script.machine = script_machine(model);
    script.buffer = &buffer;
    for (std::int64_t f = 0; f < folds; ++f) {
      const std::int64_t tile = f * model.rows * model.columns;
      script.tiles.push_back({CyclePoint(0),
                              weights.data() + tile,
                              isa::ReadWeights{tile, model.rows, model.columns, 0, 0, 0},
                              {}});
      isa::Matmul pass;
      pass.acc = f * rows % kAccumulatorRows;
      pass.rows = rows;
      pass.k = model.rows;
      pass.n = model.columns;
      pass.switch_tile = 1;
      script.passes.push_back({CyclePoint(0), pass});
    }
  }

  Tensor buffer;
  std::vector<std::uint8_t> weights;
  Script script;
};

}  // namespace systole::rtl
