// See array_example.h.
#include "report/array_example.h"

#include <algorithm>

#include "sim/run.h"

namespace systole::report {
namespace {

using isa::Unit;

constexpr std::int64_t kRows = ArrayExample::kRows, kInner = ArrayExample::kInner,
                       kColumns = ArrayExample::kColumns, kSide = ArrayExample::kSide;
constexpr std::int64_t kSumBytes = 4;
constexpr std::int64_t kOutputRow = 16;  // of the unified buffer, behind the input's

// Memory and link are fast enough that after the first tile the array never waits.
isa::Machine example_machine() {
  isa::Machine m;
  m.name = "page_4";
  m.text = "4x4 array to step through; no real device";
  m.clock_hertz = 100'000'000;
  m.array_rows = m.array_columns = kSide;
  m.array_weight_load = isa::WeightLoad::kThrough;
  m.array_taps = 1;
  m.accumulators_rows = 16;
  m.weight_fifo_tiles = 2;
  m.unified_buffer_bytes = 1'024;
  m.unified_buffer_row_bytes = kSide * kSumBytes;
  m.parameters_rows = 8;
  m.activation_depth = m.vector_depth = 2;
  m.sequencer_queue = 8;
  m.sequencer_delivery = isa::Delivery::kPreloaded;
  m.dram_kind = isa::DramKind::kSimple;
  m.dram_bytes = 1'024;
  m.dram_bytes_per_second = 400'000'000;  // 4 bytes a cycle: a tile in 4 cycles
  m.dram_latency = 2;
  m.link_in_bytes_per_second = m.link_out_bytes_per_second = 800'000'000;
  m.link_latency = 2;
  isa::validate(m);
  return m;
}

// Small numbers of both signs that can be followed in one's head.
std::uint8_t input(std::int64_t b, std::int64_t k) {
  return static_cast<std::uint8_t>((3 * b + 5 * k + 1) % 10);
}
std::int8_t weight(std::int64_t k, std::int64_t n) {
  return static_cast<std::int8_t>((7 * k + 3 * n + 2) % 19 - 9);
}

void fill_data(ArrayExample& example) {
  example.x = Tensor(DType::kUint8, {kRows, kInner});
  example.w = Tensor(DType::kInt8, {kInner, kColumns});
  for (std::int64_t b = 0; b < kRows; ++b) {
    for (std::int64_t k = 0; k < kInner; ++k) {
      example.x.data[static_cast<std::size_t>(b * kInner + k)] = input(b, k);
    }
  }
  for (std::int64_t k = 0; k < kInner; ++k) {
    for (std::int64_t n = 0; n < kColumns; ++n) {
      example.w.data[static_cast<std::size_t>(k * kColumns + n)] =
          static_cast<std::uint8_t>(weight(k, n));
    }
  }
}

// Tiles in the order of the passes: down the inner dimension, then to the right.
void add_passes(ArrayExample& example) {
  for (std::int64_t n = 0; n < kColumns; n += kSide) {
    for (std::int64_t k = 0; k < kInner; k += kSide) {
      example.passes.push_back({k, n, n / kSide * kRows, kRows, k != 0, {}, {}});
    }
  }
}

void add_weights(ArrayExample& example) {
  std::vector<std::uint8_t>& image = example.program.weights;
  for (const ArrayExample::Pass& pass : example.passes) {
    for (std::int64_t r = 0; r < kSide; ++r) {
      for (std::int64_t c = 0; c < kSide; ++c) {
        image.push_back(static_cast<std::uint8_t>(weight(pass.k + r, pass.n + c)));
      }
    }
  }
  example.program.weight_bytes = static_cast<std::int64_t>(image.size());
}

void add_tensors(isa::Program& program) {
  program.tensors = {{"x", DType::kUint8, {kRows, kInner}, isa::Role::kInput, 0},
                     {"y", DType::kInt32, {kRows, kColumns}, isa::Role::kOutput, kRows * kInner}};
  program.host_bytes = program.tensors[1].address + program.tensors[1].bytes();
}

void add_code(ArrayExample& example) {
  std::vector<isa::Insn>& code = example.program.code;
  const auto sync = [&](Unit unit, Unit wait_for) {
    code.emplace_back(isa::Sync{static_cast<std::int64_t>(unit),
                                static_cast<std::int64_t>(wait_for), 0, isa::why::kRaw});
  };
  std::int64_t tile = 0;
  for (std::size_t i = 0; i < example.passes.size(); ++i) {
    code.emplace_back(
        isa::ReadWeights{.dram = kSide * kSide * tile++, .k = kSide, .n = kSide, .is_signed = 1});
    if (i == 0) code.emplace_back(isa::ReadHost{0, kInner, 0, 0, kRows, kInner});
  }
  sync(Unit::kMatrix, Unit::kDmaIn);
  for (const ArrayExample::Pass& pass : example.passes) {
    code.emplace_back(isa::Matmul{.lane = pass.k,
                                  .acc = pass.acc,
                                  .rows = pass.rows,
                                  .k = kSide,
                                  .n = kSide,
                                  .accumulate = pass.accumulates ? 1 : 0,
                                  .switch_tile = 1});
  }
  sync(Unit::kActivation, Unit::kMatrix);
  for (std::int64_t half = 0; half < kColumns / kSide; ++half) {
    code.emplace_back(isa::Activate{.acc = half * kRows,
                                    .ub = kOutputRow + half * kRows,
                                    .rows = kRows,
                                    .n = kSide,
                                    .type = isa::type::kS32});
  }
  sync(Unit::kDmaOut, Unit::kActivation);
  const std::int64_t y = example.program.tensors[1].address, bytes = kSide * kSumBytes;
  for (std::int64_t half = 0; half < kColumns / kSide; ++half) {
    code.emplace_back(isa::WriteHost{y + half * bytes, kColumns * kSumBytes,
                                     kOutputRow + half * kRows, 0, kRows, bytes});
  }
  code.emplace_back(isa::Halt{});
}

// Listens to the register engine.
class Recorder : public sim::Probe, public sim::AccumulatorObserver {
 public:
  explicit Recorder(ArrayExample& example) : example_(example) {}

