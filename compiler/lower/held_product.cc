// Held product: panel by panel of A, column block by column block of B, job by job.
#include "compiler/lower/held_product.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/diag.h"
#include "base/units.h"
#include "isa/operand.h"
#include "isa/precisions.h"

namespace systole::compiler {
namespace {

using isa::Unit;

constexpr std::int64_t kElement = 2;     // bytes of a bfloat16
constexpr std::int64_t kMostPlaces = 8;  // of column blocks of a B that streams
constexpr std::int64_t kAhead = 32;      // tiles of it that are asked for ahead

// How the product is cut, and what lies where in the buffer.
struct Cut {
  const isa::Machine& machine;
  HeldProduct of;
  bool hold_a = false, hold_b = false;
  std::int64_t slices = 0, columns = 0;     // blocks of K and of all N
  std::int64_t panel_rows = 0, panels = 0;  // of A
  std::int64_t block_rows = 0;              // of a job
  std::int64_t a_places = 0, b_places = 0;  // panels and column blocks that have a place
  std::int64_t a_row = 0, b_row = 0, c_row = 0;

  [[nodiscard]] std::int64_t depth(std::int64_t slice) const {
    return std::min(machine.r(), of.k - slice * machine.r());
  }
  [[nodiscard]] std::int64_t width(std::int64_t column) const {
    return std::min(machine.c(), of.n - column % (columns / of.groups) * machine.c());
  }
  [[nodiscard]] std::int64_t rows(std::int64_t panel) const {
    return std::min(panel_rows, of.m - panel * panel_rows);
  }
  // Buffer rows of a row of A in a slice, and of B and C in a column block.
  [[nodiscard]] std::int64_t a_rows() const { return machine.ub_rows_of(machine.r() * kElement); }
  [[nodiscard]] std::int64_t c_rows() const { return machine.ub_rows_of(machine.c() * kElement); }
  [[nodiscard]] std::int64_t column_rows() const { return slices * machine.r() * c_rows(); }
  [[nodiscard]] std::int64_t results() const {
    return of.c_row ? 0 : 2 * machine.array_units * block_rows * c_rows();
  }
  [[nodiscard]] std::int64_t operand_rows() const {
    return of.a_row ? 0 : a_places * slices * panel_rows * a_rows();
  }
  // Column blocks that are at work at a time.
  [[nodiscard]] std::int64_t group() const {
    return ceil_div(panel_rows, block_rows) % machine.array_units == 0 ? 1 : machine.array_units;
  }
  // Tiles that are asked for before those at work, where B streams.
  [[nodiscard]] std::int64_t ahead() const {
    return std::min(kAhead, (b_places - group()) * slices);
  }
  // Column blocks for which there is room.
  [[nodiscard]] std::int64_t room() const {
    if (of.b_row) return columns;
    return (machine.ub_rows() - of.first_row - operand_rows() - results()) / column_rows();
  }
};

void cut_rows(Cut& cut, std::int64_t panel_rows) {
  const isa::Machine& m = cut.machine;
  cut.panels = ceil_div(cut.of.m, panel_rows);
  cut.panel_rows = ceil_div(cut.of.m, cut.panels);
  cut.panels = ceil_div(cut.of.m, cut.panel_rows);
  cut.a_places = std::min<std::int64_t>(2, cut.panels);
  std::int64_t blocks = ceil_div(cut.panel_rows, m.accumulators_rows / 2);
  // Each unit has its share of the rows, unless a tile would then have fewer of them than its own:
  // then the units share the column blocks.
  const std::int64_t dealt = ceil_div(blocks, m.array_units) * m.array_units;
  if (cut.panel_rows >= dealt * m.r()) blocks = dealt;
  cut.block_rows = ceil_div(cut.panel_rows, blocks);
}

// Whether there is room for the operands that are held and places for those that stream.
bool fits(Cut& cut, bool hold_a, bool hold_b) {
  const isa::Machine& m = cut.machine;
  cut.hold_a = hold_a;
  cut.hold_b = hold_b;
  const std::int64_t least = m.array_units * m.r();
  std::int64_t panel = hold_a ? cut.of.m : hold_b ? m.accumulators_rows / 2 : least;
  for (;; panel = std::max(least, panel / 2)) {
    cut_rows(cut, panel);
    cut.b_places = hold_b ? cut.columns : std::min({cut.columns, kMostPlaces, cut.room()});
    const bool streams = cut.b_places >= std::min(2 * cut.group(), cut.columns);
    if (streams && cut.b_places <= cut.room()) return true;
    if (hold_a || panel <= least) return false;
  }
}

Cut cut_of(const isa::Machine& machine, const HeldProduct& p) {
  Cut cut{machine, p};
  cut.slices = ceil_div(p.k, machine.r());
  cut.columns = p.groups * ceil_div(p.n, machine.c());
  const std::int64_t most = machine.unified_buffer_operand_bytes;
  const std::int64_t a = kElement * p.m * p.k;
  const std::int64_t b = p.b_row ? 0 : kElement * p.k * p.n * p.groups;
  const bool there = p.a_row.has_value();
  const bool found =
      ((p.b_row || (p.m > 1 && !p.stream && a + b <= most)) && fits(cut, true, true)) ||
      ((there || a <= most) && fits(cut, true, false)) ||
      (!there && !p.stream && b <= most && fits(cut, false, true)) ||
      (!there && fits(cut, false, false));
  if (!found) {
    throw InputError("machine " + machine.name,
                     fmt::format("holds no panel of a product of {} x {} x {}", p.m, p.k, p.n),
                     "a larger unified_buffer.bytes");
  }
  cut.a_row = p.a_row.value_or(p.first_row);
  cut.c_row = p.first_row + cut.operand_rows();
  cut.b_row = p.b_row.value_or(cut.c_row + cut.results());
  return cut;
}

class Writer {
 public:
  Writer(const Cut& cut, Waits& waits)
      : cut_(cut),
        waits_(waits),
        a_loaded_(static_cast<std::size_t>(cut.a_places * cut.slices)),
        b_loaded_(static_cast<std::size_t>(cut.b_places * cut.slices)),
        units_(static_cast<std::size_t>(cut.machine.array_units)) {
    for (Turns& turns : units_) {
      turns.panel_end.resize(static_cast<std::size_t>(cut.a_places));
      turns.column_end.resize(static_cast<std::size_t>(cut.b_places));
    }
  }

