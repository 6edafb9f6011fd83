// Chip: wiring, the run and its accounts (block diagram in chip.h).
#include "sim/chip.h"

#include <numeric>
#include <string>
#include <utility>

#include "sim/unit/pass_array.h"
#include "sim/unit/register_array.h"

namespace systole::sim {

Chip::Chip(const isa::Program& program, const isa::Machine& machine, const RunOptions& options,
           std::span<std::uint8_t> host, std::function<void(std::int64_t)> run_stage)
    : kernel_(options.shuffle_seed),
      ledger_(program.layers),
      occupancy_(options.probe != nullptr && options.probe->wants_counter()
                     ? std::make_optional<Occupancy>(program, machine)
                     : std::nullopt),
      board_{kernel_,
             machine,
             program,
             ledger_,
             options.probe,
             occupancy_ ? &*occupancy_ : nullptr,
             options.probe != nullptr && options.probe->wants_instruction(),
             !options.timing_only},
      completions_(kernel_),
      touched_(board_.values ? std::make_optional(isa::footprint(program, machine)) : std::nullopt),
      buffer_(kernel_, machine, touched_),
      params_(machine, touched_),
      accumulators_(machine, touched_),
      planes_(board_),
      array_(make_array(options)),
      link_in_(kernel_, machine, host),
      instructions_(board_, link_in_),
      dma_in_(board_, completions_, link_in_, buffer_, params_),
      dma_out_(board_, completions_, host, buffer_),
      fetch_(board_, completions_, params_, planes_),
      matrix_(board_, completions_, buffer_, planes_, *array_),
      activation_(board_, completions_, accumulators_, params_, buffer_),
      vector_(board_, completions_, params_, buffer_),
      sequencer_(board_, instructions_, completions_,
                 {nullptr, &dma_in_.inbox(), &dma_out_.inbox(), &fetch_.inbox(), &matrix_.inbox(),
                  &activation_.inbox(), &vector_.inbox()},
                 {std::move(run_stage), options.progress}) {}

std::unique_ptr<ArrayModel> Chip::make_array(const RunOptions& options) {
  if (options.engine == Engine::kRegister) {
    return std::make_unique<RegisterArray>(board_, planes_, accumulators_, options.writes);
  }
  return std::make_unique<PassArray>(board_, planes_, accumulators_, options.writes);
}

void Chip::run() {
  kernel_.spawn(instructions_.run());
  kernel_.spawn(sequencer_.run());
  kernel_.spawn(dma_in_.run());
  kernel_.spawn(dma_in_.write());
  kernel_.spawn(dma_out_.run());
  kernel_.spawn(fetch_.run());
  array_->spawn();
  kernel_.spawn(matrix_.run());
  kernel_.spawn(activation_.run());
  kernel_.spawn(vector_.run());
  if (board_.probe != nullptr && board_.probe->wants_counter()) {
    kernel_.spawn(planes_.watch(planes_.arrived(), +1));
    kernel_.spawn(planes_.watch(planes_.shifted(), -1));
  }
  kernel_.run();
  if (!sequencer_.halted()) throw InputError(board_.program.model, deadlock(), "a halt");
  matrix_.stalls().finish(ledger_.end());
  if (occupancy_) occupancy_->emit(*board_.probe);
}

std::string Chip::deadlock() {
  std::string text = fmt::format(
      "nothing can go on after cycle {}: the sequencer is at instruction "
      "{}",
      kernel_.now().value, sequencer_.current() + 1);
  for (Inbox* inbox : {&dma_in_.inbox(), &dma_out_.inbox(), &fetch_.inbox(), &matrix_.inbox(),
                       &activation_.inbox(), &vector_.inbox()}) {
    text += "; " + inbox->state();
  }
  text += fmt::format("; weight FIFO: {} tiles have arrived, {} were shifted in",
                      planes_.arrived().count(), planes_.shifted().count());
  return text + "; " + instructions_.state() + "; " + buffer_.ports().state();
}

void Chip::report(Report& report) const {
  report.total = ledger_.total();
  const CycleCount cycles = ledger_.end() - CyclePoint(0);
  SYSTOLE_CHECK(report.total.cycles == cycles, "{} cycles booked of {}", report.total.cycles.value,
                cycles.value);
  report.layers = ledger_.report();
  report.units.push_back(unit_report(sequencer_.sheet(), cycles));
  report.units.push_back(unit_report(dma_in_.sheet(), cycles));
  report.units.push_back(unit_report(dma_out_.sheet(), cycles));
  report.units.push_back(unit_report(fetch_.sheet(), cycles));
  report.units.push_back(matrix_report(report.total));
  report.units.push_back(unit_report(activation_.sheet(), cycles));
  report.units.push_back(unit_report(vector_.sheet(), cycles));
  report.device_seconds = board_.machine.seconds(cycles);
}

UnitReport Chip::matrix_report(const Counters& total) const {
  UnitReport unit{std::string(isa::unit_name(isa::Unit::kMatrix)), {}, {}, {}};
  unit.busy = total.matrix[static_cast<std::size_t>(Stall::kActive)];
  CycleCount sum = unit.busy;
  for (std::size_t i = 0; i < kStallCount; ++i) {
    const auto stall = static_cast<Stall>(i);
    if (stall == Stall::kActive || total.matrix[i] == CycleCount(0)) continue;
    unit.waits.emplace_back(stall_name(stall), total.matrix[i]);
    sum += total.matrix[i];
  }
  SYSTOLE_CHECK(sum == total.cycles, "{} matrix cycles of {}", sum.value, total.cycles.value);
  return unit;
}

UnitReport Chip::unit_report(const Timesheet& sheet, CycleCount cycles) const {
  UnitReport unit{std::string(sheet.track()), sheet.busy(), cycles - sheet.booked(), {}};
  SYSTOLE_CHECK(unit.idle >= CycleCount(0), "{} cycles of {} booked of {}", unit.unit,
                sheet.booked().value, cycles.value);
  for (const auto& [cls, length] : sheet.waits()) unit.waits.emplace_back(cls, length);
  return unit;
}

}  // namespace systole::sim
