// Explanation: a table of layers and a line per segment.
#include "cli/explanation.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clean.h"
#include "base/page.h"
#include "cli/numbers.h"

namespace systole::cli {
namespace {

constexpr std::size_t kMaxName = 20;

std::string layers_text(const compiler::Compiled& compiled) {
  const isa::Program& program = compiled.program;
  std::size_t width = 5;
  for (const compiler::LayerPlan& plan : compiled.explanation.layers) {
    const auto layer = static_cast<std::size_t>(plan.layer);
    width = std::max(width, width_of(clean(program.layers.at(layer).name, kMaxName)));
  }
  std::string text = fmt::format("{:<{}}  {:>11}  {:<12}  {:>11}  {:>9}  {:>5}\n", "layer", width,
                                 "cycles", "limit", "weights KiB", "host KiB", "tiles");
  const auto kilobytes = [](std::int64_t bytes) {
    return fmt::format("{:.1f}", static_cast<double>(bytes) / 1024.0);
  };
  for (const compiler::LayerPlan& plan : compiled.explanation.layers) {
    const std::string& name = program.layers.at(static_cast<std::size_t>(plan.layer)).name;
    const compiler::LayerPrediction& predicted = plan.predicted;
    text +=
        fmt::format("{:<{}}  {:>11}  {:<12}  {:>11}  {:>9}  {:>5}\n", clean(name, kMaxName), width,
                    fmt::group_digits(predicted.cycles), predicted.bound(),
                    kilobytes(predicted.weight_bytes), kilobytes(predicted.host_bytes), plan.tiles);
    const std::string more = plan.residency.empty() ? "" : "; " + plan.residency;
    text += "    " + wrapped(plan.mapping + more, 4, 4) + "\n";
  }
  return text;
}

}  // namespace

std::string explanation_text(const compiler::Compiled& compiled) {
  std::string text = layers_text(compiled);
  std::int64_t total = 0;
  for (const isa::Layer& layer : compiled.program.layers) total += layer.predicted_cycles;
  text += fmt::format("predicted: {} cycles on {}\n", fmt::group_digits(total),
                      clean(compiled.program.machine.name));
  for (const compiler::SegmentNote& note : compiled.explanation.segments) {
    const std::string phase = fmt::format(
        "phase of {}: {} of {}{}, {} in the unified buffer together ({} of {} rows)",
        counted(note.operations, "operation"), counted(note.jobs, "job"),
        note.bands > 1 ? fmt::format("one of {} bands of the lines of ", note.bands) : "",
        counted(note.items, "sample"), note.jobs_at_once, fmt::group_digits(note.ub_rows),
        fmt::group_digits(compiled.program.machine.ub_rows()));
    text += wrapped(phase, 0, 4) + "\n";
  }
  return text;
}

}  // namespace systole::cli