  void run() {
    const std::int64_t first = cut_.hold_b ? cut_.columns * cut_.slices : cut_.ahead();
    if (!cut_.hold_a && cut_.hold_b) load_tiles(first);
    load_panel(0, cut_.slices);
    load_tiles(first);
    held_ = cut_.hold_a && !cut_.of.a_row ? loaded_ : 0;
    if (cut_.hold_b) held_ = std::max(held_, b_loaded_.back());
    if (cut_.of.next != nullptr) load_next(*cut_.of.next);
    for (std::int64_t panel = 0; panel < cut_.panels; ++panel) {
      for (std::int64_t column = 0; column < cut_.columns; ++column) {
        const std::int64_t number = panel * cut_.columns + column;
        multiply(panel, column, cut_.hold_b ? column : number);
        // The next panel comes in evenly beside this one.
        if (panel + 1 < cut_.panels) {
          load_panel(panel + 1, ceil_div(cut_.slices * (column + 1), cut_.columns));
        }
      }
      work();
      for (Turns& turns : units_) turns.panel_end[place(panel, cut_.a_places)] = turns.pass;
    }
  }

 private:
  // What a matrix unit has come to.
  struct Turns {
    std::int64_t turn = 0;                    // jobs so far
    std::int64_t pass = 0;                    // number of the last pass
    std::array<std::int64_t, 2> activated{};  // number of the last activation, by turn
    std::array<std::int64_t, 2> stored{};     // of the last store
    std::vector<std::int64_t> panel_end;      // of the last pass of a panel, by its place
    std::vector<std::int64_t> column_end;     // of the last tile read of a column block, by place
  };

  static std::size_t place(std::int64_t number, std::int64_t places) {
    return static_cast<std::size_t>(number % places);
  }
  [[nodiscard]] std::int64_t a_at(std::int64_t panel, std::int64_t slice) const {
    const auto at = static_cast<std::int64_t>(place(panel, cut_.a_places));
    return cut_.a_row + (at * cut_.slices + slice) * cut_.panel_rows * cut_.a_rows();
  }
  [[nodiscard]] std::int64_t b_at(std::int64_t number, std::int64_t slice) const {
    const auto at = static_cast<std::int64_t>(place(number, cut_.b_places));
    return cut_.b_row + (at * cut_.slices + slice) * cut_.machine.r() * cut_.c_rows();
  }

