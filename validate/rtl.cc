// Rung `rtl`: random programs on the simulator's engines and on the Verilated matrix unit
// (docs/rtl.md). A case is one program on one model; it passes if every shift, pass and accumulator
// write is in the same cycle with the same value on all of them.
#include <fmt/core.h>

#include "base/diag.h"
#include "base/terminal.h"
#include "rtl/cosim.h"
#include "validate/validation.h"

namespace systole::validate {
namespace {

constexpr std::uint64_t kPrograms = 50;  // of each model
constexpr std::int64_t kTiles = 20;      // of each program

// What the programs of one model added up to.
struct Suite {
  std::int64_t passed = 0, failed = 0, passes = 0, writes = 0;
  std::string first_difference = "none";
};

void run_case(const rtl::ModelInfo& model, std::uint64_t seed, Suite& suite) {
  const rtl::CosimCase c =
      rtl::random_cosim_case({model.rows, model.columns, model.load}, seed, kTiles);
  bool equal = true;
  for (const rtl::TimedEngine& engine : rtl::kTimedEngines) {
    const rtl::EngineRun run = rtl::run_engine(c, engine.engine);
    const auto unit = model.make();
    const rtl::Behaviour rtl = rtl::run_rtl(*unit, run.script);
    const std::vector<std::string> found = rtl::differences(run.behaviour, rtl);
    if (!found.empty() && suite.failed == 0 && equal) {
      suite.first_difference =
          fmt::format("program {}, engine {}: {}", seed, engine.name, found.front());
    }
    equal = equal && found.empty();
    suite.passes += std::ssize(rtl.passes);
    suite.writes += std::ssize(rtl.writes);
  }
  ++(equal ? suite.passed : suite.failed);
}

}  // namespace

Validation validate_rtl(const ValidateRequest& /*request*/) {
  if (rtl::models().empty()) {
    throw InputError("validate rtl", "this build has no RTL models",
                     "verilator, and a build with -DSYSTOLE_RTL=ON");
  }
  const Progress progress("validating");
  Validation v;
  v.tally = ValidationTally{};
  v.tables = {{"cases",
               "Random programs on the engines and on the RTL",
               {{"array", "array"},
                {"weight_load", "weight load"},
                {"programs", "programs"},
                {"equal", "equal"},
                {"passes", "passes compared"},
                {"writes", "accumulator writes compared"},
                {"difference", "first difference"}},
               {}}};
  for (const rtl::ModelInfo& model : rtl::models()) {
    if (model.faults) continue;
    Suite suite;
    for (std::uint64_t seed = 1; seed <= kPrograms; ++seed) run_case(model, seed, suite);
    v.tally->passed += suite.passed;
    v.tally->failed += suite.failed;
    v.tables[0].rows.push_back({{"array", fmt::format("{}x{}", model.rows, model.columns)},
                                {"weight_load", rtl::load_name(model.load)},
                                {"programs", suite.passed + suite.failed},
                                {"equal", suite.passed},
                                {"passes", suite.passes},
                                {"writes", suite.writes},
                                {"difference", suite.first_difference}});
  }
  v.notes = {
      "compared with the engines: the cycle of every shift, pass and accumulator write, every "
      "value written, every accumulator at the end"};
  return v;
}

}  // namespace systole::validate
