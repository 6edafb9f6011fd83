// Accesses: one function per instruction, in the order of opcodes.def.
//
// An instruction that moves rows longer than a unified buffer row touches whole rows and a partly
// used last row. Each logical row is then listed on its own, so that the unused lanes of the last
// row stay free for others. Very long lists are given as their hull instead (kMaxListed), which is
// larger than the truth and therefore safe for dependencies.
#include "isa/access.h"

#include <algorithm>

#include "isa/precisions.h"

namespace systole::isa {
namespace {

constexpr std::int64_t kMaxListed = 65'536;

// Collects the ranges of one instruction on one machine.
class Lister {
 public:
  Lister(const Machine& machine, std::vector<Access>& out, bool list_host)
      : machine_(machine), out_(out), list_host_(list_host) {}

  // `rows` logical rows of `bytes` bytes from byte lane `lane` of unified buffer row `ub` on,
  // packed one after the other.
  void ub(std::int64_t ub, std::int64_t lane, std::int64_t rows, std::int64_t bytes, bool write) {
    const std::int64_t width = machine_.unified_buffer_row_bytes;
    const std::int64_t step = std::max<std::int64_t>(machine_.ub_rows_of(bytes, lane), 1);
    const std::int64_t tail = lane + bytes - (step - 1) * width;
    if (rows <= 0 || bytes <= 0) return;
    if (step == 1) return add(Space::kUb, ub, ub + rows, write, lane, lane + bytes);
    if ((lane == 0 && tail == width) || rows > kMaxListed) {
      return add(Space::kUb, ub, ub + rows * step, write, 0, width);
    }
    for (std::int64_t i = 0; i < rows; ++i, ub += step) {
      add(Space::kUb, ub, ub + 1, write, lane, width);
      if (step > 2) add(Space::kUb, ub + 1, ub + step - 1, write, 0, width);
      add(Space::kUb, ub + step - 1, ub + step, write, 0, tail);
    }
  }

  // As `ub`, but from one logical row to the next there are `stride` buffer rows.
  struct Rows {
    std::int64_t first, stride;
  };
  void strided_ub(const Rows& place, std::int64_t lane, std::int64_t rows, std::int64_t bytes,
                  bool write) {
    const std::int64_t step = machine_.ub_rows_of(bytes, lane);
    if (place.stride == step) return ub(place.first, lane, rows, bytes, write);
    if (rows > kMaxListed) {
      const std::int64_t end = place.first + (rows - 1) * place.stride + step;
      const bool whole = step > 1;
      return add(Space::kUb, place.first, end, write, whole ? 0 : lane,
                 whole ? machine_.unified_buffer_row_bytes : lane + bytes);
    }
    const std::int64_t distinct = place.stride == 0 ? 1 : rows;
    for (std::int64_t i = 0; i < distinct; ++i) {
      ub(place.first + i * place.stride, lane, 1, bytes, write);
    }
  }

  // `rows` rows of `bytes` bytes, `stride` bytes apart.
  void host(std::int64_t host, std::int64_t stride, std::int64_t rows, std::int64_t bytes,
            bool write) {
    if (rows <= 0 || bytes <= 0) return;
    host_ = {host, stride, rows, bytes, write};
    if (list_host_) strided(Space::kHost, host_);
  }
  // The same of the device's memory.
  void memory(std::int64_t address, std::int64_t stride, std::int64_t rows, std::int64_t bytes,
              bool write) {
    if (rows > 0 && bytes > 0) strided(Space::kDram, {address, stride, rows, bytes, write});
  }

  // Those of a matrix unit.
  struct Accumulators {
    std::int64_t instance, row;
  };
  void acc(const Accumulators& at, std::int64_t rows, std::int64_t columns, bool write) {
    if (rows <= 0 || columns <= 0) return;
    add(Space::kAcc, at.row, at.row + rows, write, 0, columns);
    out_.back().instance = at.instance;
  }
  void param(std::int64_t row, std::int64_t rows, std::int64_t columns, bool write) {
    if (rows > 0 && columns > 0) add(Space::kParam, row, row + rows, write, 0, columns);
  }
  void add(Space space, std::int64_t begin, std::int64_t end, bool write,
           std::int64_t lane_begin = 0, std::int64_t lane_end = 1) {
    out_.push_back({space, begin, end, write, lane_begin, lane_end, 0});
  }