  // Slices of a panel of A, up to `end`: of the panel at work or the next.
  void load_panel(std::int64_t panel, std::int64_t end) {
    if (cut_.of.a_row) return;
    std::int64_t& done = slices_done_[place(panel, 2)];
    if (panel != panel_loading_) done = 0;
    panel_loading_ = panel;
    for (; done < end; ++done) {
      for (std::size_t u = 0; u < units_.size(); ++u) {
        waits_.need(Unit::kLoad, matrix(u), units_[u].panel_end[place(panel, cut_.a_places)],
                    isa::why::kWar);
      }
      const std::int64_t bytes = cut_.depth(done) * kElement;
      const std::int64_t from = kElement * done * cut_.machine.r() * cut_.of.pitch +
                                (cut_.of.row + panel * cut_.panel_rows) * bytes;
      loaded_ = waits_.push(isa::Load{.dram = cut_.of.a + from,
                                      .stride = bytes,
                                      .ub = a_at(panel, done),
                                      .rows = cut_.rows(panel),
                                      .bytes = bytes});
      a_loaded_[place(panel, cut_.a_places) * static_cast<std::size_t>(cut_.slices) +
                static_cast<std::size_t>(done)] = loaded_;
    }
  }

  // The tiles of the product that follows, beside this one's passes.
  void load_next(const HeldProduct& next) {
    Cut cut{cut_.machine, next};
    cut.slices = ceil_div(next.k, cut.machine.r());
    cut.columns = next.groups * ceil_div(next.n, cut.machine.c());
    cut.b_row = next.b_row.value();
    for (std::int64_t column = 0; column < cut.columns; ++column) {
      for (std::int64_t slice = 0; slice < cut.slices; ++slice)
        load_tile(cut, slice, column, column);
    }
  }
  // Into the place `at` of those of column blocks.
  std::int64_t load_tile(const Cut& cut, std::int64_t slice, std::int64_t column, std::int64_t at) {
    const std::int64_t bytes = cut.width(column) * kElement;
    const std::int64_t tile = isa::tile_bytes(cut.machine, isa::weight_type::kBf16);
    const std::int64_t row = (at * cut.slices + slice) * cut.machine.r() * cut.c_rows();
    return waits_.push(isa::Load{.dram = cut.of.b + (column * cut.slices + slice) * tile,
                                 .stride = bytes,
                                 .ub = cut.b_row + row,
                                 .rows = cut.depth(slice),
                                 .bytes = bytes});
  }

  // Tiles of B, up to the `end`-th that is read: column block by column block, those at work at a
  // time slice by slice.
  void load_tiles(std::int64_t end) {
    if (cut_.of.b_row) return;
    const std::int64_t columns = (cut_.hold_b ? 1 : cut_.panels) * cut_.columns;
    for (; tiles_done_ < std::min(end, columns * cut_.slices); ++tiles_done_) {
      const std::int64_t first = tiles_done_ / (cut_.slices * cut_.group()) * cut_.group();
      const std::int64_t beside = std::min(cut_.group(), columns - first);
      const std::int64_t tile = tiles_done_ - first * cut_.slices;
      load(first + tile % beside, tile / beside);
    }
  }
  // A tile of the `number`-th column block, once its place is free.
  void load(std::int64_t number, std::int64_t slice) {
    const std::size_t at = place(number, cut_.b_places);
    for (std::size_t u = 0; u < units_.size(); ++u) {
      waits_.need(Unit::kLoad, weights(u), units_[u].column_end[at], isa::why::kWar);
    }
    b_loaded_[at * static_cast<std::size_t>(cut_.slices) + static_cast<std::size_t>(slice)] =
        load_tile(cut_, slice, number % cut_.columns, static_cast<std::int64_t>(at));
  }

  static Unit matrix(std::size_t unit) {
    return isa::unit_at(Unit::kMatrix, static_cast<std::int64_t>(unit));
  }
  static Unit weights(std::size_t unit) {
    return isa::unit_at(Unit::kWeights, static_cast<std::int64_t>(unit));
  }

  struct Job {
    std::int64_t panel, column, number, first, rows;
    std::size_t unit;
  };
  // A column block of a panel, the `number`-th in the order of loads.
  void multiply(std::int64_t panel, std::int64_t column, std::int64_t number) {
    const std::int64_t rows = cut_.rows(panel);
    for (std::int64_t first = 0; first < rows; first += cut_.block_rows) {
      jobs_.push_back({panel, column, number, first, std::min(cut_.block_rows, rows - first),
                       place(dealt_++, cut_.machine.array_units)});
      if (jobs_.size() == units_.size()) work();
    }
  }
  // The jobs of all units, slice by slice, so that none waits for another's instructions.
  void work() {
    if (jobs_.empty()) return;
    // Beside these come as many tiles for later, into the places of the column blocks before.
    const std::int64_t group = jobs_.back().number / cut_.group() * cut_.group();
    const std::int64_t ahead = group * cut_.slices + cut_.ahead();
    for (std::int64_t slice = 0; slice < cut_.slices; ++slice) {
      if (!cut_.hold_b) load_tiles(ahead + (slice + 1) * cut_.group());
      for (const Job& job : jobs_) pass(job, slice);
    }
    for (const Job& job : jobs_) finish(job);
    jobs_.clear();
  }

