// Phases: the search.
#include "compiler/lower/phases.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "base/diag.h"
#include "isa/delivery.h"
#include "isa/insn.h"
#include "isa/precisions.h"
#include "isa/program.h"

namespace systole::compiler {
namespace {

constexpr double kWorthIt = 0.995;          // what a cut must bring the price down to
constexpr double kSmallerIsWorthIt = 0.95;  // what smaller jobs must

class PhaseSearch {
 public:
  PhaseSearch(const SegmentPlan& plan, const isa::Program& program)
      : plan_(plan),
        program_(program),
        machine_(program.machine),
        tile_cycles_(tile_cycles(machine_)),
        cuts_(cuts()) {}

  [[nodiscard]] std::vector<Phase> run() const {
    std::vector<Phase> best{whole()};
    if (!plan_.bands.empty()) return best;
    double price = price_of(best);
    while (plan_.units > 1) {
      const std::vector<Phase> next = best_cut(best, price * kWorthIt);
      if (next.empty()) break;
      best = joined(next);
      price = price_of(best);
    }
    return best;
  }

  // Cycles of these phases, with those in which nothing works but the link: the first job's inputs.
  [[nodiscard]] double whole_price(const std::vector<Phase>& phases) const {
    const double items = static_cast<double>(std::min(phases.front().items, plan_.units));
    return price_of(phases) +
           link_cycles(phases.front(), items, &Resident::loaded, machine_.link_in_bytes_per_second);
  }

 private:
  [[nodiscard]] int end() const { return static_cast<int>(plan_.ops.size()); }

  [[nodiscard]] bool fits(const std::vector<Phase>& phases) const {
    return BufferMap(plan_, program_, phases).rows() <= machine_.ub_rows();
  }

  // The most items, about `limit` at most, that phase `at` can have in a job, in jobs of equal
  // size.
  [[nodiscard]] std::int64_t most_items(std::vector<Phase> phases, std::size_t at,
                                        std::int64_t limit) const {
    const std::int64_t granule = phases[at].granule;
    const std::int64_t wanted = ceil_div(limit, granule);
    std::int64_t most = 0;
    for (std::int64_t low = 1, high = wanted; low <= high;) {
      const std::int64_t middle = (low + high) / 2;
      phases[at].items = middle * granule;
      const bool ok = fits(phases);
      if (ok) most = middle;
      (ok ? low : high) = middle + (ok ? 1 : -1);
    }
    return most == 0 ? 0 : ceil_div(wanted, ceil_div(wanted, most)) * granule;
  }

  [[nodiscard]] Phase phase(int first, int end, int copies) const {
    const std::int64_t granule = plan_.granule(first, end);
    return {first, end, granule, copies, granule};
  }

  // All operations in one phase: rather the largest jobs, which read each tile seldom, than smaller
  // ones that overlap, if they are about as cheap. With bands a job is one image's.
  [[nodiscard]] Phase whole() const {
    const std::int64_t most = plan_.bands.empty() ? plan_.units : 1;
    std::vector<Phase> found;
    for (std::int64_t jobs = 1; jobs <= most; jobs *= 2) {
      for (int copies = plan_.schedule == Schedule::kPaper2015 ? 1 : 2; copies > 0; --copies) {
        Phase all = phase(0, end(), copies);
        all.items = most_items({all}, 0, ceil_div(most, jobs));
        if (all.items > 0) found.push_back(all);
      }
    }
    if (found.empty()) fail_whole(phase(0, end(), 1));
    std::ranges::stable_sort(found, std::greater{}, &Phase::items);
    Phase best = found.front();
    for (const Phase& all : found) {
      if (price_of({all}) < price_of({best}) * kSmallerIsWorthIt) best = all;
    }
    return best;
  }

