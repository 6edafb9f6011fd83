// Engine run: a case on one of the simulator's engines, watched from outside: its probe tells when
// instructions are decoded, passes start and tiles come and go, its observer every accumulator
// write.
#include <algorithm>
#include <cstring>
#include <utility>

#include "rtl/cosim.h"

namespace systole::rtl {
namespace {

// Keeps what the matrix unit and its surroundings do, and when.
class Recorder : public sim::Probe, public sim::AccumulatorObserver {
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

  void write(const sim::AccumulatorWrite& w) override { writes.push_back(w); }

  std::vector<CyclePoint> decoded, started;  // by instruction
  std::vector<CyclePoint> whole, shifted;    // by tile
  std::vector<sim::AccumulatorWrite> writes;

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

EngineRun run_engine(const CosimCase& c, sim::Engine engine) {
  Recorder seen(c.program);
  sim::RunOptions options;
  options.engine = engine;
  options.probe = &seen;
  options.writes = &seen;
  const sim::RunResult result = sim::run(c.program, c.machine, c.inputs, options);
  EngineRun run;
  run.script.machine = c.machine;
  run.script.buffer = &c.inputs.at("x");
  make_script(c, seen, result.report, run);
  for (const CyclePoint end : seen.shifted) {
    run.behaviour.shifts.push_back(end - CycleCount(c.machine.r()));
  }
  std::ranges::sort(seen.writes);
  run.behaviour.writes = std::move(seen.writes);
  const auto y = result.outputs.at("y").as<std::int32_t>();
  run.behaviour.accumulators.assign(y.begin(), y.end());
  return run;
}

}  // namespace systole::rtl
