// See listing.h.
#include "report/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/clean.h"
#include "isa/expand.h"
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

// Lines of a program as it is executed, beside the lives of its instructions.
class Lines {
 public:
  // `all`: these are all that there are.
  Lines(std::vector<Lives::Kept> lives, bool all, const sim::Causes& causes)
      : lives_(std::move(lives)), all_(all), causes_(causes) {}

  // The next executed instruction's; false where the lives end before the program does.
  bool add(std::size_t index, const isa::Insn& insn) {
    if (next_ == lives_.size() && !all_) return false;
    text_ += clean(fmt::format("{:>5}  {}", index + 1, isa::disassemble(insn)), 80) + "\n";
    if (isa::counts(insn)) {
      add_life(lives_[next_++]);
    } else if (std::holds_alternative<isa::Sync>(insn)) {
      add_sync(isa::unit_name(isa::queue_of(insn)));
    }
    return true;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void add_life(const Lives::Kept& kept) {
    const sim::Life& life = kept.life;
    text_ += fmt::format("       {}: dispatched {}, start {}, end {}{}\n", kept.unit,
                         grouped(life.dispatched.value), grouped(life.start.value),
                         grouped(life.completed.value), cause_text(causes_, life));
  }
  // A sync is passed when the instruction behind it comes to the queue's head, or before.
  void add_sync(std::string_view unit) {
    for (std::size_t i = next_; i < lives_.size(); ++i) {
      if (lives_[i].unit != unit) continue;
      text_ += fmt::format("       {}: passed by {}\n", unit, grouped(lives_[i].life.head.value));
      return;
    }
  }

  const std::vector<Lives::Kept> lives_;
  const bool all_;
  const sim::Causes& causes_;
  std::size_t next_ = 0;
  std::string text_;
};

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
  causes.sort_starts();
  const std::size_t count = lives.count();
  Lines lines(lives.take(), count <= kMostListed, causes);
  isa::for_each_executed(program.code, [&](std::size_t index, const isa::Insn& insn) {
    return lines.add(index, insn);
  });
  std::string text = "Instructions in the order of dispatch:\n" + lines.text();
  if (count > kMostListed) {
    text += fmt::format("{} more\n", grouped(static_cast<std::int64_t>(count - kMostListed)));
  }
  return text + fmt::format("The run takes {} cycles.\n", grouped(report.total.cycles.value));
}

}  // namespace systole::report