  // No sample fits: names the largest tensor and the operation that has it first.
  [[noreturn]] void fail_whole(const Phase& phase) const {
    const BufferMap map(plan_, program_, {phase});
    std::size_t largest = 0;
    for (std::size_t i = 1; i < plan_.residents.size(); ++i) {
      if (map.layout(i).total_rows() > map.layout(largest).total_rows()) largest = i;
    }
    const Resident& tensor = plan_.residents.at(largest);
    const DeviceOp& op = plan_.ops.at(static_cast<std::size_t>(std::max(0, tensor.first_use)));
    throw InputError(
        "node " + op.node->name,
        fmt::format("one sample needs {} unified buffer rows, {} of them for tensor '{}'",
                    map.rows(), map.layout(largest).total_rows(), tensor.name),
        fmt::format("at most {} on machine {} (unified_buffer.bytes)", machine_.ub_rows(),
                    machine_.name));
  }

  // Operations before which fewest bytes cross, compared with their neighbours.
  [[nodiscard]] std::vector<int> cuts() const {
    std::vector<std::int64_t> crossing(plan_.ops.size() + 1, 0);
    for (const Resident& r : plan_.residents) {
      for (int k = r.first_use + 1; k <= r.last_use; ++k)
        crossing[static_cast<std::size_t>(k)] += r.map.pixels() * blocks(r);
    }
    std::vector<int> found;
    for (std::size_t k = 1; k < plan_.ops.size(); ++k) {
      const bool lowest = (k == 1 || crossing[k] <= crossing[k - 1]) &&
                          (k + 1 == plan_.ops.size() || crossing[k] <= crossing[k + 1]);
      if (lowest) found.push_back(static_cast<int>(k));
    }
    return found;
  }

  [[nodiscard]] std::int64_t blocks(const Resident& r) const {
    return ceil_div(r.map.channels * r.element_bytes(), r.width(machine_) * r.element_bytes());
  }

  // The cheapest plan below `limit` that cuts a phase of `phases` in two; empty if there is none.
  [[nodiscard]] std::vector<Phase> best_cut(const std::vector<Phase>& phases, double limit) const {
    std::vector<Phase> best;
    for (std::size_t at = 0; at < phases.size(); ++at) {
      for (int cut : cuts_) {
        if (cut <= phases[at].first || cut >= phases[at].end) continue;
        for (const std::vector<Phase>& candidate : cut_phase(phases, at, cut)) {
          const double price = price_of(candidate);
          if (price >= limit) continue;
          best = candidate;
          limit = price;
        }
      }
    }
    return best;
  }

  // `phases` with phase `at` cut before operation `cut`: the second part in jobs of all sizes, the
  // first in as large ones as then fit; either of them with two copies, then in two jobs at least.
  [[nodiscard]] std::vector<std::vector<Phase>> cut_phase(const std::vector<Phase>& phases,
                                                          std::size_t at, int cut) const {
    std::vector<std::vector<Phase>> found;
    const bool in_steps = plan_.schedule == Schedule::kPaper2015;
    for (const auto& [first_copies, second_copies] : {std::pair(2, 1), {1, 1}, {1, 2}, {2, 2}}) {
      if (in_steps && first_copies + second_copies > 2) continue;
      std::vector<Phase> made = phases;
      made[at] = phase(cut, phases[at].end, second_copies);
      made.insert(made.begin() + static_cast<std::ptrdiff_t>(at),
                  phase(phases[at].first, cut, first_copies));
      std::int64_t before = 0;
      for (std::int64_t jobs = second_copies; jobs <= plan_.units; jobs *= 2) {
        made[at].items = made[at].granule;
        made[at + 1].items = most_items(made, at + 1, ceil_div(plan_.units, jobs));
        if (made[at + 1].items == 0 || made[at + 1].items == before) continue;
        before = made[at + 1].items;
        made[at].items = most_items(made, at, ceil_div(plan_.units, first_copies));
        if (made[at].items > 0) found.push_back(made);
      }
    }
    return found;
  }

