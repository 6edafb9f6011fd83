// Resident: sorts instructions; an interrupt between the parts makes all units wait.
#include "bench/resident.h"

#include <array>

#include "base/diag.h"

namespace systole::bench {
namespace {

enum Part : std::uint8_t { kLoads, kWork, kStores, kNowhere };

bool is_dma(std::int64_t unit) {
  return unit == static_cast<std::int64_t>(isa::index(isa::Unit::kDmaIn)) ||
         unit == static_cast<std::int64_t>(isa::index(isa::Unit::kDmaOut));
}

// Waits for transfers, and of transfers, are what the interrupts do.
Part part_of(const isa::Insn& insn) {
  const auto* sync = std::get_if<isa::Sync>(&insn);
  if (sync != nullptr) return is_dma(sync->unit) || is_dma(sync->wait_for) ? kNowhere : kWork;
  if (isa::queue_of(insn) == isa::Unit::kDmaIn) return kLoads;
  return isa::queue_of(insn) == isa::Unit::kDmaOut ? kStores : kWork;
}

void count_bytes(const isa::Insn& insn, const isa::Machine& machine, Resident& result) {
  if (const auto* read = std::get_if<isa::ReadHost>(&insn)) {
    result.bytes_in += read->rows * read->bytes;
  } else if (const auto* params = std::get_if<isa::ReadParams>(&insn)) {
    result.bytes_in += params->rows * machine.param_row_bytes();
  } else if (const auto* write = std::get_if<isa::WriteHost>(&insn)) {
    result.bytes_out += write->rows * write->bytes;
  }
}

}  // namespace

Resident make_resident(const isa::Program& program) {
  Resident result{program, 0, 0};
  std::array<std::vector<isa::Insn>, 3> parts;
  for (const isa::Insn& insn : program.code) {
    SYSTOLE_CHECK(!std::holds_alternative<isa::Repeat>(insn), "a repeat's length would change");
    count_bytes(insn, program.machine, result);
    const Part part = part_of(insn);
    if (part == kNowhere || std::holds_alternative<isa::Halt>(insn)) continue;
    parts.at(part).push_back(insn);
  }
  std::vector<isa::Insn>& code = result.program.code;
  code = std::move(parts[kLoads]);
  for (const Part part : {kWork, kStores}) {
    code.emplace_back(isa::Interrupt{.stage = part});
    code.insert(code.end(), parts.at(part).begin(), parts.at(part).end());
  }
  code.emplace_back(isa::Halt{});
  return result;
}

}  // namespace systole::bench
