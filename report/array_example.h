// Array example: a small array at work, register by register, for a page that steps through it.
//
// x [6, 8] times w [8, 8] on 4 x 4 multipliers: four tiles, two for each half of the columns, each
// with a pass of six rows. The register engine runs it; what is kept is what its probe and its
// accumulators said, nothing is computed here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "isa/program.h"
#include "sim/kernel/accumulator_writes.h"
#include "sim/kernel/probe.h"

namespace systole::report {

struct ArrayExample {
  static constexpr std::int64_t kRows = 6, kInner = 8, kColumns = 8;  // of the product
  static constexpr std::int64_t kSide = 4;                            // of the array

  // A pass: which rows and columns of the weights its tile holds, and when it began (s).
  struct Pass {
    std::int64_t k = 0, n = 0;  // first row and column of w
    std::int64_t acc = 0, rows = 0;
    bool accumulates = false;
    CyclePoint begin;  // injects its first row
    CyclePoint end;    // its last sum can be read
  };
  // The registers at the end of a cycle: by plane, then row by row.
  struct Frame {
    CyclePoint at;
    std::vector<std::vector<std::int32_t>> planes;
  };

  isa::Machine machine;
  isa::Program program;
  Tensor x, w, y;                   // y as the program wrote it to the host
  std::vector<Pass> passes;         // in order; tile i is that of pass i
  std::vector<CyclePoint> shifted;  // by tile: the cycle behind its last row's entry
  std::vector<Frame> frames;        // in order of time; what is left out changed nothing
  std::vector<sim::AccumulatorWrite> writes;
};

[[nodiscard]] ArrayExample array_example();

}  // namespace systole::report
