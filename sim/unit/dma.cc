// DMA engines (data sheet in dma.h).
#include "sim/unit/dma.h"

#include <cstring>

namespace systole::sim {
namespace {

// Host rows from byte `address` on, `stride` bytes apart.
RowSpan host_rows(std::span<std::uint8_t> host, std::int64_t address, std::int64_t stride,
                  std::int64_t rows, std::int64_t bytes) {
  const std::int64_t end = rows == 0 ? address : address + (rows - 1) * stride + bytes;
  SYSTOLE_CHECK(address >= 0 && end <= static_cast<std::int64_t>(host.size()),
                "bytes [{}, {}) of {}", address, end, host.size());
  return {host.data() + address, stride};
}

void copy_rows(RowSpan to, RowSpan from, std::int64_t rows, std::int64_t bytes) {
  for (std::int64_t i = 0; i < rows; ++i) {
    std::memcpy(to.row(i), from.row(i), static_cast<std::size_t>(bytes));
  }
}

}  // namespace

DmaEngine::DmaEngine(const Board& board, isa::Unit unit, Completions& completions,
                     std::int64_t bytes_per_second)
    : board_(board),
      sheet_(board, unit),
      inbox_(board, unit, completions, sheet_),
      link_(board.machine.clock_hertz, bytes_per_second) {}

void DmaEngine::transfer(Bytes bytes) {
  const CyclePoint start = board_.kernel.now();
  const CyclePoint sent = link_.send(start, bytes);
  sheet_.busy(start, sent, inbox_.label(bytes.value));
  inbox_.start(sent + CycleCount(board_.machine.link_latency));
}

DmaIn::DmaIn(const Board& board, Completions& completions, std::span<std::uint8_t> host,
             UnifiedBuffer& buffer, ParamMemory& params)
    : DmaEngine(board, isa::Unit::kDmaIn, completions, board.machine.link_in_bytes_per_second),
      host_(host),
      buffer_(buffer),
      params_(params) {}

Process DmaIn::run() {
  for (;;) {
    while (inbox_.blocked()) co_await inbox_.change();
    co_await board_.kernel.at(link_.free_in());
    if (const auto* params = std::get_if<isa::ReadParams>(&inbox_.head().insn)) {
      read_params(*params);
    } else {
      read_host(inbox_.head_as<isa::ReadHost>());
    }
  }
}

void DmaIn::read_host(const isa::ReadHost& insn) {
  const UbRange range{insn.ub, insn.lane, insn.rows, insn.bytes};
  const Bytes bytes(insn.rows * insn.bytes);
  Counters& counters = board_.ledger.layer(inbox_.head().layer);
  counters.host_in += bytes;
  counters.ub_written += bytes;
  if (board_.values) {
    const RowSpan from = host_rows(host_, insn.host, insn.stride, insn.rows, insn.bytes);
    copy_rows(buffer_.rows(range), from, insn.rows, insn.bytes);
  }
  transfer(bytes);
}

void DmaIn::read_params(const isa::ReadParams& insn) {
  const std::int64_t bytes = insn.rows * board_.machine.param_row_bytes();
  board_.ledger.layer(inbox_.head().layer).host_in += Bytes(bytes);
  if (board_.values) {
    const RowSpan from = host_rows(host_, insn.host, bytes, 1, bytes);
    copy_rows({params_.bytes(insn.param, insn.rows).data(), bytes}, from, 1, bytes);
  }
  transfer(Bytes(bytes));
}

DmaOut::DmaOut(const Board& board, Completions& completions, std::span<std::uint8_t> host,
               UnifiedBuffer& buffer)
    : DmaEngine(board, isa::Unit::kDmaOut, completions, board.machine.link_out_bytes_per_second),
      host_(host),
      buffer_(buffer) {}

Process DmaOut::run() {
  for (;;) {
    while (inbox_.blocked()) co_await inbox_.change();
    co_await board_.kernel.at(link_.free_in());
    write_host(inbox_.head_as<isa::WriteHost>());
  }
}

void DmaOut::write_host(const isa::WriteHost& insn) {
  const Bytes bytes(insn.rows * insn.bytes);
  Counters& counters = board_.ledger.layer(inbox_.head().layer);
  counters.host_out += bytes;
  counters.ub_read += bytes;
  if (board_.values) {
    const RowSpan to = host_rows(host_, insn.host, insn.stride, insn.rows, insn.bytes);
    copy_rows(to, buffer_.rows({insn.ub, insn.lane, insn.rows, insn.bytes}), insn.rows, insn.bytes);
  }
  transfer(bytes);
}

}  // namespace systole::sim
