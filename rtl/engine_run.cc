// Engine run: a case on the cycle engine, and its accumulator writes by rule T2.
//
// A pass that starts in s writes column c of row b in s + b * p + q + R + c for its sub-row q; what
// it writes is multiplied out here, so that values are a third answer beside engine and RTL. The
// engine's own are held against it by output "y".
#include <algorithm>
#include <cstring>

#include "base/diag.h"
#include "base/numerics.h"
#include "rtl/cosim.h"
#include "sim/run.h"

namespace systole::rtl {
namespace {

// Keeps what the matrix unit's surroundings do, and when.
class Recorder : public sim::Probe {
 public:
  explicit Recorder(const isa::Program& program)
      : decoded(program.code.size()), started(program.code.size()) {}

  void slice(const sim::Slice& s) override {
    if (s.insn < 0 || s.cls != "busy") return;
    const auto insn = static_cast<std::size_t>(s.insn);
    if (s.track == isa::unit_name(isa::Unit::kSequencer)) decoded[insn] = s.begin;
    if (s.track == isa::unit_name(isa::Unit::kMatrix)) started[insn] = s.begin;
  }
  // The FIFO's level goes up when the planes see a tile whole, down when its shift ends.
  void counter(std::string_view name, CyclePoint at, std::int64_t value) override {
    if (name != "weight_fifo.tiles") return;
    (value > level_ ? whole : shifted).push_back(at);
    level_ = value;
  }

  std::vector<CyclePoint> decoded, started;  // by instruction
  std::vector<CyclePoint> whole, shifted;    // by tile

 private:
  std::int64_t level_ = 0;
};

std::vector<std::int32_t> zero_points(const CosimCase& c, const isa::ReadWeights& insn) {
  std::vector<std::int32_t> zero;
  if (insn.use_zero == 0) return zero;
  zero.resize(static_cast<std::size_t>(insn.n));
  // read_params copied the constants from host address 0 to parameter row 0.
  std::memcpy(zero.data(), c.program.constants.data() + insn.zero * c.machine.param_row_bytes(),
              zero.size() * sizeof(std::int32_t));
  return zero;
}

std::int32_t operand(std::uint8_t byte, bool is_signed) {
  return is_signed ? static_cast<std::int8_t>(byte) : byte;
}

// Writes and final accumulators of a script whose passes start in the given cycles.
class WriteModel {
 public:
  WriteModel(const Script& script, Behaviour& behaviour) : script_(script), to_(behaviour) {
    to_.accumulators.resize(static_cast<std::size_t>(kAccumulatorRows * script_.machine.c()));
  }

  void run() {
    std::size_t tiles = 0;
    for (std::size_t i = 0; i < script_.passes.size(); ++i) {
      if (script_.passes[i].insn.switch_tile != 0) tile_ = &script_.tiles[tiles++];
      pass(script_.passes[i].insn, to_.passes[i]);
    }
    std::ranges::sort(to_.writes);
  }

 private:
  void pass(const isa::Matmul& insn, CyclePoint start) {
    const std::int64_t p = insn.precision == isa::precision::kInt8x16 ? 2 : 1;
    for (std::int64_t b = 0; b < insn.rows; ++b) {
      for (std::int64_t q = 0; q < p; ++q) {
        for (std::int64_t c = 0; c < insn.n; ++c) {
          const CyclePoint at = start + CycleCount(b * p + q + script_.machine.r() + c);
          write(at, insn.acc + b, c, q > 0 || insn.accumulate != 0, sum(insn, b, q, c));
        }
      }
    }
  }

  void write(CyclePoint at, std::int64_t row, std::int64_t c, bool add, std::int32_t sum) {
    const auto i = static_cast<std::size_t>(row * script_.machine.c() + c);
    to_.accumulators[i] = wrapping_add(add ? to_.accumulators[i] : 0, sum);
    to_.writes.push_back({at, row, c, to_.accumulators[i]});
  }

