// 2,000 random programs on random machines: the cycle engine's cycles, stalls, bytes, report and
// outputs, and whether the other engines agree. A line each, in blocks of a hundred.
//
// A line's first digest is of the program itself: if it differs, the generator (tests/support)
// changed, and the rest says nothing about the simulator.
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <set>

#include "isa/expand.h"
#include "sim/run.h"
#include "tests/golden/digest.h"
#include "tests/golden/record.h"
#include "tests/golden/run_lines.h"
#include "tests/support/random_program.h"

namespace systole::golden {
namespace {

constexpr const char* kFile = "programs.txt";
constexpr std::uint64_t kBlocks = 20, kBlock = 100;
constexpr std::uint64_t kFirstSeed = 100'001;  // those of no law

std::uint64_t first_of(std::uint64_t block) { return kFirstSeed + block * kBlock; }

// The case of this seed, short, middling or long, with 0 to 3 ports of either kind and bursts of 8
// to 64 bytes, of which its program knows nothing.
RandomCase case_of(std::uint64_t seed) {
  const auto choice = [&](std::uint64_t every, std::uint64_t count) {
    return static_cast<std::int64_t>(seed / every % count);
  };
  constexpr std::int64_t kShortest = 40, kShortestBurst = 8;
  RandomCase c = random_case(seed, kShortest << choice(1, 3));
  c.machine.unified_buffer_read_ports = choice(1, 4);
  c.machine.unified_buffer_write_ports = choice(4, 4);
  c.machine.dram_burst_bytes = kShortestBurst << choice(16, 4);
  c.program.machine = c.machine;
  return c;
}

std::string program_digest(const RandomCase& c) {
  Digest digest;
  digest.add(digest_of(c.program.code)).add(digest_of(c.inputs));
  digest.add(std::span<const std::uint8_t>(c.program.weights));
  digest.add(std::span<const std::uint8_t>(c.program.constants));
  return digest.hex();
}

// What the units did, the layers' shares, and what was unmet.
std::string report_digest(const sim::Report& report) {
  Digest digest;
  for (const std::string& line : report_lines(report)) digest.add(line);
  return digest.hex();
}

// Where an engine's outputs or, if it keeps time, its report differ from those of the cycle engine.
std::string disagreement(const RandomCase& c, sim::Engine engine, const sim::RunResult& cycle) {
  sim::RunOptions options;
  options.engine = engine;
  const sim::RunResult run = sim::run(c.program, c.machine, c.inputs, options);
  std::string text;
  const std::string outputs = digest_of(run.outputs), report = report_digest(run.report);
  if (outputs != digest_of(cycle.outputs)) text += " outputs " + outputs;
  const bool timed = engine != sim::Engine::kFunc;
  if (timed && report != report_digest(cycle.report)) text += " report " + report;
  return text.empty() ? "" : fmt::format(", {}:{}", sim::engine_name(engine), text);
}

std::string line_of(std::uint64_t seed) {
  const RandomCase c = case_of(seed);
  const sim::RunResult run = sim::run(c.program, c.machine, c.inputs, {});
  const sim::Counters& total = run.report.total;
  std::string line =
      fmt::format("{}: program {} cycles {}{},{} report {} outputs {}", seed, program_digest(c),
                  total.cycles.value, stalls_text(total), bytes_text(total),
                  report_digest(run.report), digest_of(run.outputs));
  for (const sim::Engine engine : {sim::Engine::kFunc, sim::Engine::kRegister})
    line += disagreement(c, engine, run);
  return line;
}

TEST(RecordPrograms, RunAsBefore) {
  std::vector<std::string> names;
  for (std::uint64_t block = 0; block < kBlocks; ++block) {
    Entry entry;
    for (std::uint64_t seed = first_of(block); seed < first_of(block + 1); ++seed)
      entry.lines.push_back(line_of(seed));
    entry.name = fmt::format("seeds {} to {}", first_of(block), first_of(block + 1) - 1);
    names.push_back(entry.name);
    expect_recorded(kFile, entry);
  }
  expect_names(kFile, names);
}

// What the programs and their machines are examples of.
class Examples {
 public:
  void note(const RandomCase& c) {
    const isa::Machine& m = c.machine;
    add("read ports {}", m.unified_buffer_read_ports);
    add("write ports {}", m.unified_buffer_write_ports);
    add("weight load {}", static_cast<int>(m.array_weight_load));
    add("delivery {}", static_cast<int>(m.sequencer_delivery));
    add("memory {}", static_cast<int>(m.dram_kind));
    if (m.sequencer_queue == 1) add("queue {}", 1);
    const std::int64_t row = m.unified_buffer_row_bytes, columns = m.c();
    add("row_bytes {} C", row < columns ? "<" : row > columns ? ">" : "=");
    std::set<std::string> executed;
    isa::for_each_executed(c.program.code, [&](std::size_t, const isa::Insn& insn) {
      note(insn, executed);
      return true;
    });
    for (const std::string& what : executed) ++seen_[what];
  }
  [[nodiscard]] int count(const std::string& what) const {
    const auto found = seen_.find(what);
    return found == seen_.end() ? 0 : found->second;
  }

 private:
  template <typename T>
  void add(fmt::format_string<const T&> format, const T& value) {
    ++seen_[fmt::format(format, value)];
  }
  static void note(const isa::Insn& insn, std::set<std::string>& executed) {
    executed.emplace(isa::mnemonic(insn));
    const auto choice = [&](std::string_view, isa::Operand kind, std::int64_t value) {
      for (const isa::ChoiceInfo& c : isa::kChoices) {
        if (c.kind != kind || isa::choice_value(kind, c.text) != value) continue;
        executed.insert(fmt::format("{} {}", isa::info(kind).name, c.text));
      }
    };
    std::visit([&](const auto& one) { one.for_each(choice); }, insn);
  }

  std::map<std::string, int> seen_;  // how many programs
};

TEST(RecordPrograms, MeetEveryChoiceAndLimit) {
  Examples examples;
  for (std::uint64_t seed = kFirstSeed; seed < first_of(kBlocks); ++seed)
    examples.note(case_of(seed));
  std::vector<std::string> wanted = {
      "weight load 0", "weight load 1", "weight load 2", "delivery 0",    "delivery 1",
      "memory 0",      "memory 1",      "queue 1",       "read ports 0",  "read ports 3",
      "write ports 0", "write ports 3", "row_bytes < C", "row_bytes > C", "row_bytes = C"};
  for (const isa::ChoiceInfo& c : isa::kChoices) {
    const bool floats = c.text == "bf16" || c.text == "f32";  // younger: tests/laws has them
    if (!floats) wanted.push_back(fmt::format("{} {}", isa::info(c.kind).name, c.text));
  }
  constexpr int kLeast = 20;
  for (const std::string& what : wanted) EXPECT_GE(examples.count(what), kLeast) << what;
}

}  // namespace
}  // namespace systole::golden
