// Memory product: block by block of rows, column block by column block, slice by slice.
#include "compiler/lower/memory_product.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/diag.h"
#include "base/units.h"
#include "compiler/lower/held_product.h"
#include "compiler/lower/memory_waits.h"
#include "compiler/lower/product.h"
#include "isa/operand.h"
#include "isa/precisions.h"

namespace systole::compiler {
namespace {

using isa::Unit;

constexpr std::int64_t kElement = 2;  // bytes of a bfloat16
constexpr std::int64_t kAhead = 8;    // slices of the first block that are asked for ahead

// How the product is cut, and where its parts lie.
struct Plan {
  const isa::Machine& machine;
  MemoryProduct shape;
  std::int64_t slices = 0, columns = 0;  // blocks of K and of N
  std::int64_t block_rows = 0, blocks = 0;
  std::int64_t b = 0, c = 0;  // addresses; A is at 0

  [[nodiscard]] std::int64_t rows(std::int64_t block) const {
    return std::min(block_rows, shape.m - block * block_rows);
  }
  [[nodiscard]] std::int64_t depth(std::int64_t slice) const {
    return std::min(machine.r(), shape.k - slice * machine.r());
  }
  [[nodiscard]] std::int64_t width(std::int64_t column) const {
    return std::min(machine.c(), shape.n - column * machine.c());
  }
  // Buffer rows of a row of A in a slice, and of C in a column block.
  [[nodiscard]] std::int64_t a_rows() const { return machine.ub_rows_of(machine.r() * kElement); }
  [[nodiscard]] std::int64_t c_rows() const { return machine.ub_rows_of(machine.c() * kElement); }
  [[nodiscard]] std::int64_t a_place(std::int64_t block, std::int64_t slice) const {
    return (block % 2 * slices + slice) * block_rows * a_rows();
  }
  [[nodiscard]] std::int64_t c_place(std::int64_t unit, std::int64_t turn) const {
    return 2 * slices * block_rows * a_rows() + (2 * unit + turn % 2) * block_rows * c_rows();
  }
  // Where the narrower last slice or column block ends has no gap: all before it are whole.
  [[nodiscard]] std::int64_t a_address(std::int64_t block, std::int64_t slice) const {
    return kElement * (slice * machine.r() * shape.m + block * block_rows * depth(slice));
  }
  [[nodiscard]] std::int64_t c_address(std::int64_t block, std::int64_t column) const {
    return c + kElement * (column * machine.c() * shape.m + block * block_rows * width(column));
  }
};

void check(const isa::Machine& machine, const MemoryProduct& shape) {
  const std::string where = "machine " + machine.name;
  if (machine.array_operands == isa::Operands::kIntegers)
    throw InputError(where, "multiplies integers alone", "array.operands bf16 or both");
  if (!machine.memory_is_writable())
    throw InputError(where, "has a memory for weights alone", "dram.holds = \"everything\"");
  constexpr std::int64_t kMost = std::int64_t{1} << 24;
  if (std::min({shape.m, shape.k, shape.n}) < 1 || std::max({shape.m, shape.k, shape.n}) > kMost) {
    throw InputError(fmt::format("product {} x {} x {}", shape.m, shape.k, shape.n),
                     "a dimension that is too small or too large", "1 to 2^24");
  }
}

Plan plan_of(const isa::Machine& machine, const MemoryProduct& shape) {
  check(machine, shape);
  Plan plan{machine, shape};
  plan.slices = ceil_div(shape.k, machine.r());
  plan.columns = ceil_div(shape.n, machine.c());
  const std::int64_t each =
      2 * plan.slices * plan.a_rows() + 2 * machine.array_units * plan.c_rows();
  const std::int64_t most = std::min(machine.accumulators_rows / 2, machine.ub_rows() / each);
  if (most < 1) {
    throw InputError("machine " + machine.name,
                     fmt::format("holds no row of {} slices of K", plan.slices),
                     "a larger unified_buffer.bytes");
  }
  plan.blocks = ceil_div(shape.m, most);
  plan.block_rows = ceil_div(shape.m, plan.blocks);
  plan.blocks = ceil_div(shape.m, plan.block_rows);
  const std::int64_t tiles = plan.slices * plan.columns;
  if (plan.blocks * tiles > kMaxPasses) {
    throw InputError(fmt::format("product {} x {} x {}", shape.m, shape.k, shape.n),
                     fmt::format("needs {} passes", plan.blocks * tiles),
                     fmt::format("at most {} in a program", kMaxPasses));
  }
  plan.b = kElement * shape.m * shape.k;
  plan.c = plan.b + tiles * isa::tile_bytes(machine, isa::weight_type::kBf16);
  if (plan.c + kElement * shape.m * shape.n > machine.dram_bytes) {
    throw InputError(fmt::format("product {} x {} x {}", shape.m, shape.k, shape.n),
                     "is larger than the device's memory",
                     fmt::format("dram.bytes = {}", machine.dram_bytes));
  }
  return plan;
}

class Writer {
 public:
  Writer(const Plan& plan, std::vector<isa::Insn>& code)
      : plan_(plan),
        waits_(code),
        loaded_(static_cast<std::size_t>(2 * plan.slices)),
        turns_(static_cast<std::size_t>(plan.machine.array_units)) {}