  void pass(const Job& job, std::int64_t slice) {
    Turns& turns = units_[job.unit];
    const auto instance = static_cast<std::int64_t>(job.unit);
    const std::size_t at = place(job.number, cut_.b_places);
    const auto slices = static_cast<std::size_t>(cut_.slices);
    const auto s = static_cast<std::size_t>(slice);
    const std::int64_t k = cut_.depth(slice), n = cut_.width(job.column);
    waits_.need(weights(job.unit), Unit::kLoad, std::max(held_, b_loaded_[at * slices + s]),
                isa::why::kRaw);
    turns.column_end[at] = waits_.push(isa::ReadTile{
        .ub = b_at(job.number, slice), .lane = 0, .k = k, .n = n, .instance = instance});
    if (!cut_.of.a_row) {
      waits_.need(matrix(job.unit), Unit::kLoad,
                  a_loaded_[place(job.panel, cut_.a_places) * slices + s], isa::why::kRaw);
    }
    if (slice == 0) {
      waits_.need(matrix(job.unit), isa::unit_at(Unit::kActivation, instance),
                  turns.activated[place(turns.turn, 2)], isa::why::kWar);
    }
    turns.pass = waits_.push(isa::Matmul{.ub = a_at(job.panel, slice) + job.first * cut_.a_rows(),
                                         .acc = acc(turns.turn),
                                         .rows = job.rows,
                                         .k = k,
                                         .n = n,
                                         .accumulate = slice == 0 ? 0 : 1,
                                         .switch_tile = 1,
                                         .precision = isa::precision::kBf16,
                                         .instance = instance});
  }

  [[nodiscard]] std::int64_t acc(std::int64_t turn) const {
    return turn % 2 * (cut_.machine.accumulators_rows / 2);
  }

  // The sums of a job to the buffer, and from there to memory.
  void finish(const Job& job) {
    Turns& turns = units_[job.unit];
    const std::size_t half = place(turns.turn, 2);
    const auto instance = static_cast<std::int64_t>(job.unit);
    const Unit activation = isa::unit_at(Unit::kActivation, instance);
    const isa::OperandRange& none = isa::operand_range(isa::Operand::Limit);
    const std::int64_t row = job.panel * cut_.panel_rows + job.first;
    const std::int64_t ub =
        cut_.of.c_row
            ? *cut_.of.c_row + (job.column * cut_.of.m + row) * cut_.c_rows()
            : cut_.c_row + (2 * instance + turns.turn % 2) * cut_.block_rows * cut_.c_rows();
    waits_.need(activation, matrix(job.unit), turns.pass, isa::why::kRaw);
    waits_.need(activation, Unit::kStore, turns.stored[half], isa::why::kWar);
    turns.activated[half] = waits_.push(isa::Activate{.acc = acc(turns.turn),
                                                      .ub = ub,
                                                      .rows = job.rows,
                                                      .n = cut_.width(job.column),
                                                      .type = isa::type::kBf16,
                                                      .lo = none.low,
                                                      .hi = none.high,
                                                      .instance = instance});
    ++turns.turn;
    if (cut_.of.c_row) return;
    const std::int64_t bytes = cut_.width(job.column) * kElement;
    waits_.need(Unit::kStore, activation, turns.activated[half], isa::why::kRaw);
    turns.stored[half] = waits_.push(
        isa::Store{.dram = cut_.of.c + kElement * job.column * cut_.machine.c() * cut_.of.pitch +
                           (cut_.of.row + row) * bytes,
                   .stride = bytes,
                   .ub = ub,
                   .rows = job.rows,
                   .bytes = bytes});
  }

  const Cut& cut_;
  Waits& waits_;
  std::vector<std::int64_t> a_loaded_, b_loaded_;  // numbers of loads, by place and slice
  std::vector<Turns> units_;
  std::int64_t held_ = 0;    // number of the last load of what is held
  std::int64_t loaded_ = 0;  // of the last load of A
  std::int64_t dealt_ = 0;   // jobs
  std::vector<Job> jobs_;    // dealt and not written
  std::int64_t tiles_done_ = 0;
  std::array<std::int64_t, 2> slices_done_{};  // of the panel at work and the next
  std::int64_t panel_loading_ = -1;
};

}  // namespace

void held_product(const isa::Machine& machine, const HeldProduct& product, Waits& waits) {
  HeldProduct p = product;
  if (p.pitch == 0) p.pitch = p.m;
  const Cut cut = cut_of(machine, p);
  Writer(cut, waits).run();
}

}  // namespace systole::compiler
