// Random programs: a generator that keeps lists of what is written and draws operands from them.
#include "tests/support/random_program.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "isa/access.h"
#include "tests/support/random_choice.h"
#include "tests/support/random_constants.h"
#include "tests/support/random_machine.h"
#include "tests/support/random_sync.h"
#include "tests/support/random_vector.h"
#include "tests/support/random_walk.h"

namespace systole {
namespace {

using isa::Unit;

// A stretch of host memory.
struct Region {
  std::int64_t address, bytes;
};
struct TileSize {
  std::int64_t k, n;
};

class Generator {
 public:
  Generator(std::uint64_t seed, std::int64_t length);
  RandomCase take() && { return std::move(case_); }

 private:
  void make_tensors();
  void make_host_steps();
  void make_table();
  Region add_tensor(const std::string& name, DType type, Shape shape, isa::Role role);
  void fill_inputs();

  void one_instruction();
  Area read_host(std::int64_t rows, std::int64_t bytes);
  void write_host();
  void read_params(ParamKind kind);
  std::int64_t param_row(ParamKind kind);
  void read_weights();
  void matmul();
  void convolve();
  template <typename Pass>
  void begin_pass(Pass& pass);
  std::int64_t sums_at(std::int64_t rows, std::int64_t n, std::int64_t& accumulate);
  Area operand(std::int64_t rows, std::int64_t bytes);
  void activate(std::int64_t type);
  void activate_pool(const isa::Activate& like, const Area& from);
  void interrupt();
  void repeat();
  void finish();

  [[nodiscard]] const isa::Machine& machine() const { return case_.machine; }
  isa::Program& program() { return case_.program; }
  // A random place for `rows` logical rows of `bytes` bytes.
  Area place(std::int64_t rows, std::int64_t bytes);
  void written(const isa::Insn& insn);

