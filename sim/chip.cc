// Chip: wiring, the run and its accounts (block diagram in chip.h).
#include "sim/chip.h"

#include <string>
#include <utility>

#include "sim/unit/pass_array.h"
#include "sim/unit/register_array.h"

namespace systole::sim {

namespace {

std::unique_ptr<ArrayModel> make_array(const MatrixCore::Shared& shared, WeightPlanes& planes,
                                       Accumulators& accumulators) {
  if (shared.options.engine == Engine::kRegister) {
    return std::make_unique<RegisterArray>(shared.board, planes, accumulators,
                                           shared.options.writes);
  }
  return std::make_unique<PassArray>(shared.board, planes, accumulators, shared.options.writes);
}

// What a machine can only be asked by the engine that keeps time in closed forms.
void require_cycle_engine(const isa::Machine& machine, const RunOptions& options) {
  if (options.engine == Engine::kCycle) return;
  SYSTOLE_CHECK(options.causes == nullptr, "causes of another engine than cycle");
  if (machine.array_shift_rows != 1 || machine.array_efficiency != 1'000 ||
      machine.array_split != 1) {
    throw InputError(machine.name,
                     fmt::format("array.shift_rows, split and efficiency are laws of time, which "
                                 "engine {} does not keep",
                                 engine_name(options.engine)),
                     "--engine cycle");
  }
  for (const ResourceInfo& resource : kResources) {
    if (resource.kind != ResourceKind::kPace || machine.*resource.parameter == 1) continue;
    throw InputError(machine.name,
                     fmt::format("what_if parameters ask how time would be, which engine {} cannot",
                                 engine_name(options.engine)),
                     "--engine cycle");
  }
}

UnitReport report_of(const Timesheet& sheet, CycleCount cycles) {
  UnitReport unit{std::string(sheet.track()), sheet.busy(), cycles - sheet.booked(), {}};
  SYSTOLE_CHECK(unit.idle >= CycleCount(0), "{} cycles of {} booked of {}", unit.unit,
                sheet.booked().value, cycles.value);
  for (const auto& [cls, length] : sheet.waits()) {
    if (length > CycleCount(0)) unit.waits.emplace_back(cls, length);
  }
  return unit;
}

}  // namespace

MemoryDma::MemoryDma(const Board& board, Completions& completions, Memory& memory,
                     UnifiedBuffer& buffer)
    : load(board, isa::Unit::kLoad, completions, memory, buffer),
      store(board, isa::Unit::kStore, completions, memory, buffer) {}

MatrixCore::MatrixCore(const Shared& shared, std::int64_t instance)
    : accumulators(shared.board.machine, shared.touched),
      planes(shared.board, instance),
      array(make_array(shared, planes, accumulators)),
      fetch(shared.board, isa::unit_at(isa::Unit::kWeights, instance), shared.completions,
            shared.memory, shared.params, shared.buffer, planes),
      matrix(shared.board, isa::unit_at(isa::Unit::kMatrix, instance), shared.completions,
             shared.buffer, planes, *array),
      activation(shared.board, isa::unit_at(isa::Unit::kActivation, instance), shared.completions,
                 accumulators, shared.params, shared.buffer) {}

void MatrixCore::spawn(Kernel& kernel) {
  kernel.spawn(fetch.run());
  array->spawn();
  kernel.spawn(matrix.run());
  kernel.spawn(activation.run());
}

Chip::Chip(const isa::Program& program, const isa::Machine& machine, const RunOptions& options,
           std::span<std::uint8_t> host, std::function<void(std::int64_t)> run_stage)
    : kernel_(options.shuffle_seed),
      ledger_(program.layers),
      occupancy_(options.probe != nullptr && options.probe->wants_counter()
                     ? std::make_optional<Occupancy>(program, machine, *options.probe)
                     : std::nullopt),
      board_{kernel_,
             machine,
             program,
             ledger_,
             options.probe,
             options.causes,
             occupancy_ ? &*occupancy_ : nullptr,
             options.probe != nullptr && options.probe->wants_instruction(),
             !options.timing_only},
      completions_(kernel_, machine, options.causes),
      touched_(board_.values ? std::make_optional(isa::footprint(program, machine)) : std::nullopt),
      buffer_(kernel_, machine, touched_),
      params_(machine, touched_),
      memory_(kernel_, machine, options.causes, program.weights,
              touched_ ? touched_->memory_bytes : 0),
      cores_(make_cores(options)),
      link_in_(kernel_, machine, host),
      instructions_(board_, link_in_),
      dma_in_(board_, completions_, link_in_, buffer_, params_),
      dma_out_(board_, completions_, host, buffer_),
      vector_(board_, completions_, params_, buffer_),
      memory_dma_(make_memory_dma()),
      sequencer_(board_, instructions_, completions_, inboxes(),
                 {std::move(run_stage), options.progress}) {}

std::vector<std::unique_ptr<MatrixCore>> Chip::make_cores(const RunOptions& options) {
  require_cycle_engine(board_.machine, options);
  const MatrixCore::Shared shared{board_,  options, completions_, touched_,
                                  memory_, buffer_, params_};
  std::vector<std::unique_ptr<MatrixCore>> cores;
  for (std::int64_t i = 0; i < board_.machine.array_units; ++i) {
    cores.push_back(std::make_unique<MatrixCore>(shared, i));
  }
  return cores;
}

std::unique_ptr<MemoryDma> Chip::make_memory_dma() {
  if (!board_.machine.memory_is_writable()) return nullptr;
  return std::make_unique<MemoryDma>(board_, completions_, memory_, buffer_);
}

Inbox* Chip::inbox_of(isa::Unit unit) {
  const auto core = [&]() -> MatrixCore& {
    return *cores_.at(static_cast<std::size_t>(isa::instance_of(unit)));
  };
  switch (isa::kind_of(unit)) {
    case isa::Unit::kSequencer:
      return nullptr;
    case isa::Unit::kDmaIn:
      return &dma_in_.inbox();
    case isa::Unit::kDmaOut:
      return &dma_out_.inbox();
    case isa::Unit::kWeights:
      return &core().fetch.inbox();
    case isa::Unit::kMatrix:
      return &core().matrix.inbox();
    case isa::Unit::kActivation:
      return &core().activation.inbox();
    case isa::Unit::kVector:
      return &vector_.inbox();
    case isa::Unit::kLoad:
      return &memory_dma_->load.inbox();
    case isa::Unit::kStore:
      return &memory_dma_->store.inbox();
  }
  SYSTOLE_CHECK(false, "unit {}", isa::index(unit));
}

const Timesheet& Chip::sheet_of(isa::Unit unit) const {
  const auto core = [&]() -> const MatrixCore& {
    return *cores_.at(static_cast<std::size_t>(isa::instance_of(unit)));
  };
  switch (isa::kind_of(unit)) {
    case isa::Unit::kSequencer:
      return sequencer_.sheet();
    case isa::Unit::kDmaIn:
      return dma_in_.sheet();
    case isa::Unit::kDmaOut:
      return dma_out_.sheet();
    case isa::Unit::kWeights:
      return core().fetch.sheet();
    case isa::Unit::kMatrix:
      return core().matrix.sheet();
    case isa::Unit::kActivation:
      return core().activation.sheet();
    case isa::Unit::kVector:
      return vector_.sheet();
    case isa::Unit::kLoad:
      return memory_dma_->load.sheet();
    case isa::Unit::kStore:
      return memory_dma_->store.sheet();
  }
  SYSTOLE_CHECK(false, "unit {}", isa::index(unit));
}

std::vector<Inbox*> Chip::inboxes() {
  std::vector<Inbox*> inboxes(isa::unit_slots(board_.machine));
  for (const isa::Unit unit : isa::units_of(board_.machine)) {
    inboxes[isa::index(unit)] = inbox_of(unit);
  }
  return inboxes;
}

void Chip::run() {
  kernel_.spawn(instructions_.run());
  kernel_.spawn(sequencer_.run());
  kernel_.spawn(dma_in_.run());
  kernel_.spawn(dma_in_.write());
  kernel_.spawn(dma_out_.run());
  memory_.spawn();
  for (const auto& core : cores_) core->spawn(kernel_);
  kernel_.spawn(vector_.run());
  if (memory_dma_ != nullptr) {
    kernel_.spawn(memory_dma_->load.run());
    kernel_.spawn(memory_dma_->load.write());
    kernel_.spawn(memory_dma_->store.run());
    kernel_.spawn(memory_dma_->store.send());
  }
  if (board_.probe != nullptr && board_.probe->wants_counter()) {
    for (const auto& core : cores_) {
      kernel_.spawn(core->planes.watch(core->planes.arrived(), +1));
      kernel_.spawn(core->planes.watch(core->planes.shifted(), -1));
    }
  }
  kernel_.run();
  if (!sequencer_.halted()) throw InputError(board_.program.model, deadlock(), "a halt");
  for (const auto& core : cores_) {
    core->fetch.sheet().settle();
    core->matrix.stalls().finish(ledger_.end());
  }
  if (memory_dma_ != nullptr) {
    memory_dma_->load.sheet().settle();
    memory_dma_->store.sheet().settle();
  }
  if (occupancy_) occupancy_->finish();
}

std::string Chip::deadlock() {
  std::string text = fmt::format(
      "nothing can go on after cycle {}: the sequencer is at instruction "
      "{}",
      kernel_.now().value, sequencer_.current() + 1);
  for (Inbox* inbox : inboxes()) {
    if (inbox != nullptr) text += "; " + inbox->state();
  }
  for (const auto& core : cores_) {
    text += fmt::format("; weight FIFO: {} tiles have arrived, {} were shifted in",
                        core->planes.arrived().count(), core->planes.shifted().count());
  }
  return text + "; " + instructions_.state() + "; " + buffer_.ports().state();
}

void Chip::report(Report& report) const {
  const CycleCount cycles = ledger_.end() - CyclePoint(0);
  report.total = ledger_.total();
  report.total.cycles = cycles;
  report.layers = ledger_.report();
  for (const isa::Unit unit : isa::units_of(board_.machine)) {
    report.units.push_back(report_of(sheet_of(unit), cycles));
  }
  report.device_seconds = board_.machine.seconds(cycles);
}

}  // namespace systole::sim