  [[nodiscard]] bool wants_instruction() const override { return true; }
  [[nodiscard]] bool wants_array() const override { return true; }
  void counter(std::string_view name, CyclePoint at, std::int64_t value) override {
    if (name != "weight_fifo.tiles") return;
    if (value < tiles_) example_.shifted.push_back(at);
    tiles_ = value;
  }
  void instruction(const sim::Life& life) override {
    if (life.unit != isa::unit_name(Unit::kMatrix)) return;
    ArrayExample::Pass& pass = example_.passes.at(static_cast<std::size_t>(life.ordinal - 1));
    pass.begin = life.start;
    pass.end = life.completed;
  }
  void array(CyclePoint at, const sim::ArrayView& view) override {
    ArrayExample::Frame& frame = example_.frames.emplace_back();
    frame.at = at;
    for (std::size_t plane = 0; plane < sim::kPlanes.size(); ++plane) {
      std::vector<std::int32_t>& values = frame.planes.emplace_back();
      for (std::int64_t r = 0; r < view.rows(); ++r) {
        for (std::int64_t c = 0; c < view.columns(); ++c) {
          values.push_back(view.value(static_cast<sim::Plane>(plane), r, c));
        }
      }
    }
  }
  void write(const sim::AccumulatorWrite& write) override { example_.writes.push_back(write); }

 private:
  ArrayExample& example_;
  std::int64_t tiles_ = 0;
};

}  // namespace

ArrayExample array_example() {
  ArrayExample example;
  example.machine = example.program.machine = example_machine();
  example.program.model = "array";
  example.program.batch = kRows;
  example.program.layers = {{"(none)", "", 0, 0}};
  fill_data(example);
  add_passes(example);
  add_weights(example);
  add_tensors(example.program);
  add_code(example);
  Recorder recorder(example);
  sim::RunOptions options;
  options.engine = sim::Engine::kRegister;
  options.probe = &recorder;
  options.writes = &recorder;
  sim::RunResult result = sim::run(example.program, example.machine, {{"x", example.x}}, options);
  example.y = std::move(result.outputs.at("y"));
  return example;
}

}  // namespace systole::report