  void run() {
    for (std::int64_t block = 0; block < plan_.blocks; ++block) {
      const std::int64_t units = plan_.machine.array_units;
      const std::int64_t groups = ceil_div(plan_.columns, units);
      for (std::int64_t group = 0; group < groups; ++group) {
        const std::int64_t first = group * units;
        multiply(block, first, std::min(first + units, plan_.columns));
        // The next block comes in evenly beside this one.
        if (block + 1 < plan_.blocks) {
          load_until(block + 1, ceil_div(plan_.slices * (group + 1), groups));
        }
      }
      for (auto& turns : turns_) turns.block_end[static_cast<std::size_t>(block % 2)] = turns.pass;
      in_block_ = next_block_;
      next_block_ = 0;
    }
  }

 private:
  // What a matrix unit has come to.
  struct Turns {
    std::int64_t turn = 0;                    // column blocks so far
    std::int64_t pass = 0;                    // number of the last pass
    std::array<std::int64_t, 2> activated{};  // number of the last activation, by turn
    std::array<std::int64_t, 2> stored{};     // of the last store
    std::array<std::int64_t, 2> block_end{};  // of the last pass of a block, by its place
  };

  // The first `count` slices of a block of A: of the block at work or the next.
  void load_until(std::int64_t block, std::int64_t count) {
    std::int64_t& done = block == at_work_ ? in_block_ : next_block_;
    for (; done < std::min(count, plan_.slices); ++done) {
      for (std::int64_t u = 0; u < plan_.machine.array_units; ++u) {
        waits_.need(Unit::kLoad, isa::unit_at(Unit::kMatrix, u),
                    turns_[static_cast<std::size_t>(u)].block_end[place(block)], isa::why::kWar);
      }
      const std::int64_t bytes = plan_.depth(done) * kElement;
      loaded_[place(block) * static_cast<std::size_t>(plan_.slices) +
              static_cast<std::size_t>(done)] =
          waits_.push(isa::Load{.dram = plan_.a_address(block, done),
                                .stride = bytes,
                                .ub = plan_.a_place(block, done),
                                .rows = plan_.rows(block),
                                .bytes = bytes});
    }
  }
  static std::size_t place(std::int64_t block) { return static_cast<std::size_t>(block % 2); }

  // Column blocks [first, end), one in each unit.
  void multiply(std::int64_t block, std::int64_t first, std::int64_t end) {
    at_work_ = block;
    for (std::int64_t slice = 0; slice < plan_.slices; ++slice) {
      load_until(block, slice + kAhead);
      for (std::int64_t column = first; column < end; ++column) {
        pass(block, slice, column, column - first);
      }
    }
    for (std::int64_t column = first; column < end; ++column) {
      finish(block, column, column - first);
    }
  }

