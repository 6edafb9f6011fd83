// The definitions as Markdown, one table per .def file.
#include "sim/counter_doc.h"

#include <fmt/core.h>

#include "isa/insn.h"
#include "sim/kernel/resources.h"
#include "sim/kernel/waits.h"

namespace systole::sim {
namespace {

constexpr std::string_view kHead =
    "# Counters\n\n"
    "Generated from `sim/kernel/stalls.def`, `sim/kernel/counters.def`, `sim/kernel/resources.def` "
    "and `sim/kernel/waits.def` "
    "by `systole "
    "counters`; "
    "a test keeps it up to date. All of them appear in `systole run --stats`, for the run and for "
    "each layer.\n\n"
    "## Cycles of the matrix unit\n\n"
    "Each cycle is in the first class that holds; the classes add up to the run's cycles (with "
    "several matrix units to as many times these), which is "
    "checked in every run. H is the next pass in the queue, looking past syncs; s is the cycle in "
    "which a "
    "pass injects its first row, B its rows, p the cycles a row takes (1 for int8); raw is read "
    "after "
    "write, war write after read. The gap before a "
    "pass belongs to that pass's layer, what follows the last pass to the last pass's layer.\n\n"
    "| class | a cycle is in it if |\n|---|---|\n";

constexpr std::string_view kWaitHead =
    "\n## Cycles of the other units\n\n"
    "Busy, each wait, and idle (the rest: nothing in the queue, or work whose latency runs out) "
    "add "
    "up to the run's cycles, which is checked in every run. A wait during work that is still going "
    "on counts from that work's end.\n\n"
    "| wait | unit | the unit waits because |\n|---|---|---|\n"
    "| raw U | any with a queue | a sync at the head waits for data that unit U makes |\n"
    "| war U | any with a queue | a sync at the head waits for room that unit U has to free |\n";

constexpr std::string_view kResourceHead =
    "\n## Resources of the critical path\n\n"
    "Every cycle of a run lies on its critical path once, with one of these ([why.md](why.md)); "
    "of causes that were met in the same cycle the first carries the path. What relieves a "
    "resource is twice its parameter, of a latency half of it. A `what_if` parameter is a "
    "question to the cycle engine: so many times fewer cycles, rounded up.\n\n"
    "| resource | cycles in which | relieved by |\n|---|---|---|\n";

std::string resources_table() {
  std::string out(kResourceHead);
  for (std::size_t r = 0; r < kResourceCount; ++r) {
    const auto resource = static_cast<Resource>(r);
    const std::string_view key = parameter_key(resource);
    const bool halves = info(resource).kind == ResourceKind::kLatency;
    out +=
        fmt::format("| {} | {} | {} |\n", info(resource).name, info(resource).meaning,
                    key.empty() ? "nothing" : fmt::format("`{}={}`", key, halves ? "0.5x" : "2x"));
  }
  return out;
}

}  // namespace

std::string counters_markdown() {
  std::string out(kHead);
#define SYSTOLE_STALL(name, text, meaning) out += fmt::format("| {} | {} |\n", text, meaning);
#include "sim/kernel/stalls.def"
  out += "\n## Counts\n\n| counter | in | unit | meaning |\n|---|---|---|---|\n";
#define SYSTOLE_COUNTER(Type, member, group, unit, meaning) \
  out += fmt::format("| `{}` | {} | {} | {} |\n", #member, group, unit, meaning);
#include "sim/kernel/counters.def"
  out += kWaitHead;
  for (const WaitInfo& w : kWaits) {
    out += fmt::format("| {} | {} | {} |\n", w.name, w.unit, w.meaning);
  }
  out += resources_table();
  return out;
}

}  // namespace systole::sim
