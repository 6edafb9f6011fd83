// Random quantised graphs for the lowering's tests: types, scales, machines, and the comparison of
// a compiled program with the reference evaluator.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "compiler/ir/graph.h"
#include "isa/machine.h"
#include "isa/program.h"
#include "sim/func/oracle.h"
#include "sim/host/host_memory.h"

namespace systole::compiler {

using Random = std::mt19937_64;

inline std::int64_t pick(Random& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
}

inline Tensor random_bytes(Random& random, DType type, const Shape& shape) {
  Tensor t(type, shape);
  for (std::uint8_t& byte : t.data) byte = static_cast<std::uint8_t>(random());
  return t;
}

inline Quant random_quant(Random& random, DType type, std::int64_t count) {
  Quant q;
  q.type = type;
  q.axis = count > 1 ? 1 : 0;
  const std::int64_t low = type == DType::kUint8 ? 0 : -128;
  for (std::int64_t i = 0; i < count; ++i) {
    q.scales.push_back(0.001F + static_cast<float>(random() % 1000) * 1e-5F);
    q.zero_points.push_back(static_cast<std::int32_t>(pick(random, low, low + 255)));
  }
  return q;
}

inline DType random_byte_type(Random& random) {
  return random() % 2 == 0 ? DType::kUint8 : DType::kInt8;
}

inline isa::Machine random_machine(Random& random) {
  isa::Machine m;
  m.name = "random";
  m.array_rows = pick(random, 2, 20);
  m.array_columns = random() % 2 == 0 ? m.array_rows : pick(random, 1, 20);
  m.unified_buffer_row_bytes = random() % 3 == 0 ? pick(random, 1, 40) : m.array_rows;
  m.unified_buffer_bytes = m.unified_buffer_row_bytes * pick(random, 600, 4000);
  m.accumulators_rows = pick(random, 2, 64);
  m.weight_fifo_tiles = pick(random, 1, 4);
  m.parameters_rows = pick(random, 60, 200);
  m.sequencer_queue = pick(random, 1, 16);
  return m;
}

// Runs the program, compiled from a graph of one byte input, on the oracle over all its batches;
// the first output must hold what the evaluator computes.
inline void expect_evaluators_bytes(const Graph& graph, const isa::Program& program,
                                    Random& random) {
  const Value& input = graph.value(graph.inputs[0]);
  Shape full = input.shape;
  full[0] *= program.batches;
  const Tensor x = random_bytes(random, input.type, full);
  sim::HostMemory memory(program, true);
  memory.load_inputs({{input.name, x}});
  sim::Counters counters;
  std::vector<sim::HostReport> host;
  sim::execute(program, program.machine, memory, counters, host);

  Tensor expected(graph.value(graph.outputs[0]).type, {0});
  for (std::int64_t b = 0; b < program.batches; ++b) {
    Tensor part(input.type, input.shape);
    std::copy_n(x.data.begin() + b * part.bytes(), part.bytes(), part.data.begin());
    const Tensor y = evaluate(graph, {part})[0];
    expected.data.insert(expected.data.end(), y.data.begin(), y.data.end());
  }
  ASSERT_EQ(memory.outputs().begin()->second.data, expected.data);
}

}  // namespace systole::compiler
