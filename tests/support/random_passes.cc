// Random passes, their tiles, what becomes of their sums, and rows from and to the device's memory.
#include <algorithm>

#include "isa/access.h"
#include "isa/operand.h"
#include "isa/precisions.h"
#include "tests/support/random_generator.h"
#include "tests/support/random_machine.h"
#include "tests/support/random_memory.h"
#include "tests/support/random_walk.h"

namespace systole {

// Never more tiles ahead than fit without any later pass: FIFO, and shadow plane if there is one.
void Generator::read_weights(std::int64_t unit) {
  std::deque<TileSize>& fifo = core(unit).fifo;
  const bool has_shadow = machine().array_weight_load != isa::WeightLoad::kSingle;
  const std::int64_t ahead = machine().weight_fifo_tiles + (has_shadow ? 1 : 0);
  if (static_cast<std::int64_t>(fifo.size()) >= ahead) return;
  isa::ReadWeights insn;
  insn.instance = unit;
  const bool floats =
      has_floats() && (machine().array_operands == isa::Operands::kBf16 || random_.chance(60));
  if (floats) insn.weights = isa::weight_type::kBf16;
  insn.dram = random_.pick(0, program().weight_bytes - isa::tile_bytes(machine(), insn.weights));
  insn.k = random_.chance(40) ? machine().r() : random_.pick(1, machine().r());
  insn.n = random_.chance(40) ? machine().c() : random_.pick(1, machine().c());
  insn.is_signed = random_.pick(0, 1);
  insn.use_zero = random_.pick(0, 1);
  if (floats) insn.use_zero = 0;
  if (insn.use_zero != 0) {
    insn.zero = param_row(insn.is_signed != 0 ? ParamKind::kZeroS8 : ParamKind::kZeroU8);
  }
  if (floats && random_.chance(30)) return read_tile(unit, insn.n);
  fifo.push_back({insn.k, insn.n, insn.weights});
  sync_.emit(insn);
}

void Generator::read_tile(std::int64_t unit, std::int64_t columns) {
  const Area from =
      operand(random_.pick(1, machine().r()), columns * isa::element_bytes(isa::type::kBf16));
  core(unit).fifo.push_back({from.rows, columns, isa::weight_type::kBf16});
  sync_.emit(isa::ReadTile{from.row, from.lane, from.rows, columns, unit});
}

// Written buffer rows that hold `bytes` bytes each: found among what is there, or read now.
Area Generator::operand(std::int64_t rows, std::int64_t bytes) {
  for (int tries = 0; tries < 4 && !ub_.empty(); ++tries) {
    const Area& area = random_.one_of(ub_);
    if (area.lanes < bytes) continue;
    rows = random_.pick(1, std::min(rows, area.rows));
    return {area.row + random_.pick(0, area.rows - rows), rows,
            area.lane + random_.pick(0, area.lanes - bytes), bytes};
  }
  return read_host(rows, bytes);
}

// What every pass draws: tile, precision, zero point. Some use less than their tile.
template <typename Pass>
void Generator::begin_pass(Pass& pass) {
  auto& [fifo, active, sums] = core(pass.instance);
  pass.switch_tile = active.k == 0 || (!fifo.empty() && random_.chance(60)) ? 1 : 0;
  if (pass.switch_tile != 0) {
    if (fifo.empty()) read_weights(pass.instance);
    active = fifo.front();
    fifo.pop_front();
  }
  pass.k = random_.chance(80) ? active.k : random_.pick(1, active.k);
  pass.n = random_.chance(80) ? active.n : random_.pick(1, active.n);
  if (active.weights == isa::weight_type::kBf16) {
    pass.precision = isa::precision::kBf16;
  } else {
    random_precision(pass, random_);
  }
}

// Accumulator rows for `rows` x `n` sums: anywhere, or some that hold sums to add to.
template <typename Pass>
std::int64_t Generator::sums_at(std::int64_t rows, Pass& pass) {
  const auto fits = [&](const Area& a) { return a.rows >= rows && a.lanes >= pass.n; };
  const std::vector<Area>& sums = core(pass.instance).acc;
  const auto found = std::find_if(sums.begin(), sums.end(), fits);
  if (found != sums.end() && random_.chance(60)) {
    pass.accumulate = 1;
    return found->row + random_.pick(0, found->rows - rows);
  }
  return random_.pick(0, machine().accumulators_rows - rows);
}

void Generator::matmul(std::int64_t unit) {
  isa::Matmul insn;
  insn.instance = unit;
  begin_pass(insn);
  const std::int64_t bytes = isa::precision_info(insn.precision).activation_bytes();
  const Area from = operand(random_.pick(1, 6), insn.k * bytes);
  insn.ub = from.row;
  insn.lane = from.lane;
  insn.rows = from.rows;
  insn.acc = sums_at(insn.rows, insn);
  sync_.emit(insn);
  written(insn);
}

void Generator::convolve(std::int64_t unit) {
  isa::Convolve insn;
  insn.instance = unit;
  begin_pass(insn);
  random_walk(insn, machine(), random_);
  const std::int64_t bytes = isa::precision_info(insn.precision).activation_bytes();
  const Area from = operand(random_.pick(1, 12), insn.k / insn.taps * bytes);
  insn.ub = from.row;
  insn.lane = from.lane;
  insn.in_width = random_.pick(1, from.rows);
  insn.in_height = from.rows / insn.in_width;
  insn.acc = sums_at(insn.out_height * insn.out_width, insn);
  sync_.emit(insn);
  written(insn);
}

void Generator::activate(std::int64_t unit, std::int64_t type) {
  if (core(unit).acc.empty()) return matmul(unit);
  const Area from = random_.one_of(core(unit).acc);
  isa::Activate insn;
  insn.instance = unit;
  insn.type = type;
  insn.rows = random_.pick(1, from.rows);
  insn.acc = from.row + random_.pick(0, from.rows - insn.rows);
  insn.n = random_.pick(1, from.lanes);
  insn.use_bias = random_.pick(0, 1);
  if (insn.use_bias != 0) insn.bias = param_row(ParamKind::kBias);
  std::int64_t bytes = insn.n * 4;
  if (isa::is_float(type)) {
    const auto [lowest, highest] = isa::operand_range(isa::Operand::Limit);
    bytes = insn.n * isa::element_bytes(type);
    insn.function = random_.pick(0, isa::function::kRelu);
    insn.lo = random_.chance(50) ? lowest : random_.pick(-3, 0);
    insn.hi = random_.chance(50) ? highest : random_.pick(0, 300);
  } else if (type != isa::type::kS32) {
    insn.scale = param_row(ParamKind::kScale);  // may land on the bias row: any bits are a bias
    const bool two = type == isa::type::kS16;
    const std::int64_t half = two ? 32768 : 128;
    const std::int64_t lowest = type == isa::type::kU8 ? 0 : -half;
    const std::int64_t highest = type == isa::type::kU8 ? 255 : half - 1;
    insn.zero_point = random_.pick(lowest, highest);
    insn.lo = random_.chance(50) ? lowest : random_.pick(lowest, insn.zero_point);
    insn.hi = random_.chance(50) ? highest : random_.pick(insn.zero_point, highest);
    insn.function = random_.pick(0, isa::function::kTable);
    insn.table = machine().parameters_rows - table_rows(machine());
    bytes = insn.n * (two ? 2 : 1);
  }
  if (random_.chance(30)) return activate_pool(insn, from);
  const Area to = place(insn.rows, bytes);
  insn.ub = to.row;
  insn.lane = to.lane;
  sync_.emit(insn);
  written(insn);
}

// The same on a map of accumulator rows, pooled.
void Generator::activate_pool(const isa::Activate& like, const Area& from) {
  isa::ActivatePool insn;
  insn.instance = like.instance;
  insn.acc = from.row;
  insn.n = like.n;
  insn.function = like.function;
  insn.type = like.type;
  insn.zero_point = like.zero_point;
  insn.lo = like.lo;
  insn.hi = like.hi;
  insn.use_bias = like.use_bias;
  insn.bias = like.bias;
  insn.scale = like.scale;
  vector_->fused(insn, from.rows);
}

void Generator::load() {
  isa::Load insn = random_load(machine(), program().weight_bytes, random_);
  const Area to = place(insn.rows, insn.bytes);
  insn.ub = to.row;
  insn.lane = to.lane;
  sync_.emit(insn);
  written(insn);
}

void Generator::store() {
  if (ub_.empty()) return;
  constexpr std::int64_t kBesideWeights = 400;  // bytes
  const Area area = random_.one_of(ub_);
  const std::int64_t all = program().weight_bytes + kBesideWeights;
  isa::Store insn = random_store(area.rows, area.lanes, all, random_);
  insn.ub = area.row + random_.pick(0, area.rows - insn.rows);
  insn.lane = area.lane + random_.pick(0, area.lanes - insn.bytes);
  sync_.emit(insn);
}

}  // namespace systole
