// Sim bench: runs hand-written instructions on a small machine and tells when each was at work.
//
// Every instruction gets a layer of its own, so a layer's first and last cycle are the
// instruction's start and completion. The program does not pass the verifier: tests of one unit
// need not be whole programs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "isa/program.h"
#include "sim/chip.h"

namespace systole::sim {

// R = 8, C = 4; 4 bytes a cycle on the link with a latency of 10; a tile takes 2 cycles of weight
// memory with a latency of 5; 8-byte buffer rows; activation depth 3; FIFO of 2 tiles;
// instructions are there from the start.
inline isa::Machine bench_machine() {
  isa::Machine m;
  m.name = "bench";
  m.clock_hertz = 1'000'000'000;
  m.array_rows = 8;
  m.array_columns = 4;
  m.accumulators_rows = 64;
  m.weight_fifo_tiles = 2;
  m.unified_buffer_bytes = 8'192;
  m.unified_buffer_row_bytes = 8;
  m.parameters_rows = 16;
  m.activation_depth = 3;
  m.sequencer_queue = 64;
  m.sequencer_delivery = isa::Delivery::kPreloaded;
  m.dram_kind = isa::DramKind::kSimple;
  m.dram_bytes_per_second = 16'000'000'000;
  m.dram_latency = 5;
  m.link_in_bytes_per_second = 4'000'000'000;
  m.link_out_bytes_per_second = 4'000'000'000;
  m.link_latency = 10;
  return m;
}

class SimBench {
 public:
  explicit SimBench(const isa::Machine& machine = bench_machine()) : machine_(machine) {
    program_.layers.push_back({"(none)", "none", 0, 0});
  }

  // Adds an instruction in a layer of its own; returns its number. A tag comes before it, so
  // instruction n is decoded in the (2n + 1)-th decode.
  int add(const isa::Insn& insn) {
    const int number = count_++;
    program_.layers.push_back({"insn " + std::to_string(number), "test", 0, 0});
    program_.code.push_back(isa::Tag{number + 1});
    program_.code.push_back(insn);
    return number;
  }
  // Adds instructions without a tag.
  void add_plain(const isa::Insn& insn) { program_.code.push_back(insn); }

  const Report& run(Probe* probe = nullptr, std::uint64_t shuffle_seed = 0) {
    program_.code.push_back(isa::Halt{});
    RunOptions options;
    options.timing_only = true;
    options.probe = probe;
    options.shuffle_seed = shuffle_seed;
    Chip chip(program_, machine_, options, {}, [this](std::int64_t s) { stages.push_back(s); });
    chip.run();
    chip.report(report_);
    return report_;
  }

  // Cycle in which instruction n started, and cycle at whose start it was complete.
  [[nodiscard]] std::int64_t start(int n) const { return layer(n).first.value; }
  [[nodiscard]] std::int64_t complete(int n) const { return layer(n).last.value + 1; }
  [[nodiscard]] const LayerReport& layer(int n) const {
    return report_.layers.at(static_cast<std::size_t>(n) + 1);
  }
  [[nodiscard]] const UnitReport& unit(const std::string& name) const {
    for (const UnitReport& u : report_.units) {
      if (u.unit == name) return u;
    }
    throw InternalError("no unit " + name);
  }
  [[nodiscard]] std::int64_t stalled(Stall stall) const {
    return report_.total.matrix.at(static_cast<std::size_t>(stall)).value;
  }

  std::vector<std::int64_t> stages;  // host stages as they were run

 private:
  isa::Machine machine_;
  isa::Program program_;
  Report report_;
  int count_ = 0;
};

// --- instructions with the operands that matter for time -----------------------------------------
inline isa::ReadHost read_host(std::int64_t rows, std::int64_t bytes) {
  isa::ReadHost i;
  i.stride = bytes;
  i.rows = rows;
  i.bytes = bytes;
  return i;
}
inline isa::WriteHost write_host(std::int64_t rows, std::int64_t bytes) {
  isa::WriteHost i;
  i.stride = bytes;
  i.rows = rows;
  i.bytes = bytes;
  return i;
}
inline isa::ReadWeights read_weights() {
  isa::ReadWeights i;
  i.k = 8;
  i.n = 4;
  return i;
}
inline isa::Matmul matmul(std::int64_t rows, bool switch_tile,
                          std::int64_t precision = isa::precision::kInt8) {
  isa::Matmul i;
  i.rows = rows;
  i.k = 8;
  i.n = 4;
  i.switch_tile = switch_tile ? 1 : 0;
  i.precision = precision;
  return i;
}
inline isa::Activate activate(std::int64_t rows, std::int64_t n, std::int64_t type) {
  isa::Activate i;
  i.rows = rows;
  i.n = n;
  i.type = type;
  return i;
}
inline isa::Sync sync(isa::Unit unit, isa::Unit wait_for, std::int64_t distance = 0,
                      std::int64_t why = isa::why::kRaw) {
  isa::Sync i;
  i.unit = static_cast<std::int64_t>(unit);
  i.wait_for = static_cast<std::int64_t>(wait_for);
  i.distance = distance;
  i.why = why;
  return i;
}

}  // namespace systole::sim
