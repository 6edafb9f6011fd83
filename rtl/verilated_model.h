// Verilated model: MatrixModel over the class V that Verilator makes of matrix_unit.sv.
#pragma once

#include "rtl/matrix_model.h"

namespace systole::rtl {

template <typename V, int kRows, int kColumns>
class VerilatedModel : public MatrixModel {
 public:
  VerilatedModel() {
    Inputs inputs;
    inputs.reset = true;
    settle(inputs);
    clock();
  }

  const Outputs& settle(const Inputs& inputs) override {
    set_weights(inputs.weights);
    set_row(inputs.row);
    set_fault(inputs.fault);
    v_.reset = inputs.reset;
    v_.clk = 0;
    v_.eval();
    read_outputs();
    return outputs_;
  }

  void clock() override {
    v_.clk = 1;
    v_.eval();
  }

  std::vector<std::int32_t> accumulators(std::int64_t row) override {
    put(v_.read_address, row);
    v_.eval();
    std::vector<std::int32_t> sums(kColumns);
    for (int c = 0; c < kColumns; ++c) sums[c] = static_cast<std::int32_t>(v_.read_data[c]);
    return sums;
  }

 private:
  static constexpr std::int32_t kZeroMask = 0x1FFFF;  // 17 bits

  // Ports have the smallest unsigned type that holds their bits.
  template <typename Port, typename Value>
  static void put(Port& port, Value value) {
    port = static_cast<Port>(value);
  }

  void set_weights(const std::optional<WeightRow>& weights) {
    v_.weight_valid = weights.has_value();
    if (!weights) return;
    v_.weight_signed = weights->is_signed;
    put(v_.weight_rows, weights->rows);
    put(v_.weight_columns, weights->columns);
    for (std::size_t c = 0; c < kColumns; ++c) {
      v_.weight_data[c] = weights->data[c];
      put(v_.weight_zero[c], c < weights->zero.size() ? weights->zero[c] & kZeroMask : 0);
    }
  }

  void set_row(const std::optional<ActivationRow>& row) {
    v_.row_valid = row.has_value();
    v_.row_switch = row && row->switch_tile;
    if (!row) return;
    v_.row_wide = row->wide;
    v_.row_high = row->high;
    v_.row_accumulate = row->accumulate;
    put(v_.row_address, row->address);
    v_.row_signed = row->is_signed;
    put(v_.row_zero, row->zero & kZeroMask);
    put(v_.row_lanes, row->lanes);
    put(v_.row_columns, row->columns);
    for (std::int64_t r = 0; r < row->lanes; ++r) {
      put(v_.row_data[r],
          row->wide ? row->data[2 * r] | (row->data[2 * r + 1] << 8) : row->data[r]);
    }
  }

  // fault_t of matrix_types.sv, first member highest.
  void set_fault(const Fault& fault) {
    put(v_.fault, (static_cast<std::int64_t>(fault.site) << 26) | (fault.row << 16) |
                      (fault.column << 6) | (fault.delay ? 1 << 5 : 0) | fault.bit);
  }

  void read_outputs() {
    outputs_.shift_ready = v_.shift_ready;
    outputs_.switch_ready = v_.switch_ready;
    outputs_.weight_row = v_.weight_row;
    outputs_.error = v_.error;
    outputs_.writes.clear();
    for (int c = 0; c < kColumns; ++c) {
      if (!v_.write_valid[c]) continue;
      outputs_.writes.push_back(
          {c, v_.write_address[c], static_cast<std::int32_t>(v_.write_data[c])});
    }
  }

  V v_;
  Outputs outputs_;
};

}  // namespace systole::rtl
