// Matrix model: the RTL matrix unit (matrix_unit.sv) behind one interface, whatever its size.
//
// A cycle is: set the inputs, settle() as often as inputs depend on outputs, clock().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "isa/machine.h"

namespace systole::rtl {

// A row of a weight tile on its way into the array.
struct WeightRow {
  const std::uint8_t* data = nullptr;  // C bytes
  std::span<const std::int32_t> zero;  // per column; empty: all 0
  bool is_signed = false;
  std::int64_t rows = 0, columns = 0;  // valid part of the tile
};

// A row of a pass, sent twice with 16-bit activations: low, then high bytes.
struct ActivationRow {
  const std::uint8_t* data = nullptr;  // bytes, or 16-bit values, little endian
  std::int64_t lanes = 0;              // valid ones
  bool wide = false, is_signed = false;
  std::int32_t zero = 0;
  std::int64_t columns = 0;  // how many write
  std::int64_t address = 0;  // accumulator row
  bool accumulate = false, switch_tile = false, high = false;
};

// Wires that a fault may strike; the values of site_t in matrix_types.sv.
enum class Site : std::uint8_t {
  kNowhere,
  kActivation,
  kSwitch,
  kWeight,
  kCapture,
  kSum,
  kAddress
};

// A fault of one cycle on the wire into PE(row, column): a cycle late, or one bit inverted.
struct Fault {
  Site site = Site::kNowhere;
  std::int64_t row = 0, column = 0;
  bool delay = false;
  int bit = 0;
};

struct Inputs {
  bool reset = false;
  std::optional<WeightRow> weights;
  std::optional<ActivationRow> row;
  Fault fault;
};

// What a column writes to its accumulator at the end of a cycle.
struct ColumnWrite {
  std::int64_t column, row;
  std::int32_t value;
};

struct Outputs {
  bool shift_ready = false, switch_ready = false;
  std::int64_t weight_row = 0;  // index of the tile's row that enters
  int error = 0;                // sticky bits, see matrix_unit.sv
  std::vector<ColumnWrite> writes;
};

class MatrixModel {
 public:
  virtual ~MatrixModel() = default;
  // The outputs of this cycle for these inputs, which stay until the next call.
  virtual const Outputs& settle(const Inputs& inputs) = 0;
  // Ends the cycle.
  virtual void clock() = 0;
  // An accumulator row, C sums; not the writes of the current cycle.
  virtual std::vector<std::int32_t> accumulators(std::int64_t row) = 0;
};

// "through", "chain" or "single".
[[nodiscard]] std::string_view load_name(isa::WeightLoad load);

// A row of models.def.
struct ModelInfo {
  std::int64_t rows, columns;
  isa::WeightLoad load;
  bool faults;  // Inputs::fault strikes; without, it is ignored
  std::unique_ptr<MatrixModel> (*make)();
};
inline constexpr std::int64_t kAccumulatorRows = 64;  // DEPTH of every model

// Empty in a build without Verilator (SYSTOLE_RTL off).
[[nodiscard]] std::span<const ModelInfo> models();

}  // namespace systole::rtl
