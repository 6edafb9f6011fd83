// DMA engines (data sheet in dma.h).
#include "sim/unit/dma.h"

#include <algorithm>
#include <cstring>

#include "isa/visit.h"
#include "sim/kernel/waits.h"

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

// What a read_host or write_host moves. An empty row still takes a port row.
template <typename Insn>
Transfer buffer_transfer(const isa::Machine& machine, const Insn& insn) {
  const std::int64_t each = std::max<std::int64_t>(1, machine.ub_rows_of(insn.bytes, insn.lane));
  return {insn.rows, insn.bytes, insn.lane, each, machine.unified_buffer_row_bytes};
}

}  // namespace

Bytes Transfer::bytes_before(std::int64_t n) const {
  const std::int64_t part = n % each * row_bytes - lane;
  return Bytes(n / each * bytes + std::clamp<std::int64_t>(part, 0, bytes));
}

DmaIn::DmaIn(const Board& board, Completions& completions, LinkIn& link, UnifiedBuffer& buffer,
             ParamMemory& params)
    : board_(board),
      sheet_(board, isa::Unit::kDmaIn),
      inbox_(board, isa::Unit::kDmaIn, completions, sheet_),
      link_(link),
      chunks_(board.kernel, board.machine.link_buffer_chunks),
      write_trail_(board.kernel, board.causes),
      freed_(board.causes),
      buffer_(buffer),
      params_(params) {}

Process DmaIn::run() {
  Kernel& kernel = board_.kernel;
  Trail& trail = inbox_.trail();
  for (std::int64_t chunk = 1;;) {
    while (inbox_.blocked()) co_await inbox_.change();
    co_await trail.at({next_});
    const isa::Insn& insn = inbox_.head().insn;
    const bool to_buffer = std::holds_alternative<isa::ReadHost>(insn);
    const auto transfer = isa::visit_work<Transfer, isa::Unit::kDmaIn>(
        insn, [this](const auto& i) { return read(i); });
    SliceLabel label = inbox_.label(transfer.rows);
    const Inbox::Issued work = inbox_.issue();
    std::int64_t sent_rows = 0;
    do {
      const CyclePoint ready = kernel.now();
      co_await chunks_.writable();
      trail.join_room(freed_, chunk++, board_.machine.link_buffer_chunks, Resource::kLinkChunks);
      const CyclePoint raised = kernel.now();
      sheet_.wait(ready, raised, wait::kPort, label);
      const std::int64_t rows = buffer_.ports().write_chunk(transfer.port_rows() - sent_rows);
      const Bytes bytes =
          transfer.bytes_before(sent_rows + rows) - transfer.bytes_before(sent_rows);
      const LinkGrant grant = co_await link_.send(trail, LinkSender::kData, bytes);
      sheet_.wait(raised, grant.begin, wait::kLink, label);
      label.bytes = bytes.value;
      sheet_.busy(grant.begin, grant.sent, label);
      sent_rows += rows;
      const bool last = sent_rows == transfer.port_rows();
      chunks_.push({trail.now(), grant.arrived, to_buffer ? rows : 0, last, work});
      next_ = grant.next;
      co_await trail.at({next_});
    } while (sent_rows < transfer.port_rows());
  }
}

Process DmaIn::write() {
  Trail& trail = write_trail_;
  Instant done;
  for (;;) {
    co_await chunks_.item();
    const Chunk chunk = chunks_.front();
    trail.of_layer(chunk.work.layer());
    trail.join({chunk.pushed, Resource::kControl, CycleCount(1)});
    co_await trail.at({chunk.whole});
    done = trail.latest({done}, {trail.now()});
    if (chunk.rows > 0) {
      const PortGrant grant =
          co_await buffer_.ports().ask(trail, isa::Unit::kDmaIn, {chunk.rows, 0, 1});
      done = trail.latest({done}, {grant.end});
      co_await trail.at({done, Resource::kControl, CycleCount(-1)});
    }
    chunks_.pop();
    freed_.push({trail.now(), Resource::kControl, CycleCount(1)});
    if (chunk.last) chunk.work.complete(done);
  }
}