  [[nodiscard]] std::int32_t sum(const isa::Matmul& insn, std::int64_t b, std::int64_t q,
                                 std::int64_t c) const {
    std::int32_t sum = 0;
    for (std::int64_t r = 0; r < insn.k; ++r) sum += activation(insn, b, q, r) * weight(r, c);
    return q > 0 ? wrapping_mul(sum, 256) : sum;
  }

  [[nodiscard]] std::int32_t activation(const isa::Matmul& insn, std::int64_t b, std::int64_t q,
                                        std::int64_t r) const {
    const std::uint8_t* row = script_.buffer->data.data() +
                              (insn.ub + b) * script_.machine.unified_buffer_row_bytes + insn.lane;
    const auto zero = static_cast<std::int32_t>(insn.zero_point);
    if (insn.precision != isa::precision::kInt8x16) {
      return operand(row[r], insn.is_signed != 0) - zero;
    }
    std::int16_t x;
    std::memcpy(&x, row + 2 * r, sizeof(x));
    const std::int32_t difference = x - zero;
    const std::int32_t low = difference & 0xFF;
    return q == 0 ? low : (difference - low) / 256;
  }

  [[nodiscard]] std::int32_t weight(std::int64_t r, std::int64_t c) const {
    const std::int32_t zero = tile_->zero.empty() ? 0 : tile_->zero[static_cast<std::size_t>(c)];
    return operand(tile_->data[r * script_.machine.c() + c], tile_->insn.is_signed != 0) - zero;
  }

  const Script& script_;
  Behaviour& to_;
  const Script::TileFeed* tile_ = nullptr;
};

// The cycle in which what waits for the instruction's completion may go on.
CyclePoint seen_complete(const sim::Report& report, const CosimCase& c, std::size_t insn) {
  const auto& tag = std::get<isa::Tag>(c.program.code[insn - 1]);
  return report.layers[static_cast<std::size_t>(tag.layer)].last + CycleCount(2);
}

// Passes wait for what was loaded before them: the last read_host's completion.
void make_script(const CosimCase& c, const Recorder& seen, const sim::Report& report,
                 EngineRun& run) {
  CyclePoint loaded;
  for (std::size_t i = 0; i < c.program.code.size(); ++i) {
    const isa::Insn& insn = c.program.code[i];
    if (std::holds_alternative<isa::ReadHost>(insn)) loaded = seen_complete(report, c, i);
    if (const auto* read = std::get_if<isa::ReadWeights>(&insn)) {
      run.script.tiles.push_back({seen.whole.at(run.script.tiles.size()),
                                  c.program.weights.data() + read->dram, *read,
                                  zero_points(c, *read)});
    }
    if (const auto* matmul = std::get_if<isa::Matmul>(&insn)) {
      const CyclePoint visible = seen.decoded[i] + CycleCount(1);
      run.script.passes.push_back({std::max(visible, loaded), *matmul});
      run.behaviour.passes.push_back(seen.started[i]);
    }
  }
}

}  // namespace

EngineRun run_engine(const CosimCase& c) {
  Recorder seen(c.program);
  sim::RunOptions options;
  options.probe = &seen;
  const sim::RunResult result = sim::run(c.program, c.machine, c.inputs, options);
  EngineRun run;
  run.script.machine = c.machine;
  run.script.buffer = &c.inputs.at("x");
  make_script(c, seen, result.report, run);
  for (const CyclePoint end : seen.shifted) {
    run.behaviour.shifts.push_back(end - CycleCount(c.machine.r()));
  }
  WriteModel(run.script, run.behaviour).run();
  const auto y = result.outputs.at("y").as<std::int32_t>();
  SYSTOLE_CHECK(std::ranges::equal(run.behaviour.accumulators, y),
                "the cycle engine's accumulators are not what its passes add up to");
  return run;
}

}  // namespace systole::rtl
