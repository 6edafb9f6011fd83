// Random constants: parameter rows of every kind, and a table behind them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "isa/machine.h"
#include "isa/program.h"
#include "tests/support/random_choice.h"

namespace systole {

// What a parameter row holds, so that scales are used as scales.
enum class ParamKind : std::uint8_t { kBias, kScale, kZeroU8, kZeroS8 };
inline constexpr std::int64_t kParamKinds = 4;
inline constexpr std::int64_t kRowsPerKind = 3;

// kRowsPerKind rows of each kind, in the order of ParamKind, then table_rows() rows of a table.
[[nodiscard]] std::vector<std::uint8_t> random_constants(const isa::Machine& machine,
                                                         RandomChoice& random);

// Bytes that hold bfloat16 as programs meet them, and in places infinities, NaN, zeros and
// subnormals; some bytes stay what they were.
void random_floats(std::span<std::uint8_t> bytes, RandomChoice& random);

// A tensor for each of the program's inputs.
[[nodiscard]] std::map<std::string, Tensor> random_inputs(const isa::Program& program,
                                                          RandomChoice& random);

}  // namespace systole