Transfer DmaIn::read(const isa::ReadHost& insn) {
  const Bytes bytes(insn.rows * insn.bytes);
  Counters& counters = board_.ledger.layer(inbox_.head().layer);
  counters.host_in += bytes;
  counters.ub_written += bytes;
  if (board_.values) {
    const RowSpan from = host_rows(link_.host(), insn.host, insn.stride, insn.rows, insn.bytes);
    copy_rows(buffer_.rows({insn.ub, insn.lane, insn.rows, insn.bytes}), from, insn.rows,
              insn.bytes);
  }
  return buffer_transfer(board_.machine, insn);
}

Transfer DmaIn::read(const isa::ReadParams& insn) {
  const std::int64_t row_bytes = board_.machine.param_row_bytes();
  const std::int64_t bytes = insn.rows * row_bytes;
  board_.ledger.layer(inbox_.head().layer).host_in += Bytes(bytes);
  if (board_.values) {
    const RowSpan from = host_rows(link_.host(), insn.host, bytes, 1, bytes);
    copy_rows({params_.bytes(insn.param, insn.rows).data(), bytes}, from, 1, bytes);
  }
  return {insn.rows, row_bytes, 0, 1, row_bytes};
}

DmaOut::DmaOut(const Board& board, Completions& completions, std::span<std::uint8_t> host,
               UnifiedBuffer& buffer)
    : board_(board),
      sheet_(board, isa::Unit::kDmaOut),
      inbox_(board, isa::Unit::kDmaOut, completions, sheet_),
      link_(board.machine.clock_hertz, board.machine.link_out_bytes_per_second),
      host_(host),
      buffer_(buffer) {}

Process DmaOut::run() {
  Kernel& kernel = board_.kernel;
  Trail& trail = inbox_.trail();
  for (;;) {
    while (inbox_.blocked()) co_await inbox_.change();
    co_await trail.at({next_});
    co_await trail.at({places_[0]});
    const auto transfer = isa::visit_work<Transfer, isa::Unit::kDmaOut>(
        inbox_.head().insn, [this](const auto& i) { return write(i); });
    SliceLabel label = inbox_.label(transfer.rows);
    const Inbox::Issued work = inbox_.issue();
    Instant sent = trail.latest({trail.now()}, {places_[1]});
    for (std::int64_t read = 0; read < transfer.port_rows();) {
      co_await trail.at({next_});
      co_await trail.at({places_[0]});
      const CyclePoint raised = kernel.now();
      const std::int64_t rows = buffer_.ports().read_chunk(transfer.port_rows() - read);
      const PortGrant grant = co_await buffer_.ports().ask(trail, isa::Unit::kDmaOut, {rows, 1, 0});
      sheet_.wait(raised, grant.begin, wait::kPort, label);
      const Bytes bytes = transfer.bytes_before(read + rows) - transfer.bytes_before(read);
      sent = send(grant.end, bytes);
      label.bytes = bytes.value;
      sheet_.busy(grant.begin, sent, label);
      read += rows;
      next_ = trail.after({grant.end, Resource::kControl, CycleCount(-1)});
      places_ = {places_[1], sent};
    }
    work.complete(
        trail.after({sent, Resource::kLinkLatency, CycleCount(board_.machine.link_latency)}));
  }
}

Instant DmaOut::send(const Instant& read, Bytes bytes) {
  const bool waits = link_.free_in() > read;
  const CyclePoint sent = link_.send(read, bytes);
  Trail& trail = inbox_.trail();
  if (!trail.records()) return sent_ = Instant(sent);
  const Cause asked{read, Resource::kLinkOut, sent - read};
  const Cause held{sent_, Resource::kLinkOut, sent - sent_};
  return sent_ = trail.causes().granted(Rule::kLinkOut, asked, waits ? &held : nullptr,
                                        {.bytes = bytes.value}, trail.layer());
}

Transfer DmaOut::write(const isa::WriteHost& insn) {
  const Bytes bytes(insn.rows * insn.bytes);
  Counters& counters = board_.ledger.layer(inbox_.head().layer);
  counters.host_out += bytes;
  counters.ub_read += bytes;
  if (board_.values) {
    const RowSpan to = host_rows(host_, insn.host, insn.stride, insn.rows, insn.bytes);
    copy_rows(to, buffer_.rows({insn.ub, insn.lane, insn.rows, insn.bytes}), insn.rows, insn.bytes);
  }
  return buffer_transfer(board_.machine, insn);
}

}  // namespace systole::sim
