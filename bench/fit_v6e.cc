// Fits tpu_v6e's figures that no source gives to the rows of
// compare/model/data/tpu_v6e_fit_rows.txt: those with the least mean error in percent, found from
// the preset's by a search over one figure at a time in fixed steps (coordinate descent):
// deterministic, and done where no step of any figure is better. Prints each figure with the range
// in which the mean error is less than a point worse; where the preset is what comes out, it says
// so and ends with 0, else with 1.
//
//   fit_v6e [--most MACS]    takes rows of at most so many multiply-adds: 3e11, and 1e15 for all
//                            of them, which takes minutes a round
#include <fmt/core.h>

#include <cstdlib>
#include <string_view>

#include "base/diag.h"
#include "isa/machine.h"
#include "validate/tpu_fit.h"

namespace {

using systole::validate::FitFigure;

void print(const systole::isa::Machine& machine, const systole::validate::FitRows& rows) {
  const double least = systole::validate::fit_error(machine, rows);
  fmt::print("mean error {:.2f} % of {} rows\n", least, rows.size());
  for (const FitFigure& figure : systole::validate::fit_figures()) {
    const auto [low, high] = systole::validate::fit_range(machine, figure, rows, least + 1.0);
    fmt::print("{} = {}  ({} to {})\n", figure.key, machine.*figure.member, low, high);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    double most = systole::validate::kFitMacs;
    if (argc == 3 && std::string_view(argv[1]) == "--most") most = std::atof(argv[2]);
    const systole::isa::Machine preset = systole::isa::load_machine("tpu_v6e");
    const systole::validate::FitRows rows = systole::validate::fit_rows(most);
    const systole::isa::Machine fitted = systole::validate::fitted(preset, rows);
    print(fitted, rows);
    fmt::print("{}\n", fitted == preset ? "as the preset" : "not as the preset");
    return fitted == preset ? 0 : 1;
  } catch (const systole::InputError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