  void pass(std::int64_t block, std::int64_t slice, std::int64_t column, std::int64_t unit) {
    const Unit matrix = isa::unit_at(Unit::kMatrix, unit);
    Turns& turns = turns_[static_cast<std::size_t>(unit)];
    const std::int64_t tile = column * plan_.slices + slice;
    const std::int64_t bytes = isa::tile_bytes(plan_.machine, isa::weight_type::kBf16);
    waits_.push(isa::ReadWeights{.dram = plan_.b + tile * bytes,
                                 .k = plan_.depth(slice),
                                 .n = plan_.width(column),
                                 .instance = unit,
                                 .weights = isa::weight_type::kBf16});
    const std::size_t loaded =
        place(block) * static_cast<std::size_t>(plan_.slices) + static_cast<std::size_t>(slice);
    waits_.need(matrix, Unit::kLoad, loaded_[loaded], isa::why::kRaw);
    if (slice == 0) {
      waits_.need(matrix, isa::unit_at(Unit::kActivation, unit), turns.activated[place(turns.turn)],
                  isa::why::kWar);
    }
    turns.pass = waits_.push(isa::Matmul{.ub = plan_.a_place(block, slice),
                                         .acc = acc(turns.turn),
                                         .rows = plan_.rows(block),
                                         .k = plan_.depth(slice),
                                         .n = plan_.width(column),
                                         .accumulate = slice == 0 ? 0 : 1,
                                         .switch_tile = 1,
                                         .precision = isa::precision::kBf16,
                                         .instance = unit});
  }

  [[nodiscard]] std::int64_t acc(std::int64_t turn) const {
    return turn % 2 * (plan_.machine.accumulators_rows / 2);
  }

  // The sums of a column block to memory.
  void finish(std::int64_t block, std::int64_t column, std::int64_t unit) {
    const Unit activation = isa::unit_at(Unit::kActivation, unit);
    Turns& turns = turns_[static_cast<std::size_t>(unit)];
    const std::size_t half = place(turns.turn);
    const isa::OperandRange& none = isa::operand_range(isa::Operand::Limit);
    const std::int64_t bytes = plan_.width(column) * kElement;
    waits_.need(activation, isa::unit_at(Unit::kMatrix, unit), turns.pass, isa::why::kRaw);
    waits_.need(activation, Unit::kStore, turns.stored[half], isa::why::kWar);
    turns.activated[half] = waits_.push(isa::Activate{.acc = acc(turns.turn),
                                                      .ub = plan_.c_place(unit, turns.turn),
                                                      .rows = plan_.rows(block),
                                                      .n = plan_.width(column),
                                                      .type = isa::type::kBf16,
                                                      .lo = none.low,
                                                      .hi = none.high,
                                                      .instance = unit});
    waits_.need(Unit::kStore, activation, turns.activated[half], isa::why::kRaw);
    turns.stored[half] = waits_.push(isa::Store{.dram = plan_.c_address(block, column),
                                                .stride = bytes,
                                                .ub = plan_.c_place(unit, turns.turn),
                                                .rows = plan_.rows(block),
                                                .bytes = bytes});
    ++turns.turn;
  }

  const Plan& plan_;
  Waits waits_;
  std::vector<std::int64_t> loaded_;  // numbers of the loads, by place of their block and slice
  std::vector<Turns> turns_;          // by unit
  std::int64_t at_work_ = 0;
  std::int64_t in_block_ = 0,
               next_block_ = 0;  // slices asked for, of the block at work and the next
};

}  // namespace

isa::Program memory_product(const isa::Machine& machine, const MemoryProduct& shape) {
  const Plan plan = plan_of(machine, shape);
  isa::Program program;
  program.model = fmt::format("gemm:{},{},{}", shape.m, shape.k, shape.n);
  program.machine = machine;
  program.has_values = false;
  program.weight_bytes = plan.c;
  program.layers = {{"(none)", "none", 0, 0}, {"gemm", "matmul", shape.m * shape.k * shape.n, 0}};
  program.code.emplace_back(isa::Tag{.layer = 1});
  if (machine.unified_buffer_operand_bytes > 0) {
    Waits waits(program.code);
    held_product(machine, {.m = shape.m, .k = shape.k, .n = shape.n, .b = plan.b, .c = plan.c},
                 waits);
  } else {
    Writer(plan, program.code).run();
  }
  program.code.emplace_back(isa::Halt{});
  return program;
}

}  // namespace systole::compiler
