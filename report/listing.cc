// See listing.h.
#include "report/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/clean.h"
#include "report/summary.h"
#include "sim/run.h"
#include "traces/explain/critical_path.h"

namespace systole::report {
namespace {

// The first instructions that were dispatched, and how many there were in all.
class Lives : public sim::Probe {
 public:
  struct Kept {
    sim::Life life;
    std::string unit;
  };
  [[nodiscard]] bool wants_slice() const override { return false; }
  [[nodiscard]] bool wants_counter() const override { return false; }
  [[nodiscard]] bool wants_instruction() const override { return true; }
  void instruction(const sim::Life& life) override {
    ++count_;
    if (life.serial < static_cast<std::int64_t>(kMostListed))
      kept_.push_back({life, std::string(life.unit)});
  }

  // In the order of dispatch.
  [[nodiscard]] std::vector<Kept> take() {
    std::ranges::sort(kept_, {}, [](const Kept& kept) { return kept.life.serial; });
    return std::move(kept_);
  }
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  std::vector<Kept> kept_;
  std::size_t count_ = 0;
};

std::string cause_text(const sim::Causes& causes, const sim::Life& life) {
  const CyclePoint visible = life.dispatched + CycleCount(1);
  const CycleCount waited = life.start - visible;
  const auto start =
      std::ranges::lower_bound(causes.starts(), life.serial, {}, &sim::Causes::Start::serial);
  if (waited <= CycleCount(0) || start == causes.starts().end() || start->serial != life.serial) {
    return {};
  }
  const traces::ByResource chain = traces::chain_to(causes, start->moment, visible);
  return fmt::format(", waited {}: {}", grouped(waited.value),
                     sim::info(traces::largest(chain)).name);
}

}  // namespace

std::string listing(const isa::Program& program, const isa::Machine& machine) {
  Lives lives;
  sim::Causes causes;
  sim::RunOptions options;
  options.timing_only = true;
  options.verified = true;
  options.probe = &lives;
  options.causes = &causes;
  const sim::Report report = sim::run(program, machine, {}, options).report;
  std::string text = "Instructions in the order of dispatch:\n";
  causes.sort_starts();
  for (const Lives::Kept& kept : lives.take()) {
    const sim::Life& life = kept.life;
    const isa::Insn& insn = program.code.at(static_cast<std::size_t>(life.insn));
    text += clean(fmt::format("{:>5}  {}", life.insn + 1, isa::disassemble(insn)), 80) + "\n";
    text += fmt::format("       {}: dispatched {}, start {}, end {}{}\n", kept.unit,
                        grouped(life.dispatched.value), grouped(life.start.value),
                        grouped(life.completed.value), cause_text(causes, life));
  }
  if (lives.count() > kMostListed) {
    text +=
        fmt::format("{} more\n", grouped(static_cast<std::int64_t>(lives.count() - kMostListed)));
  }
  return text + fmt::format("The run takes {} cycles.\n", grouped(report.total.cycles.value));
}

}  // namespace systole::report