  RandomCase case_;
  RandomChoice random_;
  RandomSync sync_;
  std::optional<RandomVector> vector_;
  std::vector<Area> ub_, acc_;
  std::vector<Region> sources_;  // host memory that read_host may read
  Region output_{};
  std::vector<std::vector<std::int64_t>> params_;  // rows by ParamKind
  std::deque<TileSize> fifo_;
  TileSize active_{0, 0};
  std::int64_t stages_ = 0;
};

Generator::Generator(std::uint64_t seed, std::int64_t length)
    : random_(seed),
      sync_(case_.machine, random_, case_.program.code),
      params_(static_cast<std::size_t>(kParamKinds)) {
  case_.machine = random_machine(random_);
  program().model = "random";
  program().machine = machine();
  program().layers = {{"(none)", "", 0, 0}, {"first", "matmul", 0, 0}, {"second", "matmul", 0, 0}};
  program().constants = random_constants(machine(), random_);
  program().host_bytes = std::ssize(program().constants);
  make_tensors();
  make_host_steps();
  const std::int64_t tile = machine().tile_bytes();
  program().weights.resize(static_cast<std::size_t>(tile * random_.pick(1, 6)));
  for (std::uint8_t& w : program().weights) w = random_.byte();
  program().weight_bytes = static_cast<std::int64_t>(program().weights.size());
  make_table();
  while (static_cast<std::int64_t>(program().code.size()) < length) one_instruction();
  finish();
  fill_inputs();
}

// A table in the last parameter rows, and the instructions that may use it.
void Generator::make_table() {
  const std::int64_t first = machine().parameters_rows - table_rows(machine());
  const std::int64_t from = kParamKinds * kRowsPerKind * machine().param_row_bytes();
  sync_.emit(isa::ReadParams{from, first, table_rows(machine())});
  vector_.emplace(
      machine(), random_,
      RandomVector::Lender{[this](auto rows, auto bytes) { return operand(rows, bytes); },
                           [this](auto rows, auto bytes) { return place(rows, bytes); },
                           [this](const isa::Insn& insn) {
                             sync_.emit(insn);
                             written(insn);
                           },
                           first});
}

Region Generator::add_tensor(const std::string& name, DType type, Shape shape, isa::Role role) {
  const std::int64_t address = program().host_bytes;
  program().tensors.push_back({name, type, std::move(shape), role, address});
  const std::int64_t bytes = program().tensors.back().bytes();
  program().host_bytes += bytes + random_.pick(0, 3);
  return {address, bytes};
}

void Generator::make_tensors() {
  sources_.push_back(add_tensor("x", DType::kUint8, {random_.pick(8, 12), 64}, isa::Role::kInput));
  output_ = add_tensor("y", DType::kUint8, {random_.pick(8, 12), 64}, isa::Role::kOutput);
}

// Quantise a float input before the first instruction, and negate no zero afterwards: a final relu.
void Generator::make_host_steps() {
  const auto index = [&] { return static_cast<std::int64_t>(program().tensors.size()) - 1; };
  if (random_.chance(40)) {
    add_tensor("f", DType::kFloat32, {6, 40}, isa::Role::kInput);
    const std::int64_t from = index();
    sources_.push_back(add_tensor("q", DType::kUint8, {6, 40}, isa::Role::kIntermediate));
    program().host_steps.push_back({0,
                                    isa::HostOp::kQuantise,
                                    "quantise f",
                                    {from},
                                    {index()},
                                    {0, random_.pick(0, 255)},
                                    {0.02F},
                                    1});
  }
  if (random_.chance(40)) {
    const Shape shape = program().tensors[1].shape;
    add_tensor("d", DType::kFloat32, shape, isa::Role::kOutput);
    program().host_steps.push_back({isa::kFinalStage,
                                    isa::HostOp::kDequantise,
                                    "dequantise y",
                                    {1},
                                    {index()},
                                    {0, random_.pick(0, 255)},
                                    {0.5F},
                                    2});
  }
}

void Generator::fill_inputs() {
  for (const isa::HostTensor& t : program().tensors) {
    if (t.role != isa::Role::kInput) continue;
    Tensor tensor(t.type, t.shape);
    if (t.type == DType::kFloat32) {
      for (float& v : tensor.as<float>()) v = static_cast<float>(random_.pick(-500, 500)) / 100.0F;
    } else {
      for (std::uint8_t& v : tensor.data) v = random_.byte();
    }
    case_.inputs.emplace(t.name, std::move(tensor));
  }
}

void Generator::one_instruction() {
  if (random_.chance(25)) return vector_->instruction();
  const std::int64_t row_bytes = machine().unified_buffer_row_bytes;
  const std::int64_t which = random_.pick(1, 100);
  if (which <= 14) {
    read_host(random_.pick(1, 5), random_.pick(1, std::min<std::int64_t>(2 * row_bytes, 40)));
  } else if (which <= 24) {
    write_host();
  } else if (which <= 32) {
    read_params(static_cast<ParamKind>(random_.pick(0, kParamKinds - 1)));
  } else if (which <= 50) {
    read_weights();
  } else if (which <= 64) {
    matmul();
  } else if (which <= 75) {
    convolve();
  } else if (which <= 90) {
    activate(random_.pick(0, 3));
  } else if (which <= 93) {
    repeat();
  } else if (which <= 95) {
    interrupt();
  } else if (which <= 98) {
    program().code.emplace_back(isa::Tag{random_.pick(0, 2)});
  } else {
    program().code.emplace_back(isa::Nop{});
  }
}

Area Generator::place(std::int64_t rows, std::int64_t bytes) {
  const std::int64_t row_bytes = machine().unified_buffer_row_bytes;
  const std::int64_t slack = row_bytes - 1 - (bytes - 1) % row_bytes;
  const std::int64_t lane = random_.chance(60) ? 0 : random_.pick(0, slack);
  const std::int64_t used = rows * machine().ub_rows_of(bytes, lane);
  return {random_.pick(0, machine().ub_rows() - used), rows, lane, bytes};
}

// Remembers what `insn` writes on the device.
void Generator::written(const isa::Insn& insn) {
  std::vector<isa::Access> accesses;
  isa::accesses(insn, machine(), accesses);
  for (const isa::Access& a : accesses) {
    const Area area{a.begin, a.end - a.begin, a.lane_begin, a.lane_end - a.lane_begin};
    if (a.write && a.space == isa::Space::kUb) ub_.push_back(area);
  }
  if (const auto* m = std::get_if<isa::Matmul>(&insn)) acc_.push_back({m->acc, m->rows, 0, m->n});
  if (const auto* c = std::get_if<isa::Convolve>(&insn)) {  // so many that no buffer overflows
    acc_.push_back({c->acc, std::min<std::int64_t>(c->out_height * c->out_width, 6), 0, c->n});
  }
}

Area Generator::read_host(std::int64_t rows, std::int64_t bytes) {
  const Region& from = random_.one_of(sources_);
  rows = std::min(rows, from.bytes / bytes);
  const std::int64_t widest = rows > 1 ? (from.bytes - bytes) / (rows - 1) : bytes;
  const std::int64_t stride = random_.chance(50) ? bytes : random_.pick(0, widest);
  const std::int64_t extent = (rows - 1) * stride + bytes;
  const Area to = place(rows, bytes);
  const isa::ReadHost insn{
      from.address + random_.pick(0, from.bytes - extent), stride, to.row, to.lane, rows, bytes};
  sync_.emit(insn);
  written(insn);
  return to;
}

void Generator::write_host() {
  if (ub_.empty()) return;
  const Area& area = random_.one_of(ub_);
  isa::WriteHost insn;
  insn.rows = random_.pick(1, std::min(area.rows, std::int64_t{8}));
  insn.bytes = random_.pick(1, std::min(area.lanes, output_.bytes / insn.rows));
  insn.ub = area.row + random_.pick(0, area.rows - insn.rows);
  insn.lane = area.lane + random_.pick(0, area.lanes - insn.bytes);
  insn.stride = insn.bytes;
  insn.host = output_.address + random_.pick(0, output_.bytes - insn.rows * insn.bytes);
  sync_.emit(insn);
}

void Generator::read_params(ParamKind kind) {
  const auto k = static_cast<std::int64_t>(kind);
  const std::int64_t rows = random_.pick(1, 2);
  const std::int64_t first = k * kRowsPerKind + random_.pick(0, kRowsPerKind - rows);
  const std::int64_t to = random_.pick(0, machine().parameters_rows - table_rows(machine()) - rows);
  for (std::int64_t row = to; row < to + rows; ++row) {
    for (auto& list : params_) std::erase(list, row);
    params_[static_cast<std::size_t>(k)].push_back(row);
  }
  sync_.emit(isa::ReadParams{first * machine().param_row_bytes(), to, rows});
}

// A parameter row that holds `kind`, loaded now if there is none.
std::int64_t Generator::param_row(ParamKind kind) {
  const auto& rows = params_[static_cast<std::size_t>(kind)];
  if (rows.empty() || random_.chance(10)) read_params(kind);
  return random_.one_of(rows);
}

// Never more tiles ahead than fit without any later pass: FIFO, and shadow plane if there is one.
void Generator::read_weights() {
  const bool has_shadow = machine().array_weight_load != isa::WeightLoad::kSingle;
  const std::int64_t ahead = machine().weight_fifo_tiles + (has_shadow ? 1 : 0);
  if (static_cast<std::int64_t>(fifo_.size()) >= ahead) return;
  isa::ReadWeights insn;
  insn.dram = random_.pick(0, program().weight_bytes - machine().tile_bytes());
  insn.k = random_.chance(40) ? machine().r() : random_.pick(1, machine().r());
  insn.n = random_.chance(40) ? machine().c() : random_.pick(1, machine().c());
  insn.is_signed = random_.pick(0, 1);
  insn.use_zero = random_.pick(0, 1);
  if (insn.use_zero != 0) {
    insn.zero = param_row(insn.is_signed != 0 ? ParamKind::kZeroS8 : ParamKind::kZeroU8);
  }
  fifo_.push_back({insn.k, insn.n});
  sync_.emit(insn);
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
  pass.switch_tile = active_.k == 0 || (!fifo_.empty() && random_.chance(60)) ? 1 : 0;
  if (pass.switch_tile != 0) {
    if (fifo_.empty()) read_weights();
    active_ = fifo_.front();
    fifo_.pop_front();
  }
  pass.k = random_.chance(80) ? active_.k : random_.pick(1, active_.k);
  pass.n = random_.chance(80) ? active_.n : random_.pick(1, active_.n);
  random_precision(pass, random_);
}

// Accumulator rows for `rows` x `n` sums: anywhere, or some that hold sums to add to.
std::int64_t Generator::sums_at(std::int64_t rows, std::int64_t n, std::int64_t& accumulate) {
  const auto fits = [&](const Area& a) { return a.rows >= rows && a.lanes >= n; };
  const auto found = std::find_if(acc_.begin(), acc_.end(), fits);
  if (found != acc_.end() && random_.chance(60)) {
    accumulate = 1;
    return found->row + random_.pick(0, found->rows - rows);
  }
  return random_.pick(0, machine().accumulators_rows - rows);
}

void Generator::matmul() {
  isa::Matmul insn;
  begin_pass(insn);
  const bool wide = insn.precision != isa::precision::kInt8;
  const Area from = operand(random_.pick(1, 6), insn.k * (wide ? 2 : 1));
  insn.ub = from.row;
  insn.lane = from.lane;
  insn.rows = from.rows;
  insn.acc = sums_at(insn.rows, insn.n, insn.accumulate);
  sync_.emit(insn);
  written(insn);
}

void Generator::convolve() {
  isa::Convolve insn;
  begin_pass(insn);
  random_walk(insn, machine(), random_);
  const std::int64_t bytes = insn.precision == isa::precision::kInt8 ? 1 : 2;
  const Area from = operand(random_.pick(1, 12), insn.k / insn.taps * bytes);
  insn.ub = from.row;
  insn.lane = from.lane;
  insn.in_width = random_.pick(1, from.rows);
  insn.in_height = from.rows / insn.in_width;
  insn.acc = sums_at(insn.out_height * insn.out_width, insn.n, insn.accumulate);
  sync_.emit(insn);
  written(insn);
}

void Generator::activate(std::int64_t type) {
  if (acc_.empty()) return matmul();
  const Area& from = random_.one_of(acc_);
  isa::Activate insn;
  insn.type = type;
  insn.rows = random_.pick(1, from.rows);
  insn.acc = from.row + random_.pick(0, from.rows - insn.rows);
  insn.n = random_.pick(1, from.lanes);
  insn.use_bias = random_.pick(0, 1);
  if (insn.use_bias != 0) insn.bias = param_row(ParamKind::kBias);
  std::int64_t bytes = insn.n * 4;
  if (type != isa::type::kS32) {
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

// The host copies the output so far into a place that later transfers may read.
void Generator::interrupt() {
  if (stages_ == 3) return;
  const Shape shape = program().tensors[1].shape;
  const Region copy = add_tensor("copy" + std::to_string(++stages_), DType::kUint8, shape,
                                 isa::Role::kIntermediate);
  const auto to = static_cast<std::int64_t>(program().tensors.size()) - 1;
  const isa::HostStep step{stages_, isa::HostOp::kCopy, "copy y", {1}, {to}, {}, {}, 0};
  const auto later = [&](const isa::HostStep& s) { return s.stage > stages_; };
  auto& steps = program().host_steps;
  steps.insert(std::find_if(steps.begin(), steps.end(), later), step);
  sources_.push_back(copy);
  program().code.emplace_back(isa::Interrupt{stages_});
  sync_.barrier();
}

// A loop that takes the input through the array row by row, every unit waiting for all others.
void Generator::repeat() {
  const std::int64_t count = random_.pick(1, 4);
  if (active_.k == 0 || active_.k > machine().unified_buffer_row_bytes) return;
  const Region& from = sources_.front();
  isa::ReadHost load{from.address, active_.k, random_.pick(0, machine().ub_rows() - count), 0, 1,
                     active_.k};
  isa::Matmul pass;
  pass.ub = load.ub;
  pass.acc = random_.pick(0, machine().accumulators_rows - count);
  pass.rows = 1;
  pass.k = active_.k;
  pass.n = active_.n;
  isa::Copy move{load.ub, 0, 1, 0, 0, 1, 1, active_.k};
  move.to = (load.ub + machine().ub_rows() / 2) % (machine().ub_rows() - count);
  const isa::StepBy load_step{1, 0, 0, 0, random_.pick(1, active_.k)};
  const isa::StepBy pass_step{1, 1, 0, 0, 0};
  const std::size_t begin = program().code.size();
  program().code.emplace_back(isa::Repeat{count, 0});
  sync_.wait_for_all(Unit::kDmaIn);
  program().code.emplace_back(load_step);
  program().code.emplace_back(load);
  sync_.wait_for_all(Unit::kMatrix);
  program().code.emplace_back(pass_step);
  program().code.emplace_back(pass);
  sync_.wait_for_all(Unit::kVector);
  program().code.emplace_back(isa::StepBy{1, 0, 0, 0, 0});
  program().code.emplace_back(move);
  const auto length = static_cast<std::int64_t>(program().code.size() - begin) - 1;
  program().code[begin] = isa::Repeat{count, length};
  for (std::int64_t i = 0; i < count; ++i) {
    sync_.note(load);
    sync_.note(pass);
    sync_.note(move);
    written(load);
    written(pass);
    written(move);
    load.host += load_step.host;
    ++load.ub;
    ++pass.ub;
    ++pass.acc;
    ++move.ub;
    ++move.to;
  }
}

// Uses every tile that was read, then shows accumulators and buffer rows in the output.
void Generator::finish() {
  while (!fifo_.empty()) matmul();
  if (acc_.empty()) matmul();
  while (!fifo_.empty()) matmul();
  for (int i = 0; i < 3; ++i) {
    activate(isa::type::kS32);
    activate(random_.pick(0, 2));
    const Area last = ub_.back();
    ub_.push_back(last);
    write_host();
  }
  program().code.emplace_back(isa::Halt{});
}

}  // namespace

RandomCase random_case(std::uint64_t seed, std::int64_t length) {
  return Generator(seed, length).take();
}

}  // namespace systole
