// Array cases: input rows come in, tiles and passes follow, accumulators go out (array_case.h).
#include "tests/support/array_case.h"

#include <algorithm>
#include <deque>

#include "isa/precisions.h"
#include "tests/support/random_choice.h"

namespace systole {
namespace {

using isa::Unit;

constexpr std::int64_t kTiles = 5;        // in weight memory
constexpr std::int64_t kMostPasses = 24;  // of a case
constexpr std::int64_t kLongestPass = 4;  // times R
constexpr std::int64_t kTwoBytes = 2;     // of a 16-bit activation
constexpr std::int64_t kSumBytes = 4;     // of an accumulator

isa::Machine array_machine(RandomChoice& random, isa::WeightLoad load, std::int64_t largest) {
  isa::Machine m;
  m.name = "array";
  m.text = "a random array for tests";
  m.clock_hertz = 1'000'000'000;
  m.array_rows = random.pick(2, largest);
  m.array_columns = random.pick(1, largest);
  m.array_weight_load = load;
  m.accumulators_rows = kLongestPass * m.array_rows + random.pick(0, 20);
  m.weight_fifo_tiles = random.pick(1, 4);
  m.unified_buffer_row_bytes =
      std::max(kTwoBytes * m.array_rows, kSumBytes * m.array_columns) + random.pick(0, 9);
  m.unified_buffer_bytes =
      std::max<std::int64_t>(1'024, 2 * m.accumulators_rows * m.unified_buffer_row_bytes);
  m.parameters_rows = 8;
  m.sequencer_queue = random.pick(1, 16);
  m.sequencer_decode_cycles = random.pick(1, 3);
  m.sequencer_delivery = isa::Delivery::kPreloaded;
  m.dram_kind = isa::DramKind::kSimple;
  // From a tenth to ten times a tile in the cycles of its shift.
  m.dram_bytes_per_second = m.array_columns * 100'000'000 * random.one_of<int>({1, 5, 10, 20, 100});
  m.dram_latency = random.pick(1, 60);
  m.link_in_bytes_per_second = m.link_out_bytes_per_second = 64'000'000'000;
  return m;
}

class Generator {
 public:
  Generator(std::uint64_t seed, isa::WeightLoad load, std::int64_t largest);
  RandomCase take() && { return std::move(case_); }

 private:
  void make_data();
  void run_passes();
  void read_weights();
  void matmul();
  void sync(Unit unit, Unit wait_for);
  void emit(const isa::Insn& insn) { case_.program.code.push_back(insn); }
  [[nodiscard]] const isa::Machine& machine() const { return case_.machine; }

  RandomCase case_;
  RandomChoice random_;
  std::int64_t row_bytes_ = 0;  // of an input row
  std::int64_t fresh_ = 0;      // percent of passes that take a tile
  bool any_pass_ = false;
  std::deque<isa::ReadWeights> ahead_;
  isa::ReadWeights active_;
};

Generator::Generator(std::uint64_t seed, isa::WeightLoad load, std::int64_t largest)
    : random_(seed) {
  case_.machine = array_machine(random_, load, largest);
  make_data();
  const std::int64_t rows = machine().accumulators_rows, columns = machine().c();
  const auto& tensors = case_.program.tensors;
  emit(isa::ReadHost{tensors[0].address, row_bytes_, 0, 0, rows, row_bytes_});
  sync(Unit::kMatrix, Unit::kDmaIn);
  run_passes();
  sync(Unit::kActivation, Unit::kMatrix);
  isa::Activate show;
  show.ub = rows;
  show.rows = rows;
  show.n = columns;
  show.type = isa::type::kS32;
  emit(show);
  sync(Unit::kDmaOut, Unit::kActivation);
  const std::int64_t bytes = columns * kSumBytes;
  emit(isa::WriteHost{tensors[1].address, bytes, rows, 0, rows, bytes});
  emit(isa::Halt{});
}

void Generator::make_data() {
  isa::Program& program = case_.program;
  const std::int64_t rows = machine().accumulators_rows;
  row_bytes_ = kTwoBytes * machine().r();
  program.model = "array";
  program.machine = machine();
  program.layers = {{"(none)", "", 0, 0}};
  program.weights.resize(static_cast<std::size_t>(kTiles * isa::tile_bytes(machine())));
  for (std::uint8_t& w : program.weights) w = random_.byte();
  program.weight_bytes = static_cast<std::int64_t>(program.weights.size());
  Tensor x(DType::kUint8, {rows, row_bytes_});
  for (std::uint8_t& v : x.data) v = random_.byte();
  program.tensors.push_back({"x", DType::kUint8, x.shape, isa::Role::kInput, 0});
  program.tensors.push_back(
      {"y", DType::kInt32, {rows, machine().c()}, isa::Role::kOutput, x.bytes()});
  program.host_bytes = x.bytes() + program.tensors.back().bytes();
  case_.inputs.emplace("x", std::move(x));
}

void Generator::run_passes() {
  const bool shadow = machine().array_weight_load != isa::WeightLoad::kSingle;
  const std::int64_t most_ahead = machine().weight_fifo_tiles + (shadow ? 1 : 0);
  fresh_ = random_.one_of<std::int64_t>({20, 60, 100});
  for (std::int64_t passes = random_.pick(2, kMostPasses); passes > 0;) {
    const bool room = static_cast<std::int64_t>(ahead_.size()) < most_ahead;
    if (ahead_.empty() || (room && random_.chance(50))) {
      read_weights();
    } else {
      matmul();
      --passes;
    }
  }
  while (!ahead_.empty()) matmul();
}

// The first tile is whole, so that the first pass fills every accumulator it meets.
void Generator::read_weights() {
  isa::ReadWeights insn;
  const bool whole = (!any_pass_ && ahead_.empty()) || random_.chance(40);
  insn.dram = random_.pick(0, kTiles - 1) * isa::tile_bytes(machine());
  insn.k = whole ? machine().r() : random_.pick(1, machine().r());
  insn.n = whole ? machine().c() : random_.pick(1, machine().c());
  insn.is_signed = random_.pick(0, 1);
  ahead_.push_back(insn);
  emit(insn);
}

void Generator::matmul() {
  isa::Matmul insn;
  insn.switch_tile = !any_pass_ || random_.chance(fresh_) ? 1 : 0;
  if (insn.switch_tile != 0) {
    active_ = ahead_.front();
    ahead_.pop_front();
  }
  const std::int64_t most = machine().accumulators_rows;
  const std::int64_t longest =
      random_.one_of<std::int64_t>({1, 3, machine().r(), kLongestPass * machine().r()});
  insn.rows = any_pass_ ? random_.pick(1, std::min(longest, most)) : most;
  insn.ub = random_.pick(0, most - insn.rows);
  insn.acc = random_.pick(0, most - insn.rows);
  insn.k = active_.k;
  insn.n = active_.n;
  insn.accumulate = any_pass_ ? random_.pick(0, 1) : 0;
  const bool wide = random_.chance(30);
  insn.precision = wide ? isa::precision::kInt8x16 : isa::precision::kInt8;
  insn.is_signed = wide ? 1 : random_.pick(0, 1);
  insn.zero_point = insn.is_signed != 0 ? random_.pick(-128, 127) : random_.pick(0, 255);
  if (wide) insn.zero_point = random_.pick(-32'768, 32'767);
  any_pass_ = true;
  emit(insn);
}

void Generator::sync(Unit unit, Unit wait_for) {
  emit(isa::Sync{static_cast<std::int64_t>(unit), static_cast<std::int64_t>(wait_for), 0,
                 isa::why::kRaw});
}

}  // namespace

RandomCase array_case(std::uint64_t seed, isa::WeightLoad load, std::int64_t largest) {
  return Generator(seed, load, largest).take();
}

}  // namespace systole
