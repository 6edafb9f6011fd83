// Prediction of programs with repeats, from a few repetitions of each.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "compiler/lower/predict.h"
#include "isa/expand.h"

namespace systole::compiler {
namespace {

// What a prediction sums up.
constexpr auto kFigures = std::to_array<std::int64_t LayerPrediction::*>({
    &LayerPrediction::cycles,
    &LayerPrediction::matrix,
    &LayerPrediction::shift,
    &LayerPrediction::weights,
    &LayerPrediction::activation,
    &LayerPrediction::vector,
    &LayerPrediction::link_in,
    &LayerPrediction::link_out,
    &LayerPrediction::reads,
    &LayerPrediction::writes,
    &LayerPrediction::weight_bytes,
    &LayerPrediction::host_bytes,
});

// Adds times * (b - a).
void extend(LayerPrediction& sum, const LayerPrediction& a, const LayerPrediction& b,
            double times) {
  for (const auto figure : kFigures) {
    sum.*figure += std::llround(times * static_cast<double>(b.*figure - a.*figure));
  }
}

// The code with each repeat unrolled: `fewest` repetitions at most, of the one at `longer` twice as
// many.
Code unrolled(const Code& code, std::int64_t fewest, std::optional<std::size_t> longer) {
  Code flat;
  for (std::size_t pc = 0; pc < code.size(); ++pc) {
    const auto* repeat = std::get_if<isa::Repeat>(&code[pc]);
    if (repeat == nullptr) {
      flat.push_back(code[pc]);
      continue;
    }
    const std::size_t end = pc + 1 + static_cast<std::size_t>(repeat->length);
    const std::int64_t count = std::min(repeat->count, longer == pc ? 2 * fewest : fewest);
    for (std::int64_t i = 0; i < count; ++i) {
      isa::visit_body(code, pc + 1, end, i, [&](std::size_t, const isa::Insn& insn) {
        flat.push_back(insn);
        return true;
      });
    }
    pc = end - 1;
  }
  return flat;
}

}  // namespace

std::vector<LayerPrediction> predict(const isa::Program& program) {
  constexpr std::int64_t kFewest = 4;
  std::vector<std::size_t> repeats;
  for (std::size_t pc = 0; pc < program.code.size(); ++pc) {
    if (std::holds_alternative<isa::Repeat>(program.code[pc])) repeats.push_back(pc);
  }
  if (repeats.empty()) return predict_code(program, program.code);
  const auto of = [&](std::optional<std::size_t> longer) {
    return predict_code(program, unrolled(program.code, kFewest, longer));
  };
  const std::vector<LayerPrediction> least = of(std::nullopt);
  std::vector<LayerPrediction> all = least;
  for (const std::size_t pc : repeats) {
    const std::int64_t left = std::get<isa::Repeat>(program.code[pc]).count - kFewest;
    if (left <= 0) continue;
    const std::vector<LayerPrediction> more = of(pc);
    const double times = static_cast<double>(left) / static_cast<double>(std::min(left, kFewest));
    for (std::size_t l = 0; l < all.size(); ++l) extend(all[l], least[l], more[l], times);
  }
  return all;
}

}  // namespace systole::compiler
