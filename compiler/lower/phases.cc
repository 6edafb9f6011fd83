// Phases: the search.
#include "compiler/lower/phases.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/diag.h"
#include "isa/precisions.h"

namespace systole::compiler {
namespace {

constexpr double kWorthIt = 0.995;  // what a cut must bring the price down to

class PhaseSearch {
 public:
  PhaseSearch(const SegmentPlan& plan, const isa::Program& program)
      : plan_(plan), program_(program), machine_(program.machine), cuts_(cuts()) {}

  std::vector<Phase> run() {
    std::vector<Phase> best{whole()};
    double price = price_of(best);
    while (plan_.units > 1 && best.front().items < plan_.units) {
      const std::vector<Phase> next = best_cut(best, price * kWorthIt);
      if (next.empty()) break;
      best = next;
      price = price_of(best);
    }
    return best;
  }

 private:
  [[nodiscard]] int end() const { return static_cast<int>(plan_.ops.size()); }

  [[nodiscard]] bool fits(const std::vector<Phase>& phases) const {
    return BufferMap(plan_, program_, phases).rows() <= machine_.ub_rows();
  }

  // The most items, up to `limit`, that phase `at` can have in a job, in jobs of equal size.
  [[nodiscard]] std::int64_t most_items(std::vector<Phase> phases, std::size_t at,
                                        std::int64_t limit) const {
    std::int64_t most = 0;
    for (std::int64_t low = 1, high = limit; low <= high;) {
      phases[at].items = (low + high) / 2;
      const bool ok = fits(phases);
      if (ok) most = phases[at].items;
      (ok ? low : high) = phases[at].items + (ok ? 1 : -1);
    }
    return most == 0 ? 0 : ceil_div(limit, ceil_div(limit, most));
  }

  // All operations in one phase: rather the whole batch at once, which reads each tile once, than
  // two jobs at a time.
  [[nodiscard]] Phase whole() const {
    Phase phase{0, end(), 1, plan_.schedule == Schedule::kPaper2015 ? 1 : 2};
    phase.items = most_items({phase}, 0, plan_.units);
    if (phase.copies == 2 && phase.items < plan_.units) {
      Phase alone = phase;
      alone.copies = 1;
      alone.items = most_items({alone}, 0, plan_.units);
      if (phase.items == 0 || alone.items == plan_.units) phase = alone;
    }
    if (phase.items > 0) return phase;
    phase.items = 1;
    fail_whole(phase);
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
      const bool last = at + 1 == phases.size();
      const std::int64_t most = last ? plan_.units : phases[at + 1].items;
      for (int cut : cuts_) {
        if (cut <= phases[at].first || cut >= phases[at].end) continue;
        for (std::int64_t jobs = 1; ceil_div(most, jobs) > phases[at].items; jobs *= 2) {
          for (int copies : {2, 1}) {
            const auto candidate = cut_phase(phases, at, {cut, 0, ceil_div(most, jobs), copies});
            const double price = candidate.empty() ? limit : price_of(candidate);
            if (price >= limit) continue;
            best = candidate;
            limit = price;
          }
        }
      }
    }
    return best;
  }

  // `phases` with phase `at` cut before operation `second.first`: the second part with the items of
  // `second`, the first with its copies and as many items as fit; empty if none do.
  [[nodiscard]] std::vector<Phase> cut_phase(std::vector<Phase> phases, std::size_t at,
                                             Phase second) const {
    if (plan_.schedule == Schedule::kPaper2015 && second.copies > 1) return {};
    const Phase first{phases[at].first, second.first, 1, second.copies};
    second.end = phases[at].end;
    second.copies = 1;
    phases[at] = second;
    phases.insert(phases.begin() + static_cast<std::ptrdiff_t>(at), first);
    // Whatever the first part takes, it takes at least the jobs inside it.
    const std::int64_t least = at > 0 ? phases[at - 1].items : 1;
    phases[at].items = least;
    if (!fits(phases)) return {};
    phases[at].items = std::max(least, most_items(phases, at, second.items));
    return fits(phases) ? phases : std::vector<Phase>{};
  }

  // Cycles of all jobs of a batch.
  [[nodiscard]] double price_of(const std::vector<Phase>& phases) const {
    double cycles = 0;
    for (const Phase& phase : phases) {
      const auto jobs = static_cast<double>(ceil_div(plan_.units, phase.items));
      const double items = static_cast<double>(plan_.units) / jobs;
      // Alone in the buffer, a job begins when the one before has drained.
      double job = phase.copies == 1 ? 2.0 * static_cast<double>(machine_.r() + machine_.c()) : 0;
      for (int i = phase.first; i < phase.end; ++i)
        job += price_of(plan_.ops[static_cast<std::size_t>(i)], items);
      cycles += jobs * job;
    }
    return cycles;
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
    const double fetch = static_cast<double>(isa::tile_bytes(machine_, p.weight_type())) *
                         static_cast<double>(machine_.clock_hertz) /
                         static_cast<double>(machine_.dram_bytes_per_second);
    const double active = rows * tiles * static_cast<double>(p.row_cycles());
    return std::max(active, tiles * groups * std::max(fetch, static_cast<double>(machine_.r())));
  }

  const SegmentPlan& plan_;
  const isa::Program& program_;
  const isa::Machine& machine_;
  std::vector<int> cuts_;
};

}  // namespace

bool one_unit_fits(const SegmentPlan& plan, const isa::Program& program) {
  const Phase phase{0, static_cast<int>(plan.ops.size()), 1, 1};
  return BufferMap(plan, program, {phase}).rows() <= program.machine.ub_rows();
}

std::vector<Phase> choose_phases(const SegmentPlan& plan, const isa::Program& program) {
  return PhaseSearch(plan, program).run();
}

}  // namespace systole::compiler
