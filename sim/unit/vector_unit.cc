// Vector unit (data sheet in vector_unit.h).
#include "sim/unit/vector_unit.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "base/bfloat16.h"
#include "isa/access.h"
#include "isa/visit.h"
#include "sim/kernel/waits.h"
#include "sim/unit/even_share.h"
#include "sim/unit/vector_values.h"

namespace systole::sim {
namespace {

namespace configuration = isa::configuration;
namespace op = isa::vector_op;

bool reads_b(const isa::Vector& insn) {
  return insn.op != op::kConvert && insn.op != op::kLookup && insn.op != op::kFill;
}

UbRange range_a(const isa::Vector& i) {
  return {i.a, i.a_lane, i.op == op::kFill ? 0 : i.rows, i.n * isa::element_bytes(i.a_type)};
}
UbRange range_b(const isa::Vector& i) {
  const std::int64_t rows = i.broadcast != 0 ? 1 : i.rows;
  return {i.b, i.b_lane, reads_b(i) ? rows : 0, i.n * isa::element_bytes(i.b_type)};
}
UbRange range_to(const isa::Vector& i) {
  return {i.to, i.to_lane, i.rows, i.n * isa::element_bytes(i.to_type)};
}

// The bits of to_zero as an element of a float type.
std::int32_t filling(const Result& result) {
  const float x = result.floats.apply(static_cast<float>(result.limits.zero_point));
  if (result.type == isa::type::kBf16) return Bfloat16(x).bits;
  return std::bit_cast<std::int32_t>(x);
}

Bytes bytes_of(const UbRange& range) { return Bytes(range.rows * range.bytes); }

}  // namespace

VectorUnit::VectorUnit(const Board& board, Completions& completions, ParamMemory& params,
                       UnifiedBuffer& buffer)
    : board_(board),
      sheet_(board, isa::Unit::kVector),
      inbox_(board, isa::Unit::kVector, completions, sheet_),
      params_(params),
      buffer_(buffer) {}

Process VectorUnit::run() {
  Kernel& kernel = board_.kernel;
  Trail& trail = inbox_.trail();
  constexpr CycleCount kBefore(-1);
  for (;;) {
    while (inbox_.blocked()) co_await inbox_.change();
    co_await trail.at({free_, Resource::kControl, kBefore});
    const Moves moves = start();
    const std::int64_t most = std::max(moves.reads, moves.writes);
    const SliceLabel label = inbox_.label(most);
    const Inbox::Issued work = inbox_.issue();
    EvenShare reads(moves.reads, most), writes(moves.writes, most), cycles(moves.cycles, most);
    for (std::int64_t left = most; left > 0;) {
      UbPorts& ports = buffer_.ports();
      const std::int64_t rows = std::min(ports.read_chunk(left), ports.write_chunk(left));
      // Evenly over the cycles that the lanes take, through as few ports as that needs.
      const std::int64_t read = reads.take(rows), written = writes.take(rows);
      const std::int64_t lanes = cycles.take(rows),
                         turns = std::clamp<std::int64_t>(lanes, 1, UbPorts::kChunkRows);
      const PortUse use{turns, ceil_div(read, turns), ceil_div(written, turns)};
      const CyclePoint raised = kernel.now();
      const PortGrant grant = co_await ports.ask(trail, isa::Unit::kVector, use);
      sheet_.wait(raised, grant.begin, wait::kPort, label);
      const Instant begin = trail.latest({grant.begin}, {free_});
      free_ =
          trail.latest({grant.end}, {begin, Resource::kVector, own_cycles(read, written, lanes)});
      sheet_.busy(begin, free_, label);
      left -= rows;
      co_await trail.at({free_, Resource::kControl, kBefore});
    }
    work.complete(
        trail.after({free_, Resource::kVectorDepth, CycleCount(board_.machine.vector_depth)}));
  }
}

CycleCount VectorUnit::own_cycles(std::int64_t read, std::int64_t written,
                                  std::int64_t lanes) const {
  const isa::Machine& m = board_.machine;
  const CycleCount rows(std::max(m.unified_buffer_read_ports == 0 ? read : 0,
                                 m.unified_buffer_write_ports == 0 ? written : 0));
  return board_.paced(Resource::kVector, std::max(rows, CycleCount(lanes)));
}

VectorUnit::Moves VectorUnit::start() {
  return isa::visit_work<Moves, isa::Unit::kVector>(inbox_.head().insn,
                                                    [this](const auto& i) { return start(i); });
}

VectorUnit::Moves VectorUnit::start(const isa::Vector& insn) {
  const UbRange a = range_a(insn), b = range_b(insn), to = range_to(insn);
  count(bytes_of(a) + bytes_of(b), bytes_of(to));
  if (board_.values) insn.op == op::kLookup ? look_up(insn) : compute(insn);
  return {rows_of(a) + rows_of(b), rows_of(to),
          board_.machine.lane_cycles(insn.rows * insn.n * isa::widest_bytes(insn))};
}

void VectorUnit::compute(const isa::Vector& insn) {
  const isa::Registers& r = inbox_.registers();
  const Result result = result_of(r, insn.to_type);
  const RowSpan to = buffer_.rows(range_to(insn));
  if (insn.op == op::kFill) {
    const Limits& limits = result.limits;
    const std::int32_t word = isa::is_float(insn.to_type)
                                  ? filling(result)
                                  : std::clamp(limits.zero_point, limits.lo, limits.hi);
    const std::vector<std::int32_t> row(static_cast<std::size_t>(insn.n), word);
    for (std::int64_t i = 0; i < insn.rows; ++i) {
      store_row(row.data(), insn.to_type, insn.n, to.row(i));
    }
    return;
  }
  const Elements a_elements{insn.a_type, r.scale(configuration::kAScale),
                            r.integer(configuration::kAZero)};
  const Elements b_elements{insn.b_type, r.scale(configuration::kBScale),
                            r.integer(configuration::kBZero)};
  VectorMath math(insn.op, a_elements, b_elements, result, insn.n);
  const RowSpan a = buffer_.rows(range_a(insn));
  const RowSpan b = reads_b(insn) ? buffer_.rows(range_b(insn)) : RowSpan{};
  for (std::int64_t i = 0; i < insn.rows; ++i) {
    if (reads_b(insn) && (i == 0 || insn.broadcast == 0)) math.load_b(b.row(i));
    math.row(a.row(i), to.row(i));
  }
}

void VectorUnit::look_up(const isa::Vector& insn) {
  const std::vector<std::int32_t> words = params_.words(insn.table, isa::table_words(insn.a_type));
  std::vector<std::int32_t> row(static_cast<std::size_t>(insn.n));
  const RowSpan a = buffer_.rows(range_a(insn)), to = buffer_.rows(range_to(insn));
  for (std::int64_t i = 0; i < insn.rows; ++i) {
    widen_row(a.row(i), insn.a_type, insn.n, row.data());
    look_up_row(words.data(), insn.a_type, insn.n, row.data(), row.data());
    store_row(row.data(), insn.to_type, insn.n, to.row(i));
  }
}

VectorUnit::Moves VectorUnit::start(const isa::Pool& insn) {
  const PoolMap map(insn);
  const std::int64_t bytes = insn.n * isa::element_bytes(insn.type);
  const UbRange from{insn.ub, insn.lane, map.pixels(), bytes};
  const UbRange to{insn.to, insn.to_lane, map.outputs(), bytes};
  const std::int64_t taken = map.taken();
  count(Bytes(taken * bytes), bytes_of(to));
  if (board_.values) {
    const isa::Registers& r = inbox_.registers();
    const Pooling pooling{
        insn.op == isa::pool_op::kAverage,
        {insn.type, r.scale(configuration::kAScale), r.integer(configuration::kAZero)},
        result_of(r, insn.type),
        insn.n};
    pool_rows(pooling, map, buffer_.rows(from), buffer_.rows(to));
  }
  return {taken * board_.machine.ub_rows_of(bytes, insn.lane), rows_of(to),
          board_.machine.lane_cycles(taken * bytes)};
}

VectorUnit::Moves VectorUnit::start(const isa::Copy& insn) {
  count(Bytes(insn.rows * insn.bytes), Bytes(insn.rows * insn.bytes));
  const UbRange from{insn.ub, insn.lane, insn.rows, insn.bytes};
  const UbRange to{insn.to, insn.to_lane, insn.rows, insn.bytes};
  if (board_.values) {
    const auto row = [&](const UbRange& range, std::int64_t i, std::int64_t stride) {
      return buffer_.rows({range.ub + i * stride, range.lane, 1, range.bytes}).first;
    };
    for (std::int64_t i = 0; i < insn.rows; ++i) {
      std::memcpy(row(to, i, insn.to_stride), row(from, i, insn.stride),
                  static_cast<std::size_t>(insn.bytes));
    }
  }
  return {rows_of(from), rows_of(to)};
}

void VectorUnit::count(Bytes read, Bytes written) {
  Counters& counters = board_.ledger.layer(inbox_.head().layer);
  counters.ub_read += read;
  counters.ub_written += written;
}

std::int64_t VectorUnit::rows_of(const UbRange& range) const {
  return range.rows * board_.machine.ub_rows_of(range.bytes, range.lane);
}

}  // namespace systole::sim