  [[nodiscard]] const Machine& machine() const { return machine_; }
  [[nodiscard]] const HostRows& host_rows() const { return host_; }

 private:
  void strided(Space space, const HostRows& rows) {
    std::int64_t address = rows.address;
    if (rows.stride <= rows.bytes || rows.rows > kMaxListed) {
      return add(space, address, address + (rows.rows - 1) * rows.stride + rows.bytes, rows.write);
    }
    for (std::int64_t i = 0; i < rows.rows; ++i, address += rows.stride) {
      add(space, address, address + rows.bytes, rows.write);
    }
  }

  const Machine& machine_;
  std::vector<Access>& out_;
  bool list_host_;
  HostRows host_;
};

// Instructions of the sequencer touch no memory.
template <typename T>
void list(const T&, Lister&) {
  static_assert(T::kUnit == Unit::kSequencer, "say what this instruction reads and writes");
}

void list(const ReadHost& i, Lister& to) {
  to.host(i.host, i.stride, i.rows, i.bytes, false);
  to.ub(i.ub, i.lane, i.rows, i.bytes, true);
}

void list(const ReadParams& i, Lister& to) {
  const std::int64_t bytes = to.machine().param_row_bytes();
  to.host(i.host, bytes, i.rows, bytes, false);
  to.param(i.param, i.rows, to.machine().c(), true);
}

void list(const WriteHost& i, Lister& to) {
  to.ub(i.ub, i.lane, i.rows, i.bytes, false);
  to.host(i.host, i.stride, i.rows, i.bytes, true);
}

void list(const ReadWeights& i, Lister& to) {
  to.add(Space::kDram, i.dram, i.dram + tile_bytes(to.machine(), i.weights), false);
  if (i.use_zero != 0) to.param(i.zero, 1, i.n, false);
}

void list(const ReadTile& i, Lister& to) {
  to.ub(i.ub, i.lane, i.k, i.n * element_bytes(type::kBf16), false);
}

// The accumulators' side of a pass: accumulating reads what it adds to.
template <typename Pass>
void list_sums(const Pass& i, std::int64_t injected, Lister& to) {
  const std::int64_t rows = precision_info(i.precision).sum_rows(injected);
  if (i.accumulate != 0) to.acc({i.instance, i.acc}, rows, i.n, false);
  to.acc({i.instance, i.acc}, rows, i.n, true);
}

void list(const Matmul& i, Lister& to) {
  to.ub(i.ub, i.lane, i.rows, i.k * precision_info(i.precision).activation_bytes(), false);
  list_sums(i, i.rows, to);
}

// The whole map, though strides may pass over some of it.
void list(const Convolve& i, Lister& to) {
  const std::int64_t channels = i.k / std::max<std::int64_t>(i.taps, 1);
  to.ub(i.ub, i.lane, i.in_height * i.in_width,
        channels * precision_info(i.precision).activation_bytes(), false);
  list_sums(i, i.out_height * i.out_width, to);
}

// A table of one word per entry.
void list_table(std::int64_t table, std::int64_t type, Lister& to) {
  const std::int64_t c = to.machine().c();
  to.param(table, (table_words(type) + c - 1) / c, c, false);
}

// What activate and activate_pool have in common: `rows` accumulator rows and the parameters.
template <typename T>
void list_activation(const T& i, std::int64_t rows, Lister& to) {
  to.acc({i.instance, i.acc}, rows, i.n, false);
  if (i.use_bias != 0) to.param(i.bias, 1, i.n, false);
  if (is_requantised(i.type)) to.param(i.scale, 1, i.n, false);
  if (i.function == function::kTable) list_table(i.table, i.type, to);
}

void list(const Activate& i, Lister& to) {
  list_activation(i, i.rows, to);
  to.ub(i.ub, i.lane, i.rows, i.n * element_bytes(i.type), true);
}

void list(const ActivatePool& i, Lister& to) {
  list_activation(i, i.in_height * i.in_width, to);
  to.ub(i.ub, i.lane, i.out_height * i.out_width, i.n * element_bytes(i.type), true);
}

void list(const Vector& i, Lister& to) {
  const bool unary = i.op == vector_op::kConvert || i.op == vector_op::kLookup;
  const bool fill = i.op == vector_op::kFill;
  const std::int64_t b_rows = i.broadcast != 0 ? 1 : i.rows;
  if (!fill) to.ub(i.a, i.a_lane, i.rows, i.n * element_bytes(i.a_type), false);
  if (!fill && !unary) to.ub(i.b, i.b_lane, b_rows, i.n * element_bytes(i.b_type), false);
  if (i.op == vector_op::kLookup) list_table(i.table, i.a_type, to);
  to.ub(i.to, i.to_lane, i.rows, i.n * element_bytes(i.to_type), true);
}

void list(const Pool& i, Lister& to) {
  const std::int64_t bytes = i.n * element_bytes(i.type);
  to.ub(i.ub, i.lane, i.in_height * i.in_width, bytes, false);
  to.ub(i.to, i.to_lane, i.out_height * i.out_width, bytes, true);
}

void list(const Copy& i, Lister& to) {
  to.strided_ub({i.ub, i.stride}, i.lane, i.rows, i.bytes, false);
  to.strided_ub({i.to, i.to_stride}, i.to_lane, i.rows, i.bytes, true);
}

void list(const Load& i, Lister& to) {
  to.memory(i.dram, i.stride, i.rows, i.bytes, false);
  to.ub(i.ub, i.lane, i.rows, i.bytes, true);
}

void list(const Store& i, Lister& to) {
  to.ub(i.ub, i.lane, i.rows, i.bytes, false);
  to.memory(i.dram, i.stride, i.rows, i.bytes, true);
}

}  // namespace

std::int64_t element_bytes(std::int64_t type) {
  if (type == type::kS32 || type == type::kF32) return 4;
  return type == type::kS16 || type == type::kBf16 ? 2 : 1;
}

bool is_float(std::int64_t type) { return type == type::kBf16 || type == type::kF32; }

bool is_requantised(std::int64_t type) { return type != type::kS32 && !is_float(type); }

std::int64_t table_words(std::int64_t type) { return type == type::kS16 ? 257 : 256; }

void accesses(const Insn& insn, const Machine& machine, std::vector<Access>& out) {
  out.clear();
  Lister to(machine, out, true);
  std::visit([&to](const auto& i) { list(i, to); }, insn);
}

void device_accesses(const Insn& insn, const Machine& machine, std::vector<Access>& out) {
  out.clear();
  Lister to(machine, out, false);
  std::visit([&to](const auto& i) { list(i, to); }, insn);
}

HostRows host_rows(const Insn& insn, const Machine& machine) {
  const bool none = !std::holds_alternative<ReadHost>(insn) &&
                    !std::holds_alternative<WriteHost>(insn) &&
                    !std::holds_alternative<ReadParams>(insn);
  if (none) return {};
  std::vector<Access> unused;
  Lister to(machine, unused, false);
  std::visit([&to](const auto& i) { list(i, to); }, insn);
  return to.host_rows();
}

std::int64_t widest_bytes(const Vector& insn) {
  const bool fill = insn.op == vector_op::kFill;
  const bool unary = fill || insn.op == vector_op::kConvert || insn.op == vector_op::kLookup;
  const std::int64_t a = fill ? 0 : element_bytes(insn.a_type);
  const std::int64_t b = unary ? 0 : element_bytes(insn.b_type);
  return std::max({a, b, element_bytes(insn.to_type)});
}

}  // namespace systole::isa
