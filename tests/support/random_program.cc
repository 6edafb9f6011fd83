// Random programs: a generator that keeps lists of what is written and draws operands from them.
#include "tests/support/random_program.h"

#include <algorithm>

#include "isa/access.h"
#include "isa/precisions.h"
#include "tests/support/random_generator.h"
#include "tests/support/random_machine.h"

namespace systole {

using isa::Unit;

Generator::Generator(std::uint64_t seed, std::int64_t length, Width width)
    : random_(seed),
      sync_(case_.machine, random_, case_.program.code),
      params_(static_cast<std::size_t>(kParamKinds)) {
  case_.machine = random_machine(random_);
  if (width != Width::kOne) widen(case_.machine, random_);
  if (width == Width::kFloats) add_floats(case_.machine, random_);
  cores_.resize(static_cast<std::size_t>(machine().array_units));
  program().model = "random";
  program().machine = machine();
  program().layers = {{"(none)", "", 0, 0}, {"first", "matmul", 0, 0}, {"second", "matmul", 0, 0}};
  program().constants = random_constants(machine(), random_);
  program().host_bytes = std::ssize(program().constants);
  make_tensors();
  make_host_steps();
  const std::int64_t widest = has_floats() ? isa::weight_type::kBf16 : isa::weight_type::kByte;
  const std::int64_t tile = isa::tile_bytes(machine(), widest);
  program().weights.resize(static_cast<std::size_t>(tile * random_.pick(1, 6)));
  for (std::uint8_t& w : program().weights) w = random_.byte();
  if (has_floats()) random_floats(program().weights, random_);
  program().weight_bytes = static_cast<std::int64_t>(program().weights.size());
  make_table();
  while (static_cast<std::int64_t>(program().code.size()) < length) one_instruction();
  finish();
  case_.inputs = random_inputs(program(), random_);
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

void Generator::one_instruction() {
  if (machine().memory_is_writable() && random_.chance(15))
    return random_.chance(50) ? load() : store();
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
    read_weights(pick_core());
  } else if (which <= 64) {
    matmul(pick_core());
  } else if (which <= 75) {
    convolve(pick_core());
  } else if (which <= 90) {
    const std::int64_t type = pick_type(3);
    activate(pick_core(), type);
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
  if (const auto* m = std::get_if<isa::Matmul>(&insn)) {
    core(m->instance).acc.push_back({m->acc, m->rows, 0, m->n});
  }
  if (const auto* c = std::get_if<isa::Convolve>(&insn)) {  // so many that no buffer overflows
    core(c->instance)
        .acc.push_back({c->acc, std::min<std::int64_t>(c->out_height * c->out_width, 6), 0, c->n});
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
  const TileSize active = core(0).active;
  const bool floats = active.weights == isa::weight_type::kBf16;
  const std::int64_t bytes = active.k * (floats ? 2 : 1);
  if (active.k == 0 || bytes > machine().unified_buffer_row_bytes) return;
  const Region& from = sources_.front();
  isa::ReadHost load{from.address, bytes, random_.pick(0, machine().ub_rows() - count), 0, 1,
                     bytes};
  isa::Matmul pass;
  if (floats) pass.precision = isa::precision::kBf16;
  pass.ub = load.ub;
  pass.acc = random_.pick(0, machine().accumulators_rows - count);
  pass.rows = 1;
  pass.k = active.k;
  pass.n = active.n;
  isa::Copy move{load.ub, 0, 1, 0, 0, 1, 1, bytes};
  move.to = (load.ub + machine().ub_rows() / 2) % (machine().ub_rows() - count);
  const isa::StepBy load_step{1, 0, 0, 0, random_.pick(1, active.k)};
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
  for (std::int64_t i = 0; i < machine().array_units; ++i) {
    while (!core(i).fifo.empty()) matmul(i);
    if (core(i).acc.empty()) matmul(i);
    while (!core(i).fifo.empty()) matmul(i);
  }
  for (int i = 0; i < 3; ++i) {
    activate(pick_core(), isa::type::kS32);
    const std::int64_t type = pick_type(2);
    activate(pick_core(), type);
    const Area last = ub_.back();
    ub_.push_back(last);
    write_host();
  }
  program().code.emplace_back(isa::Halt{});
}

std::int64_t Generator::pick_type(std::int64_t last_integer) {
  if (has_floats() && random_.chance(60)) {
    return random_.chance(60) ? isa::type::kBf16 : isa::type::kF32;
  }
  return random_.pick(0, last_integer);
}

RandomCase random_case(std::uint64_t seed, std::int64_t length, Width width) {
  return Generator(seed, length, width).take();
}

}  // namespace systole