  // Without cuts between phases whose jobs are of one size, as only jobs of one phase overlap.
  [[nodiscard]] std::vector<Phase> joined(std::vector<Phase> phases) const {
    for (std::size_t at = 0; at + 1 < phases.size();) {
      std::vector<Phase> fewer = phases;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at));
      fewer[at] = phase(phases[at].first, phases[at + 1].end,
                        std::max(phases[at].copies, phases[at + 1].copies));
      fewer[at].items = phases[at].items;
      const bool same = phases[at].items == phases[at + 1].items &&
                        phases[at].items % fewer[at].granule == 0 && fits(fewer) &&
                        price_of(fewer) <= price_of(phases);
      if (same)
        phases = fewer;
      else
        ++at;
    }
    return phases;
  }

  // Cycles of all jobs of a batch. Beside another job work the array, the write port, which vector
  // and activation unit share, and the link, each way. Alone, a job's work of the vector unit comes
  // behind what it reads, and its inputs behind the job before.
  [[nodiscard]] double price_of(const std::vector<Phase>& phases) const {
    double cycles = 0;
    for (const Phase& phase : phases) {
      const auto jobs = static_cast<double>(ceil_div(plan_.units, phase.items));
      const double items = static_cast<double>(plan_.units) / jobs;
      double array = 0, vector = 0, activation = 0;
      for (int i = phase.first; i < phase.end; ++i) {
        const DeviceOp& op = plan_.ops[static_cast<std::size_t>(i)];
        array += price_of(op, items);
        (op.product != nullptr ? activation : vector) += written_rows(op, items);
      }
      const double in =
          link_cycles(phase, items, &Resident::loaded, machine_.link_in_bytes_per_second);
      const double out =
          link_cycles(phase, items, &Resident::stored, machine_.link_out_bytes_per_second);
      const double drain = static_cast<double>(machine_.r() + machine_.c());
      if (phase.copies > 1 && jobs > 1)
        cycles += jobs * std::max({array, vector + activation, in, out}) + vector / 2;
      else if (jobs > 1)
        cycles += jobs * (std::max(array + vector, out) + in + 2 * drain);
      else
        cycles += std::max({array + vector, in, out}) + (phase.copies == 1 ? 2 * drain : 0);
    }
    return cycles;
  }

  // Cycles of the link for what a job of the phase loads, or stores.
  [[nodiscard]] double link_cycles(const Phase& phase, double items, bool Resident::*moved,
                                   std::int64_t bytes_per_second) const {
    double bytes = 0;
    for (const Resident& r : plan_.residents) {
      if (!(r.*moved) || r.first_use < phase.first || r.first_use >= phase.end) continue;
      bytes += static_cast<double>(r.map.pixels() * r.map.channels * r.element_bytes());
    }
    return bytes * items / static_cast<double>(plan_.units) *
           static_cast<double>(machine_.clock_hertz) / static_cast<double>(bytes_per_second);
  }

  // Cycles for which an operation holds the write port; the vector unit holds it while it reads.
  [[nodiscard]] double written_rows(const DeviceOp& op, double items) const {
    const Resident& out = plan_.residents[op.output];
    const double rows = static_cast<double>(out.map.pixels() * blocks(out)) /
                        static_cast<double>(plan_.units) * items;
    if (const auto* pool = std::get_if<PoolAttrs>(&op.node->attrs))
      return rows * static_cast<double>(pool->window.kernel[0] * pool->window.kernel[1]);
    return rows * (op.node->kind == OpKind::kZip ? 2 : 1);
  }

  // Cycles of an operation on that many samples, if the vector unit keeps up.
  [[nodiscard]] double price_of(const DeviceOp& op, double items) const {
    if (op.product == nullptr) return 0;
    const Product& p = *op.product;
    const auto batch = static_cast<double>(plan_.units);
    const double rows = static_cast<double>(p.out.pixels()) / batch * items;
    const auto tiles = static_cast<double>(p.tile_count());
    const bool stays = p.tile_count() == std::ssize(p.columns);
    const double groups =
        stays ? 1 : std::ceil(rows / static_cast<double>(machine_.accumulators_rows));
    const double active = rows * tiles * static_cast<double>(p.row_cycles());
    return std::max(active,
                    tiles * groups * std::max(tile_cycles_, static_cast<double>(machine_.r())));
  }

