// What a user says about a model's open dimensions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/tensor.h"

namespace systole::compiler {

struct LoadOptions {
  std::optional<std::int64_t> batch;                 // --batch: the symbolic leading dimension
  std::map<std::string, std::int64_t> dims;          // --dim NAME=N
  std::map<std::string, Shape> shapes;               // --shape x=1x3x224x224
  std::map<std::string, std::vector<double>> binds;  // --bind NAME=VALUE: an input made a constant
  bool inline_floats = false;   // inline shapes as float models, not quantised ones
  bool structure_only = false;  // for timing alone: weights get no data where that saves work
};

}  // namespace systole::compiler
