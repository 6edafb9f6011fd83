// Load and store (data sheet in load_store.h).
#include "sim/unit/load_store.h"

#include <algorithm>
#include <cstring>

#include "isa/visit.h"
#include "sim/kernel/waits.h"

namespace systole::sim {

MemoryEngine::MemoryEngine(const Board& board, isa::Unit unit, Completions& completions,
                           Memory& memory, UnifiedBuffer& buffer)
    : board_(board),
      unit_(unit),
      sheet_(board, unit),
      inbox_(board, unit, completions, sheet_),
      memory_(memory),
      buffer_(buffer),
      places_(board.kernel, board.causes),
      requester_(memory.connect(*this)) {}

template <typename Insn>
MemoryEngine::Move MemoryEngine::move_of(const Insn& insn) const {
  const isa::Machine& machine = board_.machine;
  const std::int64_t each = std::max<std::int64_t>(1, machine.ub_rows_of(insn.bytes, insn.lane));
  return {{insn.rows, insn.bytes, insn.lane, each, machine.unified_buffer_row_bytes},
          insn.dram,
          insn.stride};
}

void MemoryEngine::ask(const Trail& trail, const Move& move, std::int64_t first, Flight flight) {
  const Transfer& t = move.transfer;
  std::int64_t at = t.bytes_before(first).value;
  const std::int64_t end = t.bytes_before(first + flight.rows).value;
  flight.label.bytes = end - at;
  struct Piece {
    std::int64_t address, bytes;
  };
  std::vector<Piece> pieces;
  while (at < end) {
    // To the end of the logical row, or of the chunk where rows follow each other.
    const std::int64_t row = at / t.bytes;
    const std::int64_t stop = move.stride == t.bytes ? end : std::min(end, (row + 1) * t.bytes);
    pieces.push_back({move.address + row * move.stride + at % t.bytes, stop - at});
    at = stop;
  }
  flight.pieces = std::ssize(pieces);
  SYSTOLE_CHECK(!pieces.empty(), "a chunk of no bytes");
  flights_.push_back(flight);
  for (const Piece& piece : pieces) {
    memory_.ask(trail, requester_, piece.address, Bytes(piece.bytes));
  }
}

void MemoryEngine::flows(CyclePoint begin, const Instant& sent) {
  Flight& flight = flights_.front();
  sheet_.flow(begin, sent, flight.label);
  flight.sent = memory_.latest(flight.sent, sent, flight.work.layer());
  if (--flight.pieces > 0) return;
  const Flight done = flight;
  flights_.pop_front();
  moved(done);
}

Process LoadUnit::run() {
  Kernel& kernel = board_.kernel;
  Trail& trail = inbox_.trail();
  for (;;) {
    while (inbox_.blocked()) co_await inbox_.change();
    const auto move =
        isa::visit_work<Move, isa::Unit::kLoad>(inbox_.head().insn, [this](const isa::Load& i) {
          move_values(i);
          return move_of(i);
        });
    const SliceLabel label = inbox_.label(move.transfer.rows);
    const Inbox::Issued work = inbox_.issue();
    std::int64_t asked = 0;
    do {
      const CyclePoint ready = kernel.now();
      co_await trail.room(places_, ++chunks_begun_, board_.machine.dram_buffer_chunks,
                          Resource::kMemoryChunks);
      sheet_.wait(ready, kernel.now(), wait::kPort, label);
      const std::int64_t rows = buffer_.ports().write_chunk(move.transfer.port_rows() - asked);
      const bool last = asked + rows == move.transfer.port_rows();
      ask(trail, move, asked, {0, rows, last, work, label, {}});
      asked += rows;
      co_await trail.delay(CycleCount(1));
    } while (asked < move.transfer.port_rows());
  }
}

void LoadUnit::moved(const Flight& flight) {
  const Cause whole{flight.sent, Resource::kMemoryLatency, CycleCount(board_.machine.dram_latency)};
  whole_.push({memory_.after(whole, flight.work.layer()), flight.rows, flight.last, flight.work});
}

Process LoadUnit::write() {
  Trail& trail = write_trail_;
  Instant done;
  for (;;) {
    co_await whole_.item();
    const Whole chunk = whole_.front();
    trail.of_layer(chunk.work.layer());
    co_await trail.at({chunk.at});
    done = trail.latest({done}, {trail.now()});
    if (chunk.rows > 0) {
      const PortGrant grant = co_await buffer_.ports().ask(trail, unit_, {chunk.rows, 0, 1});
      done = trail.latest({done}, {grant.end});
      co_await trail.at({done, Resource::kControl, CycleCount(-1)});
    }
    whole_.pop();
    places_.post({trail.now(), Resource::kControl, CycleCount(1)});
    if (chunk.last) chunk.work.complete(done);
  }
}

void LoadUnit::move_values(const isa::Load& insn) {
  const Bytes bytes(insn.rows * insn.bytes);
  Counters& counters = board_.ledger.layer(inbox_.head().layer);
  counters.memory_read += bytes;
  counters.ub_written += bytes;
  if (!board_.values) return;
  const RowSpan to = buffer_.rows({insn.ub, insn.lane, insn.rows, insn.bytes});
  for (std::int64_t i = 0; i < insn.rows; ++i) {
    std::ranges::copy(memory_.read(insn.dram + i * insn.stride, insn.bytes), to.row(i));
  }
}

Process StoreUnit::run() {
  Kernel& kernel = board_.kernel;
  Trail& trail = inbox_.trail();
  for (;;) {
    while (inbox_.blocked()) co_await inbox_.change();
    co_await trail.at({next_});
    const auto move =
        isa::visit_work<Move, isa::Unit::kStore>(inbox_.head().insn, [this](const isa::Store& i) {
          move_values(i);
          return move_of(i);
        });
    const SliceLabel label = inbox_.label(move.transfer.rows);
    const Inbox::Issued work = inbox_.issue();
    for (std::int64_t read = 0; read < move.transfer.port_rows();) {
      co_await trail.at({next_});
      const CyclePoint ready = kernel.now();
      co_await trail.room(places_, ++chunks_begun_, board_.machine.dram_buffer_chunks,
                          Resource::kMemoryChunks);
      const std::int64_t rows = buffer_.ports().read_chunk(move.transfer.port_rows() - read);
      const PortGrant grant = co_await buffer_.ports().ask(trail, unit_, {rows, 1, 0});
      sheet_.wait(ready, grant.begin, wait::kPort, label);
      const bool last = read + rows == move.transfer.port_rows();
      read_.push({trail.now(), grant.end, move, read, {0, rows, last, work, label, {}}});
      read += rows;
      next_ = trail.after({grant.end, Resource::kControl, CycleCount(-1)});
    }
  }
}

Process StoreUnit::send() {
  Trail& trail = send_trail_;
  for (;;) {
    co_await read_.item();
    const Read chunk = read_.front();
    trail.of_layer(chunk.flight.work.layer());
    trail.join({chunk.pushed, Resource::kControl, CycleCount(1)});
    co_await trail.at({chunk.at});
    read_.pop();
    ask(trail, chunk.move, chunk.first, chunk.flight);
  }
}

void StoreUnit::moved(const Flight& flight) {
  places_.post({flight.sent});
  if (!flight.last) return;
  flight.work.complete(memory_.after(
      {flight.sent, Resource::kMemoryLatency, CycleCount(board_.machine.dram_latency)},
      flight.work.layer()));
}

void StoreUnit::move_values(const isa::Store& insn) {
  const Bytes bytes(insn.rows * insn.bytes);
  Counters& counters = board_.ledger.layer(inbox_.head().layer);
  counters.memory_written += bytes;
  counters.ub_read += bytes;
  if (!board_.values) return;
  const RowSpan from = buffer_.rows({insn.ub, insn.lane, insn.rows, insn.bytes});
  for (std::int64_t i = 0; i < insn.rows; ++i) {
    const auto to = memory_.write(insn.dram + i * insn.stride, insn.bytes);
    std::memcpy(to.data(), from.row(i), to.size());
  }
}

}  // namespace systole::sim