  // Cycles in which a tile and the instructions that use it come.
  [[nodiscard]] static double tile_cycles(const isa::Machine& machine) {
    const std::int64_t bytes = isa::encoded_bytes(isa::Matmul{.rows = 1, .k = 1, .n = 1}) +
                               isa::encoded_bytes(isa::ReadWeights{.k = 1, .n = 1});
    const bool over_link = machine.sequencer_delivery != isa::Delivery::kPreloaded;
    const double delivery = over_link ? static_cast<double>(bytes * machine.clock_hertz) /
                                            static_cast<double>(machine.link_in_bytes_per_second)
                                      : 0;
    return std::max(fetch_cycles(machine), delivery);
  }

  const SegmentPlan& plan_;
  const isa::Program& program_;
  const isa::Machine& machine_;
  double tile_cycles_;
  std::vector<int> cuts_;
};

}  // namespace

namespace {

bool units_fit(const SegmentPlan& plan, const isa::Program& program, int copies) {
  const int end = static_cast<int>(plan.ops.size());
  const std::int64_t granule = plan.granule(0, end);
  const Phase phase{0, end, granule, copies, granule};
  return BufferMap(plan, program, {phase}).rows() <= program.machine.ub_rows();
}

}  // namespace

bool one_unit_fits(const SegmentPlan& plan, const isa::Program& program) {
  return units_fit(plan, program, 1);
}

bool two_units_fit(const SegmentPlan& plan, const isa::Program& program) {
  return units_fit(plan, program, 2);
}

double fetch_cycles(const isa::Machine& machine) {
  return static_cast<double>(isa::tile_bytes(machine)) * static_cast<double>(machine.clock_hertz) /
         static_cast<double>(machine.dram_bytes_per_second);
}

namespace {

constexpr std::int64_t kStreamedBlocks = 4;  // one is made, others leave

// The plan with a result of which few blocks are kept, if it is a lone product's that only leaves.
std::optional<SegmentPlan> with_streamed_result(const SegmentPlan& plan,
                                                const isa::Machine& machine) {
  const bool alone = plan.ops.size() == 1 && plan.ops.front().product != nullptr;
  if (!alone || !plan.bands.empty() || plan.schedule == Schedule::kPaper2015) return std::nullopt;
  const Resident& result = plan.residents[plan.ops.front().output];
  const bool many = result.map.channels > kStreamedBlocks * result.width(machine);
  if (!result.stored || !many) return std::nullopt;
  SegmentPlan streamed = plan;
  streamed.residents[plan.ops.front().output].kept_blocks = kStreamedBlocks;
  return streamed;
}

// Whether a job's rows have their sums in the accumulators together, so that a column is complete
// before the next one begins.
bool sums_together(const SegmentPlan& plan, const Phase& phase, const isa::Machine& machine) {
  const Resident& result = plan.residents[plan.ops.front().output];
  return pixels_of(plan, result, phase.items) <= machine.accumulators_rows;
}

}  // namespace

PhasedPlan choose_phases(const SegmentPlan& plan, const isa::Program& program) {
  const isa::Machine& machine = program.machine;
  const PhaseSearch search(plan, program);
  PhasedPlan best{plan, search.run()};
  std::optional<SegmentPlan> streamed = with_streamed_result(plan, machine);
  if (!streamed) return best;
  const PhaseSearch other(*streamed, program);
  std::vector<Phase> phases = other.run();
  const bool pays = other.whole_price(phases) < search.whole_price(best.phases) * kSmallerIsWorthIt;
  if (pays && sums_together(plan, phases.front(), machine)) {
    best = {std::move(*streamed), std::move(phases)};
  }
  return best;
}

}  // namespace systole::compiler
