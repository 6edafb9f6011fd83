// Vector bench: runs one instruction on bytes in the unified buffer, on both engines.
//
// The input tensor fills the buffer from row 0 on, the instruction runs between two interrupts, and
// the whole buffer comes back. The program passes the verifier.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <vector>

#include "isa/precisions.h"
#include "sim/run.h"
#include "tests/support/random_choice.h"

namespace systole::sim {

class VectorBench {
 public:
  // Buffer of `rows` rows of `row_bytes` bytes; an array of 8 x `columns`.
  VectorBench(std::int64_t rows, std::int64_t row_bytes, std::int64_t columns = 8) : rows_(rows) {
    isa::Machine& m = program_.machine;
    m.array_rows = 8;
    m.array_columns = columns;
    m.accumulators_rows = 64;
    m.parameters_rows = 256;
    m.unified_buffer_row_bytes = row_bytes;
    m.unified_buffer_bytes = rows * row_bytes;
    m.dram_bytes = 1024;
    program_.model = "bench";
    program_.layers = {{"(none)", "", 0, 0}};
    buffer.resize(static_cast<std::size_t>(rows * row_bytes));
    for (std::int64_t i = 0; i < isa::tile_bytes(m); ++i) {
      program_.weights.push_back(static_cast<std::uint8_t>(37 * i + 11));
    }
    program_.weight_bytes = isa::tile_bytes(m);
  }

  std::vector<std::uint8_t> buffer;  // what the unified buffer holds at first
  std::vector<std::int32_t> params;  // parameter memory from row 0 on; the last row ends with 0s

  void randomise(RandomChoice& random) {
    for (std::uint8_t& byte : buffer) byte = random.byte();
  }
  void set(isa::Unit unit, std::int64_t index, std::int32_t value) {
    sets_.emplace_back(isa::Set{static_cast<std::int64_t>(unit), index, value});
  }
  void set(isa::Unit unit, std::int64_t index, float value) {
    set(unit, index, std::bit_cast<std::int32_t>(value));
  }

  // The buffer after `code`, the same on both engines.
  std::vector<std::uint8_t> run(const std::vector<isa::Insn>& code) {
    isa::Program p = program_;
    const isa::Machine& m = p.machine;
    params.resize(params.size() + static_cast<std::size_t>(m.c()) - 1);
    const std::int64_t param_rows = std::ssize(params) / m.c();
    const std::int64_t param_bytes = param_rows * m.param_row_bytes();
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(params.data());
    p.constants.assign(bytes, bytes + param_bytes);
    const std::int64_t x = param_bytes, size = std::ssize(buffer), y = x + size;
    p.tensors = {{"x", DType::kUint8, {size}, isa::Role::kInput, x},
                 {"y", DType::kUint8, {size}, isa::Role::kOutput, y}};
    p.host_bytes = y + size;
    const std::int64_t width = m.unified_buffer_row_bytes;
    if (param_rows > 0) p.code.emplace_back(isa::ReadParams{0, 0, param_rows});
    p.code.emplace_back(isa::ReadHost{x, width, 0, 0, rows_, width});
    p.code.emplace_back(isa::Interrupt{1});
    p.code.insert(p.code.end(), sets_.begin(), sets_.end());
    p.code.insert(p.code.end(), code.begin(), code.end());
    p.code.emplace_back(isa::Interrupt{2});
    p.code.emplace_back(isa::WriteHost{y, width, 0, 0, rows_, width});
    p.code.emplace_back(isa::Halt{});
    Tensor input(DType::kUint8, {size});
    input.data = buffer;
    const auto on = [&](Engine engine) {
      RunOptions options;
      options.engine = engine;
      return sim::run(p, m, {{"x", input}}, options);
    };
    const RunResult func = on(Engine::kFunc), cycle = on(Engine::kCycle);
    EXPECT_TRUE(func.outputs.at("y").data == cycle.outputs.at("y").data) << "engines differ";
    EXPECT_EQ(func.report.total.ub_read, cycle.report.total.ub_read);
    EXPECT_EQ(func.report.total.ub_written, cycle.report.total.ub_written);
    total = cycle.report.total;
    return cycle.outputs.at("y").data;
  }

  [[nodiscard]] const isa::Machine& machine() const { return program_.machine; }
  Counters total;  // of the latest run

 private:
  std::int64_t rows_;
  isa::Program program_;
  std::vector<isa::Insn> sets_;
};

// Element i of `bytes` from byte `at` on.
template <typename T>
T element(const std::vector<std::uint8_t>& bytes, std::int64_t at, std::int64_t i = 0) {
  T value;
  std::memcpy(&value, bytes.data() + at + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}
template <typename T>
void put(std::vector<std::uint8_t>& bytes, std::int64_t at, std::int64_t i, T value) {
  std::memcpy(bytes.data() + at + i * static_cast<std::int64_t>(sizeof(T)), &value, sizeof(T));
}

}  // namespace systole::sim
